// Points on a picture, put by a click and pulled by dragging. Defines `pointsLayer`. After common.js.

// `pull(handles, targets, first)` asks for a few steps towards the targets and returns where the handles are then, or null
// where that did not work; `first` is where they were when `begin()` was called, before the first of these steps.
// `settled()` is called after the last; `refuse(text)` says what cannot be done, `counted(number)` how many points there are.
function pointsLayer({ pull, begin, settled, refuse, counted }) {
  const NEAR = 16; // CSS pixels from a point within which a press takes it
  const ARRIVED = 0.6; // pixels of the picture
  const ROUNDS = 16; // that a point which was let go may still need
  let size = { width: 1, height: 1 };
  let points = []; // {x, y, to: {x, y}, first: {x, y}} in pixels of the picture, from 0 to width - 1
  let chosen = null;
  let held = null; // the point under the pointer
  let moved = false;
  let rounds = 0; // left
  let pulling = false;
  let epoch = 0; // another one when the points are of another picture

  const svg = (tag, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const layer = svg("svg", { class: "points", tabindex: "0", role: "application", "aria-label": t("edited_picture") });

  const clamp = (value, most) => Math.min(most, Math.max(0, value));
  function at(event) {
    const box = layer.getBoundingClientRect();
    return {
      x: clamp(((event.clientX - box.left) / box.width) * size.width - 0.5, size.width - 1),
      y: clamp(((event.clientY - box.top) / box.height) * size.height - 0.5, size.height - 1),
    };
  }
  const apart = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
  const onItsWay = (point) => apart(point, point.to) >= ARRIVED;

  function draw() {
    const pixel = size.width / (layer.getBoundingClientRect().width || 1); // a CSS pixel in those of the picture
    counted(points.length);
    layer.setAttribute("viewBox", `-0.5 -0.5 ${size.width} ${size.height}`);
    layer.replaceChildren(...points.flatMap((point) => {
      const line = { x1: point.x, y1: point.y, x2: point.to.x, y2: point.to.y };
      const dot = { cx: point.x, cy: point.y };
      return [
        ...(onItsWay(point) ? [svg("line", { ...line, class: "under" }), svg("line", line), svg("circle", { cx: point.to.x, cy: point.to.y, r: 4 * pixel, class: "target" })] : []),
        svg("circle", { ...dot, r: 7 * pixel, class: point === chosen ? "dot chosen" : "dot" }),
      ];
    }));
  }

  function start() {
    for (const point of points) point.first = { x: point.x, y: point.y };
    begin();
  }

  function put(place) {
    if (points.length >= props.limits.points) return void refuse(t("too_many_points", { max: props.limits.points }));
    const point = { ...place, to: { ...place }, first: { ...place } };
    points.push(point);
    return point;
  }

  // Pulls until all have arrived, nobody holds a point and no rounds are left; whatever moves meanwhile is in the next round.
  async function follow() {
    if (pulling) return;
    pulling = true;
    const mine = epoch;
    try {
      while (mine === epoch && points.some(onItsWay) && (held || rounds-- > 0)) {
        const pulled = [...points];
        const places = (of) => pulled.map(of).map(({ x, y }) => [x, y]);
        const handles = await pull(places((point) => point), places((point) => point.to), places((point) => point.first));
        if (!handles || mine !== epoch) break;
        pulled.forEach((point, k) => ([point.x, point.y] = handles[k]));
        draw();
      }
    } finally {
      pulling = false;
    }
    if (mine !== epoch) return points.some(onItsWay) && (held || rounds > 0) ? void follow() : undefined;
    if (held) return;
    for (const point of points) point.to = { x: point.x, y: point.y };
    draw();
    settled();
  }

  layer.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    layer.setPointerCapture(event.pointerId);
    const place = at(event);
    const reach = (NEAR * size.width) / layer.getBoundingClientRect().width;
    const [nearest] = points.filter((point) => apart(point, place) < reach).sort((a, b) => apart(a, place) - apart(b, place));
    held = chosen = nearest ?? put(place) ?? null;
    moved = false;
    draw();
  });
  layer.addEventListener("pointermove", (event) => {
    if (!held) return;
    const place = at(event);
    if (!moved && apart(place, held) * (layer.getBoundingClientRect().width / size.width) < 4) return; // a click
    if (!moved) start();
    moved = true;
    held.to = place;
    draw();
    follow();
  });
  const letGo = () => {
    if (!held) return;
    held = null;
    rounds = ROUNDS;
    if (moved) follow();
  };
  layer.addEventListener("pointerup", letGo);
  layer.addEventListener("pointercancel", letGo);

  layer.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "Enter") chosen = put({ x: (size.width - 1) / 2, y: (size.height - 1) / 2 }) ?? chosen;
    else if ((event.key === "Delete" || event.key === "Backspace") && chosen) {
      points = points.filter((point) => point !== chosen);
      chosen = points.at(-1) ?? null;
    } else if (move && chosen) {
      const step = event.shiftKey ? 4 : 1;
      chosen.to = { x: clamp(chosen.to.x + step * move[0], size.width - 1), y: clamp(chosen.to.y + step * move[1], size.height - 1) };
      if (!pulling) start();
      rounds = ROUNDS;
      follow();
    } else return;
    event.preventDefault();
    event.stopPropagation();
    draw();
  });

  function clear() {
    [points, chosen, held, moved] = [[], null, null, false];
    epoch += 1;
    draw();
  }

  return {
    layer, clear, draw,
    epoch: () => epoch, // another one once the points are gone, and with them what was asked for
    setSize: (model) => ((size = { width: model.width, height: model.height }), clear()),
  };
}
