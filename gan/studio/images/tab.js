// The gallery. Draws what `gallery_value` rendered: a grid of pictures, or a single one. Keeps the address in step, so
// that it restores what is shown, and asks for another state with trigger("go", {seed, num_images, ...}).
// Given by gr.HTML: element, props, server, trigger, watch; by common.js: say, save, inSight, writeAddress, ...

const gallery = element.querySelector(".gallery");
gallery.innerHTML = `
  <div class="bar"><div class="title" aria-live="polite"></div><div class="tools"></div></div>
  <p class="message" role="alert" hidden></p>
  <div class="tiles"></div>`;
const [title, tools, message, tiles] = [".title", ".tools", ".message", ".tiles"].map((name) => gallery.querySelector(name));

const buttons = {};
for (const key of ["back", "earlier", "later", "copy", "png", "zip"]) {
  buttons[key] = iconButton(key, say(key), () => actions[key]());
  tools.append(buttons[key]);
}

gallery.classList.add("waiting");
let shown = null; // the value that is drawn
let grid = null; // the grid that a single picture was opened from

function draw() {
  if (!props.value) return;
  message.textContent = props.value.error || "";
  message.hidden = !props.value.error;
  if (!props.value.pictures) return; // nothing but a message: what is shown stays
  shown = props.value;
  gallery.classList.remove("waiting");
  const { pictures } = shown;
  while (tiles.childElementCount > pictures.length) tiles.lastChild.remove();
  while (tiles.childElementCount < pictures.length) tiles.append(tile());
  pictures.forEach((picture, k) => {
    const [image, caption] = tiles.children[k].children;
    image.src = png(picture.png);
    image.alt = [say("picture", picture), picture.label].filter(Boolean).join(", ");
    caption.firstChild.textContent = picture.seed;
    caption.lastChild.textContent = picture.label || "";
    tiles.children[k].title = [picture.seed, picture.label].filter(Boolean).join(" · ");
  });
  const alone = pictures.length === 1;
  gallery.classList.toggle("alone", alone);
  if (!alone) grid = { seed: shown.seed, num_images: shown.num_images };
  title.textContent = say(alone ? "one_seed" : "seeds", { first: shown.seed, last: pictures.at(-1).seed });
  if (alone && pictures[0].label) title.append(document.createElement("small"));
  if (alone && pictures[0].label) title.lastChild.textContent = pictures[0].label;
  layout();
  address("replaceState", shown);
}

function tile() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "tile";
  const image = new Image();
  image.decoding = "sync"; // no blank frame between two pictures
  const caption = document.createElement("span");
  caption.append(document.createElement("b"), document.createElement("i"));
  button.append(image, caption);
  button.onclick = () => {
    if (shown.pictures.length > 1) open(shown.pictures[[...tiles.children].indexOf(button)].seed);
  };
  return button;
}

// The largest whole number of device pixels a pixel at which all pictures are in sight; never a blurred one.
function layout() {
  if (!shown || !inSight()) return;
  const { width, height, pictures } = shown;
  const phone = matchMedia("(max-width: 860px)").matches;
  const ratio = window.devicePixelRatio || 1;
  const count = pictures.length;
  const gap = phone ? 6 : 10;
  const caption = count > 1 ? (phone ? 14 : 18) : 0;
  // In a frame that grows with its content, the window's height would chase its own tail.
  const sight = window.parent === window ? window.innerHeight : Math.min(window.innerHeight, 900);
  const top = tiles.getBoundingClientRect().top + window.scrollY;
  const room = phone ? 0.48 * sight : Math.max(320, sight - top - 28);
  let best = { scale: 0, empty: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const across = (tiles.clientWidth - (columns - 1) * gap) / columns / width;
    const down = ((room - (rows - 1) * gap) / rows - caption) / height;
    const scale = Math.floor(Math.min(across, down, 640 / height) * ratio) / ratio;
    const empty = rows * columns - count;
    if (scale > best.scale || (scale === best.scale && empty < best.empty)) best = { scale, columns, empty };
  }
  if (!best.scale) {
    // Too many to be in sight at once, even at native size: let them scroll.
    best = { scale: 1, columns: Math.max(1, Math.floor((tiles.clientWidth + gap) / (width + gap))) };
  }
  // What width is left widens the gaps, until the columns stand as far apart as the rows do with their captions.
  const [wide, between] = [best.scale * width, Math.max(1, best.columns - 1)];
  const spread = Math.floor(Math.min(gap + caption, (tiles.clientWidth - best.columns * wide) / between));
  tiles.classList.toggle("labelled", wide >= 100);
  tiles.style.setProperty("--columns", best.columns);
  tiles.style.setProperty("--gap", `${gap}px ${spread}px`);
  tiles.style.setProperty("--width", `${wide}px`);
  gallery.style.setProperty("--across", `${best.columns * wide + (best.columns - 1) * spread}px`);
  tiles.style.setProperty("--height", `${best.scale * height}px`);
}

function address(how, state) {
  const { model, seed, num_images: n, truncation: psi, label } = state;
  if (inSight()) writeAddress(how, { model, seed, n, psi, label });
}

function open(seed) {
  address("pushState", { ...shown, seed, num_images: 1 });
  trigger("go", { seed, num_images: 1 });
}

const state = () => {
  const { model, seed, num_images, truncation, label } = shown;
  return { model, seed, num_images, truncation, label };
};

const actions = {
  back() {
    const target = grid || { seed: shown.seed, num_images: 24 };
    address("pushState", { ...shown, ...target });
    trigger("go", target);
  },
  earlier: () => trigger("go", { seed: Math.max(0, shown.seed - shown.pictures.length) }),
  later: () => trigger("go", { seed: shown.seed + shown.pictures.length }),
  async copy() {
    try {
      await navigator.clipboard.writeText(window.location.href);
      flash(buttons.copy, say("copied"));
    } catch {
      flash(buttons.copy, say("failed"));
    }
  },
  png: () => save(png(shown.pictures[0].png), shown.pictures[0].file),
  async zip() {
    try {
      const data = await server.zip_file(state());
      if (data.error) throw data.error;
      const name = `${shown.pictures[0].file.replace(/_seed-.*/, "")}_seeds-${shown.seed}-${shown.pictures.at(-1).seed}.zip`;
      saveBytes(data, "application/zip", name);
    } catch {
      flash(buttons.zip, say("failed"));
    }
  },
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [role=listbox], [role=tablist]");
  if (typing || !shown || !inSight() || event.metaKey || event.ctrlKey || event.altKey) return;
  if (event.key === "ArrowLeft") actions.earlier();
  if (event.key === "ArrowRight") actions.later();
  if (event.key === "Escape" && shown.pictures.length === 1) actions.back();
});
window.addEventListener("popstate", () => {
  const asked = new URL(window.location.href).searchParams;
  document.getElementById(`${asked.get("tab") || "pictures"}-tab-button`).click();
  if (asked.has("tab")) return;
  trigger("go", {
    model: asked.get("model"), seed: Number(asked.get("seed")), num_images: Number(asked.get("n")),
    truncation: Number(asked.get("psi")), label: asked.get("label") || "",
  });
});
new ResizeObserver(() => {
  if (!shown || !inSight()) return;
  layout();
  address("replaceState", shown); // another tab may have written its own
}).observe(gallery);
window.addEventListener("resize", layout);
watch("value", draw);
draw();
