// Matrices over residues: only the part in view is drawn, so that any zoom of any protein is quick.
// deno-lint-ignore-file no-unused-vars -- the other scripts of the page use it.
const ROW = 16, AXIS = 36, STRIP = 56, GAP = 30, WIDEST = 22, LETTER = 14;

/**
 * Draws a matrix in a figure's canvas and lets the pointer and the keyboard read it.
 *
 * labels: of the rows; columns: how many; gutter, right: px beside the cells.
 * value(column, row): NaN where there is none; cap: value of the end colours.
 * letter(column), number(column): what stands below a column; no number where it is undefined.
 * marked: columns with a triangle and their letter below, however narrow they are.
 * strips: [{title, values, low, high}] below, over the same columns.
 * bars: {title, values}, beside the rows.
 * drawMarks(context, view, style): what lies on the cells.
 * describe(row, column): title and entries of the tooltip.
 */
function setUpResidueMatrix(figure, matrix) {
  const { labels, columns, gutter, right, value, cap, letter, number, strips, bars, farRows } =
    matrix;
  const marked = new Set(matrix.marked);
  const frame = figure.querySelector(".matrix-frame"),
    width = figure.querySelector(".matrix-width");
  const canvas = figure.querySelector("canvas");
  const bottom = labels.length * ROW, height = bottom + AXIS + strips.length * (STRIP + GAP);
  let chosen = 1, cursor = null;

  /** Paper has no scroll bar: there the whole matrix is shown. */
  const onPaper = matchMedia("print");
  const zoomed = () => onPaper.matches ? 1 : chosen;

  const plotWidth = () => frame.clientWidth - gutter - right;
  /** Width of a residue, px. */
  const cell = () => zoomed() * Math.min(plotWidth() / columns, WIDEST);
  /** Right edge of the cells in view. */
  const edge = () => gutter + Math.min(plotWidth(), cell() * columns);
  const left = (column) => gutter + column * cell() - frame.scrollLeft;
  const visible = () => {
    const first = Math.max(0, Math.floor(frame.scrollLeft / cell()));
    const last = Math.min(columns, Math.ceil((frame.scrollLeft + plotWidth()) / cell()));
    return [first, last];
  };
  const view = { cell, left, visible, bottom };

  function draw() {
    const ratio = devicePixelRatio, shown = frame.clientWidth;
    canvas.width = Math.round(shown * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${shown}px`;
    canvas.style.height = `${height}px`;
    width.style.width = `${Math.max(shown, gutter + right + cell() * columns)}px`;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const style = {
      ink: `rgb(${colour("--ink")})`,
      muted: `rgb(${colour("--muted")})`,
      rule: `rgb(${colour("--rule")})`,
      bar: `rgb(${colour("--strong-rule")})`,
      font: getComputedStyle(document.body).fontFamily,
    };
    drawCells(context, ratio);
    clipped(context, 0, height, () => matrix.drawMarks?.(context, view, style));
    clipped(context, 0, height, () => drawLetters(context, style));
    drawMarked(context, style);
    drawAxes(context, style);
    strips.forEach((strip, i) => drawStrip(context, style, strip, stripTop(i)));
    if (bars) drawBars(context, style);
    if (cursor) clipped(context, -2, bottom + 4, () => drawCursor(context, style));
  }

  /** Draws over the cells' columns only. */
  function clipped(context, top, high, paint) {
    context.save();
    context.beginPath();
    context.rect(gutter - 1, top, Math.min(plotWidth(), cell() * columns) + 2, high);
    context.clip();
    paint();
    context.restore();
  }

  /** One row of pixels per row, stretched: a pixel that covers several residues shows the extreme. */
  function drawCells(context, ratio) {
    const pixels = Math.max(1, Math.round(Math.min(plotWidth(), cell() * columns) * ratio));
    const image = new ImageData(pixels, labels.length);
    const colours = Array.from({ length: LEVELS }, (_, level) => colour(`--d${level}`));
    const missing = colour("--rule");
    for (let x = 0; x < pixels; x++) {
      const at = (x / ratio + frame.scrollLeft) / cell();
      const first = Math.min(columns - 1, Math.floor(at));
      const last = Math.min(columns, Math.max(first + 1, Math.floor(at + 1 / ratio / cell())));
      for (let row = 0; row < labels.length; row++) {
        let extreme = NaN;
        for (let column = first; column < last; column++) {
          const here = value(column, row);
          if (!(Math.abs(here) <= Math.abs(extreme)) && !Number.isNaN(here)) extreme = here;
        }
        const share = Math.min(1, Math.max(0, (extreme + cap) / (2 * cap)));
        const rgb = Number.isNaN(extreme) ? missing : colours[Math.round(share * (LEVELS - 1))];
        image.data.set([...rgb, 255], 4 * (row * pixels + x));
      }
    }
    const strip = new OffscreenCanvas(pixels, labels.length);
    strip.getContext("2d").putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(strip, gutter, 0, pixels / ratio, bottom);
  }

  function drawLetters(context, { ink, font }) {
    if (cell() < 11) return;
    const [first, last] = visible();
    context.fillStyle = ink;
    for (let column = first; column < last; column++) {
      if (!marked.has(column)) drawLetter(context, font, column);
    }
  }

  function drawLetter(context, font, column) {
    context.font = `600 11px ${font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(letter(column), left(column) + cell() / 2, bottom + LETTER);
  }

  /** Triangles, and below them the letters. */
  function drawMarked(context, { font }) {
    const [first, last] = visible();
    context.fillStyle = `rgb(${colour("--site")})`;
    for (const column of marked) {
      if (column < first || column >= last) continue;
      const x = left(column) + cell() / 2;
      context.beginPath();
      context.moveTo(x, bottom + 1);
      context.lineTo(x + 4, bottom + 7);
      context.lineTo(x - 4, bottom + 7);
      context.fill();
      drawLetter(context, font, column);
    }
  }

  function drawAxes(context, { muted, font, rule }) {
    const [first, last] = visible(), side = cell();
    context.fillStyle = muted;
    context.font = `11px ${font}`;
    context.textBaseline = "middle";
    context.textAlign = "right";
    labels.forEach((label, row) => context.fillText(label, gutter - 8, (row + 0.5) * ROW));
    context.textAlign = "center";
    const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((each) => each * side >= 44) ??
      2000;
    context.strokeStyle = rule;
    let begin = 0;
    while (number(begin) === undefined) begin++;
    for (let column = first; column < last; column++) {
      const residue = number(column);
      if (residue === undefined || (residue % step !== 0 && column !== begin)) continue;
      if (column === begin && step > 1 && (step - residue % step) * side < 30) continue;
      const x = left(column) + side / 2;
      if (x < gutter || x > gutter + plotWidth()) continue;
      context.fillText(String(residue), x, bottom + LETTER + 14);
      for (let i = 0; i < strips.length; i++) {
        const top = stripTop(i);
        context.beginPath();
        context.moveTo(x, top);
        context.lineTo(x, top + STRIP);
        context.stroke();
      }
    }
  }

  const stripTop = (i) => bottom + AXIS + GAP - 4 + i * (STRIP + GAP);

  /** Bars from zero; a pixel that covers several residues shows the value farthest from it. */
  function drawStrip(context, { muted, bar, font, ink }, { title, values, low, high }, top) {
    const span = high - low || 1;
    const y = (value) => top + STRIP * (high - Math.max(low, Math.min(high, value))) / span;
    context.fillStyle = muted;
    context.font = `11px ${font}`;
    context.textBaseline = "middle";
    context.textAlign = "right";
    context.fillText(high.toPrecision(2).replace("-", "−"), gutter - 8, top + 4);
    context.fillText(low.toPrecision(2).replace("-", "−"), gutter - 8, top + STRIP - 4);
    context.textAlign = "left";
    context.fillText(title, gutter, top - 10);
    const [first, last] = visible();
    clipped(context, top - 1, STRIP + 2, () => {
      for (let column = first; column < last; column++) {
        if (Number.isNaN(values[column])) continue;
        const from = Math.min(y(0), y(values[column]));
        const size = Math.abs(y(0) - y(values[column]));
        context.fillStyle = cursor && cursor.column === column ? ink : bar;
        context.fillRect(left(column), from, Math.max(0.7, cell() - (cell() > 4 ? 1 : 0)), size);
      }
      context.fillStyle = muted;
      context.fillRect(gutter, y(0) - 0.5, cell() * columns, 1);
    });
  }

  /** Bars of the rows, from a common zero. */
  function drawBars(context, { muted, bar, font, ink }) {
    const from = edge() + 14, room = right - 22;
    const low = Math.min(0, ...bars.values), high = Math.max(0, ...bars.values);
    const x = (value) => from + room * (value - low) / (high - low || 1);
    bars.values.forEach((each, row) => {
      context.fillStyle = cursor && cursor.row === row ? ink : bar;
      const begin = Math.min(x(0), x(each));
      context.fillRect(begin, row * ROW + 3, Math.abs(x(each) - x(0)), ROW - 6);
    });
    context.fillStyle = muted;
    context.fillRect(x(0) - 0.5, 0, 1, bottom);
    context.font = `11px ${font}`;
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.fillText(bars.title, from, bottom + 9);
    const ends = [low, high].map((each) => each.toPrecision(2).replace("-", "−"));
    context.fillText(`${ends[0]} to ${ends[1]}`, from, bottom + 23);
  }

  function drawCursor(context, { ink }) {
    const x = left(cursor.column), side = Math.max(2, cell());
    context.strokeStyle = ink;
    context.lineWidth = 1.5;
    context.strokeRect(x, cursor.row * ROW, side, ROW);
    context.globalAlpha = 0.25;
    context.strokeRect(x, 0, side, bottom);
  }

  followCursor(canvas, {
    rows: labels.length,
    columns,
    farRows,
    locate(x, y) {
      const column = Math.floor((x - gutter + frame.scrollLeft) / cell());
      return x < gutter || x > gutter + plotWidth() || column >= columns
        ? null
        : [Math.floor(y / ROW), column];
    },
    placeOf: (row, column) => [left(column) + cell() / 2, (row + 0.5) * ROW],
    start: () => [0, visible()[0]],
    reach(_, column) {
      const x = column * cell();
      if (x < frame.scrollLeft) frame.scrollLeft = x;
      if (x + cell() > frame.scrollLeft + plotWidth()) frame.scrollLeft = x + cell() - plotWidth();
    },
    show(row, column, where) {
      cursor = { row, column };
      showTooltip(...matrix.describe(row, column), where);
      draw();
    },
    hide() {
      cursor = null;
      hideTooltip();
      draw();
    },
  });
  chooseOne(figure.querySelectorAll(".zoom button"), (button) => {
    const middle = (frame.scrollLeft + plotWidth() / 2) / cell();
    chosen = Number(button.dataset.zoom);
    draw();
    frame.scrollLeft = middle * cell() - plotWidth() / 2;
    draw();
  });
  frame.addEventListener("scroll", draw, { passive: true });
  keepDrawn(frame, () => frame.clientWidth > 0 && draw());
}
