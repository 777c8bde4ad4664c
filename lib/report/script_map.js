// Attention maps: drawing, zoom, and the value under the pointer or the keyboard cursor.
const LEVELS = 65, SHOWN_DIGITS = 3, LARGEST_CANVAS = 4096;

function palette() {
  const style = getComputedStyle(document.documentElement);
  return Uint32Array.from({ length: LEVELS }, (_, level) => {
    const [r, g, b] = style.getPropertyValue(`--s${level}`).trim().match(/[0-9a-f]{2}/gi)
      .map((pair) => parseInt(pair, 16));
    return (255 << 24 | b << 16 | g << 8 | r) >>> 0;
  });
}

/** Fills the canvas; a pixel that covers several values takes the largest, so no line is lost. */
function draw(canvas, steps, length, colours) {
  const wanted = Math.round(canvas.clientWidth * devicePixelRatio) || length;
  const size = Math.min(LARGEST_CANVAS, Math.max(wanted, Math.min(length, 256)));
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  const image = context.createImageData(size, size);
  const pixels = new Uint32Array(image.data.buffer);
  const from = Int32Array.from({ length: size }, (_, i) => Math.floor(i * length / size));
  const to = from.map((start, i) => Math.max(start + 1, Math.floor((i + 1) * length / size)));
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let largest = 0;
      for (let row = from[y]; row < to[y]; row++) {
        for (let column = from[x]; column < to[x]; column++) {
          largest = Math.max(largest, steps[row * length + column]);
        }
      }
      pixels[y * size + x] = colours[Math.round(largest * (LEVELS - 1) / 255)];
    }
  }
  context.putImageData(image, 0, 0);
}

const redraws = [];

function setUpMap(figure) {
  const length = Number(figure.dataset.length), max = Number(figure.dataset.max);
  const { residues } = figure.dataset;
  const bytes = atob(figure.querySelector("script.pixels").textContent);
  const steps = Uint8Array.from(bytes, (letter) => letter.charCodeAt(0));
  const canvas = figure.querySelector("canvas"), frame = figure.querySelector(".map-frame");
  const across = figure.querySelector(".across"), down = figure.querySelector(".down");
  const name = (i) => `${residues[i]}${i + 1}`;
  let row = 0, column = 0;

  const show = (where) => {
    across.style.top = `${100 * (row + 0.5) / length}%`;
    down.style.left = `${100 * (column + 0.5) / length}%`;
    across.hidden = down.hidden = false;
    const value = (steps[row * length + column] / 255) ** 2 * max;
    showTooltip(
      `${name(row)} → ${name(column)}`,
      [
        { label: "query residue", value: name(row), name: "query" },
        { label: "key residue", value: name(column), name: "key" },
        {
          label: "attention",
          value: value.toPrecision(SHOWN_DIGITS),
          name: "attention",
          chosen: true,
        },
      ],
      where,
    );
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
  for (const button of figure.querySelectorAll(".zoom button")) {
    button.addEventListener("click", () => {
      frame.style.maxHeight = frame.style.maxHeight || `${frame.clientHeight}px`;
      const middle = [
        (frame.scrollLeft + frame.clientWidth / 2) / frame.scrollWidth,
        (frame.scrollTop + frame.clientHeight / 2) / frame.scrollHeight,
      ];
      frame.firstElementChild.style.setProperty("--zoom", button.dataset.zoom);
      frame.scrollLeft = middle[0] * frame.scrollWidth - frame.clientWidth / 2;
      frame.scrollTop = middle[1] * frame.scrollHeight - frame.clientHeight / 2;
      for (const each of figure.querySelectorAll(".zoom button")) {
        each.setAttribute("aria-pressed", String(each === button));
      }
    });
  }
  let drawnAt = 0;
  const redraw = (colours) => draw(canvas, steps, length, colours);
  redraws.push(redraw);
  new ResizeObserver(() => {
    if (canvas.clientWidth === drawnAt) return;
    drawnAt = canvas.clientWidth;
    redraw(palette());
  }).observe(canvas);
}

function setUpProfile(figure) {
  const received = JSON.parse(figure.querySelector("script.received").textContent);
  const { residues } = figure.dataset;
  const plot = figure.querySelector(".profile-plot"), cursor = figure.querySelector(".cursor");
  let at = 0;
  const show = (where) => {
    cursor.style.left = `${100 * (at + 0.5) / received.length}%`;
    cursor.hidden = false;
    const value = String(received[at]);
    showTooltip(
      `${residues[at]}${at + 1}`,
      [{ label: "attention received", value, chosen: true }],
      where,
    );
  };
  const hide = () => {
    cursor.hidden = true;
    hideTooltip();
  };
  const clamp = (i) => Math.min(received.length - 1, Math.max(0, i));
  const showAtCursor = () =>
    show(() => {
      const box = plot.getBoundingClientRect();
      return [box.left + box.width * (at + 0.5) / received.length, box.top + box.height / 2];
    });
  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    at = clamp(Math.floor((event.clientX - box.left) / box.width * received.length));
    show([event.clientX, event.clientY]);
  });
  plot.addEventListener("pointerleave", hide);
  plot.addEventListener("focus", () => plot.matches(":focus-visible") && showAtCursor());
  plot.addEventListener("blur", hide);
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    at = clamp(at + step * (event.shiftKey ? 10 : 1));
    showAtCursor();
  });
}

document.querySelectorAll(".map").forEach(setUpMap);
document.querySelectorAll(".profile").forEach(setUpProfile);
for (const query of ["(prefers-color-scheme: dark)", "print"]) {
  matchMedia(query).addEventListener("change", () => {
    const colours = palette();
    for (const redraw of redraws) redraw(colours);
  });
}
