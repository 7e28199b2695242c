// Undo and redo of whatever can be written down as JSON. Defines `editHistory`. After common.js.

// `take()` returns what there is to restore, `restore(kept)` restores it; `changed()` is called when `canUndo` or `canRedo`
// may be others.
function editHistory({ take, restore, changed }) {
  const MOST = 200;
  let kept = [];
  let place = -1; // of what is shown, in `kept`

  // Notes what is shown now, if it is another than what was noted last.
  function note() {
    const now = JSON.stringify(take());
    if (now === kept[place]) return;
    kept = [...kept.slice(Math.max(0, place + 2 - MOST), place + 1), now];
    place = kept.length - 1;
    changed();
  }

  function go(step) {
    if (kept[place + step] === undefined) return;
    place += step;
    restore(JSON.parse(kept[place]));
    changed();
  }

  return {
    note,
    undo: () => go(-1),
    redo: () => go(1),
    forget: () => ((kept = []), (place = -1), changed()), // of another model
    canUndo: () => place > 0,
    canRedo: () => place < kept.length - 1,
  };
}
