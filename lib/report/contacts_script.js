// Contact maps in two triangles, and the structure in the molecular viewer.
const LEVELS = 65, CONTACT = 1, TOP = 2, UNKNOWN = 4, LARGEST_CANVAS = 4096;

function colourOf(name) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const full = hex.length === 4 ? hex.replace(/[0-9a-f]/gi, "$&$&") : hex;
  const [r, g, b] = full.match(/[0-9a-f]{2}/gi).map((pair) => parseInt(pair, 16));
  return (255 << 24 | b << 16 | g << 8 | r) >>> 0;
}

function palette() {
  return {
    levels: Uint32Array.from({ length: LEVELS }, (_, level) => colourOf(`--s${level}`)),
    paper: colourOf("--paper"),
    contact: colourOf("--contact"),
    hit: colourOf("--hit"),
    miss: colourOf("--miss"),
    unknown: colourOf("--raised"),
  };
}

const bytesOf = (element) =>
  element && Uint8Array.from(atob(element.textContent), (letter) => letter.charCodeAt(0));

/** Fills the canvas; a pixel that covers several pairs shows the one that says most. */
function drawContacts(canvas, { steps, below, kind, length }, colours) {
  const wanted = Math.round(canvas.clientWidth * devicePixelRatio) || length;
  const size = Math.min(LARGEST_CANVAS, Math.max(wanted, Math.min(length, 256)));
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  const image = context.createImageData(size, size);
  const pixels = new Uint32Array(image.data.buffer);
  const from = Int32Array.from({ length: size }, (_, i) => Math.floor(i * length / size));
  const to = from.map((start, i) => Math.max(start + 1, Math.floor((i + 1) * length / size)));
  const marked = (bits) =>
    bits & UNKNOWN
      ? colours.unknown
      : bits & TOP
      ? bits & CONTACT ? colours.hit : colours.miss
      : bits & CONTACT
      ? colours.contact
      : colours.paper;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const lower = y > x && kind !== "none";
      const values = lower ? below : steps;
      let most = 0;
      for (let row = from[y]; row < to[y]; row++) {
        for (let column = from[x]; column < to[x]; column++) {
          const value = values[row * length + column];
          most = lower && kind === "truth" ? most | value : Math.max(most, value);
        }
      }
      pixels[y * size + x] = lower && kind === "truth"
        ? marked(most)
        : colours.levels[Math.round(most * (LEVELS - 1) / 255)];
    }
  }
  context.putImageData(image, 0, 0);
}

const redraws = [];

function setUpContacts(figure) {
  const { residues, value: valueName, below: kind } = figure.dataset;
  const length = Number(figure.dataset.length), max = Number(figure.dataset.max);
  const data = {
    steps: bytesOf(figure.querySelector("script.pixels")),
    below: bytesOf(figure.querySelector("script.below")),
    kind,
    length,
  };
  const canvas = figure.querySelector("canvas");
  const across = figure.querySelector(".across"), down = figure.querySelector(".down");
  const name = (i) => `${residues[i]}${i + 1}`;
  let row = 0, column = 0;
  const show = (where) => {
    across.style.top = `${100 * (row + 0.5) / length}%`;
    down.style.left = `${100 * (column + 0.5) / length}%`;
    across.hidden = down.hidden = false;
    const at = row * length + column;
    const entries = [{
      label: valueName,
      value: (data.steps[at] / 255 * max).toPrecision(3),
      name: "value",
      chosen: true,
    }, { label: "separation", value: String(Math.abs(row - column)), name: "separation" }];
    if (kind === "truth") {
      const bits = data.below[at];
      const contact = bits & UNKNOWN ? "not known" : bits & CONTACT ? "yes" : "no";
      entries.push({ label: "contact", value: contact, name: "contact" });
      entries.push({ label: "among the L highest", value: bits & TOP ? "yes" : "no", name: "top" });
    }
    showTooltip(`${name(row)} – ${name(column)}`, entries, where);
  };
  const hide = () => {
    across.hidden = down.hidden = true;
    hideTooltip();
  };
  const clamp = (i) => Math.min(length - 1, Math.max(0, i));
  const showAtCursor = () =>
    show(() => {
      const box = canvas.getBoundingClientRect();
      return [
        box.left + box.width * (column + 0.5) / length,
        box.top + box.height * (row + 0.5) / length,
      ];
    });
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    column = clamp(Math.floor((event.clientX - box.left) / box.width * length));
    row = clamp(Math.floor((event.clientY - box.top) / box.height * length));
    show([event.clientX, event.clientY]);
  });
  canvas.addEventListener("pointerleave", hide);
  canvas.addEventListener("focus", () => canvas.matches(":focus-visible") && showAtCursor());
  canvas.addEventListener("blur", hide);
  canvas.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 10 : 1;
    const move = {
      ArrowRight: [0, step],
      ArrowLeft: [0, -step],
      ArrowDown: [step, 0],
      ArrowUp: [-step, 0],
    }[event.key];
    if (!move) return;
    event.preventDefault();
    row = clamp(row + move[0]);
    column = clamp(column + move[1]);
    showAtCursor();
  });
  let drawnAt = 0;
  const redraw = () => drawContacts(canvas, data, palette());
  redraws.push(redraw);
  new ResizeObserver(() => {
    if (canvas.clientWidth === drawnAt) return;
    drawnAt = canvas.clientWidth;
    redraw();
  }).observe(canvas);
}

const cssColour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function setUpStructure(figure) {
  const stage = figure.querySelector(".stage");
  const { pdb, contacts } = JSON.parse(figure.querySelector("script.model").textContent);
  const length = Number(figure.dataset.length);
  let viewer;
  try {
    viewer = $3Dmol.createViewer(stage, { backgroundColor: cssColour("--paper") });
  } catch {
    viewer = undefined;
  }
  if (!viewer) {
    stage.textContent = "This browser cannot draw the structure: WebGL is not available.";
    return;
  }
  viewer.addModel(pdb, "pdb");
  viewer.setStyle({}, { cartoon: { color: "spectrum", opacity: 0.9 } });
  const point = ([x, y, z]) => ({ x, y, z });
  const draw = (share) => {
    viewer.removeAllShapes();
    viewer.setBackgroundColor(cssColour("--paper"));
    for (const { rank, a, b, hit } of contacts) {
      if (rank >= share * length) continue;
      viewer.addCylinder({
        start: point(a),
        end: point(b),
        radius: 0.18,
        color: cssColour(hit ? "--hit" : "--miss"),
        fromCap: 1,
        toCap: 1,
      });
    }
    viewer.render();
  };
  let share = 0.5;
  draw(share);
  viewer.zoomTo();
  viewer.render();
  redraws.push(() => draw(share));
  for (const button of figure.querySelectorAll("[data-share]")) {
    button.addEventListener("click", () => {
      share = Number(button.dataset.share);
      for (const each of figure.querySelectorAll("[data-share]")) {
        each.setAttribute("aria-pressed", String(each === button));
      }
      draw(share);
    });
  }
}

document.querySelectorAll(".contact-map").forEach(setUpContacts);
document.querySelectorAll(".structure").forEach(setUpStructure);
for (const query of ["(prefers-color-scheme: dark)", "print"]) {
  matchMedia(query).addEventListener("change", () => redraws.forEach((redraw) => redraw()));
}
