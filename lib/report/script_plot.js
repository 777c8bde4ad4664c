// Shared by the plots: colours, data, what a change of size or scheme redraws, and the cursor.
// deno-lint-ignore-file no-unused-vars -- the other scripts of the page use these.
const LEVELS = 65, LARGEST_CANVAS = 4096;

/** A colour by the name of its custom property, as [r, g, b]. */
function colour(name) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const full = hex.length === 4 ? hex.replace(/[0-9a-f]/gi, "$&$&") : hex;
  return full.match(/[0-9a-f]{2}/gi).map((pair) => parseInt(pair, 16));
}

/** The same as one pixel of a canvas. */
function pixelOf(name) {
  const [r, g, b] = colour(name);
  return (255 << 24 | b << 16 | g << 8 | r) >>> 0;
}

/** The pixels of a scale: "s" is the sequential one, "d" the diverging one. */
const palette = (letter) =>
  Uint32Array.from({ length: LEVELS }, (_, level) => pixelOf(`--${letter}${level}`));

/** Bytes of a script element that holds base64; undefined without one. */
function bytesOf(figure, name) {
  const element = figure.querySelector(`script.${name}`);
  return element && Uint8Array.from(atob(element.textContent), (letter) => letter.charCodeAt(0));
}

const floatsOf = (figure, name) => new Float32Array(bytesOf(figure, name).buffer);

const factsOf = (figure, name) => JSON.parse(figure.querySelector(`script.${name}`).textContent);

/** Redraws when the scheme or the medium changes. */
function onLookChange(redraw) {
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", redraw);
  }
  // Where printing is no change of the medium.
  for (const event of ["beforeprint", "afterprint"]) addEventListener(event, redraw);
}

/** Draws once the element has a width, and again as the width, the scheme or the medium changes. */
function keepDrawn(element, draw) {
  let drawnAt = 0;
  new ResizeObserver(() => {
    if (element.clientWidth === drawnAt) return;
    drawnAt = element.clientWidth;
    draw();
  }).observe(element);
  onLookChange(draw);
}

/** A group of buttons of which one is pressed. */
function chooseOne(buttons, choose) {
  for (const button of buttons) {
    button.addEventListener("click", () => {
      for (const each of buttons) each.setAttribute("aria-pressed", String(each === button));
      choose(button);
    });
  }
}

/**
 * Fills a square canvas with a length × length map; `layerAt(y, x)` gives what a pixel shows: values,
 * merge, by which a pixel that covers several of them takes one, and shade.
 */
function drawSquare(canvas, length, layerAt) {
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
      const { values, merge, shade } = layerAt(y, x);
      let merged = 0;
      for (let row = from[y]; row < to[y]; row++) {
        for (let column = from[x]; column < to[x]; column++) {
          merged = merge(merged, values[row * length + column]);
        }
      }
      pixels[y * size + x] = shade(merged);
    }
  }
  context.putImageData(image, 0, 0);
}

/** Which way an arrow key points, as [rows, columns]; Home and End point to the ends of the row. */
const directionOf = (event) =>
  ({
    ArrowRight: [0, 1],
    ArrowLeft: [0, -1],
    ArrowDown: [1, 0],
    ArrowUp: [-1, 0],
    Home: [0, -Infinity],
    End: [0, Infinity],
  })[event.key];

const within = (i, count) => Math.min(count - 1, Math.max(0, i));

/**
 * The cell under the pointer or under the keyboard's cursor.
 *
 * rows, columns: extent of the grid; Shift takes `farRows` and 10 columns at a time.
 * locate(x, y): [row, column] of a place in the element, or null outside of the cells.
 * placeOf(row, column): the place of a cell in the element.
 * show(row, column, where), hide(); reach(row, column) scrolls to a cell before it is shown.
 * start(): where the keyboard begins after the cursor was hidden; without it, where it was.
 */
function followCursor(
  element,
  { rows, columns, farRows = 10, locate, placeOf, show, hide, reach, start },
) {
  let at = null;
  const vanish = () => {
    if (start) at = null;
    hide();
  };
  const showAtCursor = () =>
    show(...at, () => {
      const box = element.getBoundingClientRect(), [x, y] = placeOf(...at);
      return [box.left + x, box.top + y];
    });
  element.addEventListener("pointermove", (event) => {
    const box = element.getBoundingClientRect();
    const found = locate(event.clientX - box.left, event.clientY - box.top, box);
    if (!found) return vanish();
    at = [within(found[0], rows), within(found[1], columns)];
    show(...at, [event.clientX, event.clientY]);
  });
  element.addEventListener("pointerleave", vanish);
  element.addEventListener("blur", vanish);
  element.addEventListener("focus", () => {
    if (!element.matches(":focus-visible")) return;
    at ??= start?.() ?? [0, 0];
    showAtCursor();
  });
  element.addEventListener("keydown", (event) => {
    const way = directionOf(event);
    if (!way || (rows === 1 && way[0] !== 0)) return;
    event.preventDefault();
    const [row, column] = at ?? start?.() ?? [0, 0];
    at = [
      within(row + way[0] * (event.shiftKey ? farRows : 1), rows),
      within(column + way[1] * (event.shiftKey ? 10 : 1), columns),
    ];
    reach?.(...at);
    showAtCursor();
  });
}

/** The cursor of cells that fill their element evenly. */
function followEvenCells(element, { rows, columns, ...rest }) {
  followCursor(element, {
    rows,
    columns,
    locate: (x, y, { width, height }) => [
      Math.floor(y / height * rows),
      Math.floor(x / width * columns),
    ],
    placeOf: (row, column) => {
      const { width, height } = element.getBoundingClientRect();
      return [width * (column + 0.5) / columns, height * (row + 0.5) / rows];
    },
    ...rest,
  });
}

/** Cross hairs over a square map, and the cursor that moves them. */
function followSquare(figure, length, show) {
  const across = figure.querySelector(".across"), down = figure.querySelector(".down");
  followEvenCells(figure.querySelector("canvas"), {
    rows: length,
    columns: length,
    show(row, column, where) {
      across.style.top = `${100 * (row + 0.5) / length}%`;
      down.style.left = `${100 * (column + 0.5) / length}%`;
      across.hidden = down.hidden = false;
      show(row, column, where);
    },
    hide() {
      across.hidden = down.hidden = true;
      hideTooltip();
    },
  });
}
