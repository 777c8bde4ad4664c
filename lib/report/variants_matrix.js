// The matrix of scores: only the part in view is drawn, so that any zoom of any protein is quick.
const GUTTER = 46, RIGHT = 18, ROW = 16, AXIS = 30, STRIP = 56, GAP = 30, LETTERS = 20;

function setUpMatrix(figure) {
  const { residues, offset, letters, cap, hasEntropy } = factsOf(figure, "matrix-facts");
  const length = residues.length;
  const scores = floatsOf(figure, "scores"), means = floatsOf(figure, "means");
  const entropy = floatsOf(figure, "entropy");
  const frame = figure.querySelector(".matrix-frame"),
    width = figure.querySelector(".matrix-width");
  const canvas = figure.querySelector("canvas");
  const strips = hasEntropy ? 2 : 1;
  const bottom = LETTERS * ROW, height = bottom + AXIS + strips * (STRIP + GAP);
  let zoom = 1, cursor = null;

  const plotWidth = () => frame.clientWidth - GUTTER - RIGHT;
  /** Width of a residue, px. */
  const cell = () => zoom * Math.min(plotWidth() / length, 22);
  const name = (column) => `${residues[column]}${column + offset}`;
  const score = (column, row) => scores[column * LETTERS + row];

  function draw() {
    const ratio = devicePixelRatio, shown = frame.clientWidth;
    canvas.width = Math.round(shown * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${shown}px`;
    canvas.style.height = `${height}px`;
    width.style.width = `${Math.max(shown, GUTTER + RIGHT + cell() * length)}px`;
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
    drawMarks(context, style);
    drawAxes(context, style);
    drawStrip(
      context,
      style,
      0,
      "mean score",
      means,
      Math.min(0, ...real(means)),
      Math.max(0, ...real(means)),
    );
    if (hasEntropy) drawStrip(context, style, 1, "entropy", entropy, 0, 3);
    if (cursor) drawCursor(context, style);
  }

  const real = (values) => values.filter((value) => !Number.isNaN(value));
  const left = (column) => GUTTER + column * cell() - frame.scrollLeft;
  const visible = () => {
    const first = Math.max(0, Math.floor(frame.scrollLeft / cell()));
    const last = Math.min(length, Math.ceil((frame.scrollLeft + plotWidth()) / cell()));
    return [first, last];
  };

  /** One row of pixels per letter, stretched: a pixel that covers several residues shows the extreme. */
  function drawCells(context, ratio) {
    const pixels = Math.max(1, Math.round(Math.min(plotWidth(), cell() * length) * ratio));
    const image = new ImageData(pixels, LETTERS);
    const colours = Array.from({ length: LEVELS }, (_, level) => colour(`--d${level}`));
    const missing = colour("--rule");
    for (let x = 0; x < pixels; x++) {
      const at = (x / ratio + frame.scrollLeft) / cell();
      const first = Math.min(length - 1, Math.floor(at));
      const last = Math.min(length, Math.max(first + 1, Math.floor(at + 1 / ratio / cell())));
      for (let row = 0; row < LETTERS; row++) {
        let extreme = NaN;
        for (let column = first; column < last; column++) {
          const value = score(column, row);
          if (!(Math.abs(value) <= Math.abs(extreme)) && !Number.isNaN(value)) extreme = value;
        }
        const share = Math.min(1, Math.max(0, (extreme + cap) / (2 * cap)));
        const rgb = Number.isNaN(extreme) ? missing : colours[Math.round(share * (LEVELS - 1))];
        image.data.set([...rgb, 255], 4 * (row * pixels + x));
      }
    }
    const strip = new OffscreenCanvas(pixels, LETTERS);
    strip.getContext("2d").putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(strip, GUTTER, 0, pixels / ratio, bottom);
  }

  /** The wild type: a ring where there is room, a dash where there is not. */
  function drawMarks(context, { ink, font }) {
    const [first, last] = visible(), side = cell();
    context.save();
    context.beginPath();
    context.rect(GUTTER, 0, plotWidth(), height);
    context.clip();
    context.fillStyle = ink;
    context.font = `600 11px ${font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let column = first; column < last; column++) {
      const row = letters.indexOf(residues[column]), x = left(column) + side / 2;
      if (row >= 0 && side >= 5) {
        context.beginPath();
        context.arc(x, (row + 0.5) * ROW, Math.min(3.2, side / 3), 0, 2 * Math.PI);
        context.fill();
      } else if (row >= 0) {
        context.fillRect(x - 0.5, (row + 0.3) * ROW, Math.max(1, side / 2), ROW * 0.4);
      }
      if (side >= 11) context.fillText(residues[column], x, bottom + 9);
    }
    context.restore();
  }

  function drawAxes(context, { muted, font, rule }) {
    const [first, last] = visible(), side = cell();
    context.fillStyle = muted;
    context.font = `11px ${font}`;
    context.textBaseline = "middle";
    context.textAlign = "right";
    [...letters].forEach((letter, row) => context.fillText(letter, GUTTER - 8, (row + 0.5) * ROW));
    context.textAlign = "center";
    const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((each) => each * side >= 44) ??
      2000;
    context.strokeStyle = rule;
    for (let column = first; column < last; column++) {
      const residue = column + offset;
      if (residue % step !== 0 && column !== 0) continue;
      if (column === 0 && step > 1 && (step - offset % step) * side < 30) continue;
      const x = left(column) + side / 2;
      if (x < GUTTER || x > GUTTER + plotWidth()) continue;
      context.fillText(String(residue), x, bottom + 23);
      for (let i = 0; i < strips; i++) {
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
  function drawStrip(context, { muted, bar, font, ink }, i, title, values, low, high) {
    const top = stripTop(i), span = high - low || 1;
    const y = (value) => top + STRIP * (high - Math.max(low, Math.min(high, value))) / span;
    context.fillStyle = muted;
    context.font = `11px ${font}`;
    context.textBaseline = "middle";
    context.textAlign = "right";
    context.fillText(high.toPrecision(2).replace("-", "−"), GUTTER - 8, top + 4);
    context.fillText(low.toPrecision(2).replace("-", "−"), GUTTER - 8, top + STRIP - 4);
    context.textAlign = "left";
    context.fillText(title, GUTTER, top - 10);
    const [first, last] = visible();
    context.save();
    context.beginPath();
    context.rect(GUTTER, top - 1, Math.min(plotWidth(), cell() * length), STRIP + 2);
    context.clip();
    for (let column = first; column < last; column++) {
      const value = values[column];
      if (Number.isNaN(value)) continue;
      const from = Math.min(y(0), y(value)), size = Math.abs(y(0) - y(value));
      context.fillStyle = cursor && cursor.column === column ? ink : bar;
      context.fillRect(left(column), from, Math.max(0.7, cell() - (cell() > 4 ? 1 : 0)), size);
    }
    context.fillStyle = muted;
    context.fillRect(GUTTER, y(0) - 0.5, cell() * length, 1);
    context.restore();
  }

  function drawCursor(context, { ink }) {
    const x = left(cursor.column), side = Math.max(2, cell());
    context.strokeStyle = ink;
    context.lineWidth = 1.5;
    context.strokeRect(x, cursor.row * ROW, side, ROW);
    context.globalAlpha = 0.25;
    context.strokeRect(x, 0, side, bottom);
  }

  function show(row, column, where) {
    cursor = { row, column };
    const to = letters[row], value = score(column, row);
    const number = (x) => Number.isNaN(x) ? "not computed" : x.toFixed(4);
    const wild = to === residues[column];
    showTooltip(wild ? `${name(column)}, wild type` : `${name(column)}${to}`, [
      { label: "score", value: wild ? "0" : number(value), name: "score", chosen: true },
      { label: "mean of the residue", value: number(means[column]), name: "mean" },
      ...(hasEntropy
        ? [{ label: "entropy, nats", value: number(entropy[column]), name: "entropy" }]
        : []),
    ], where);
    draw();
  }

  followCursor(canvas, {
    rows: LETTERS,
    columns: length,
    farRows: 1,
    locate(x, y) {
      const column = Math.floor((x - GUTTER + frame.scrollLeft) / cell());
      return x < GUTTER || column >= length ? null : [Math.floor(y / ROW), column];
    },
    placeOf: (row, column) => [left(column) + cell() / 2, (row + 0.5) * ROW],
    start: () => [0, visible()[0]],
    reach(_, column) {
      const x = column * cell();
      if (x < frame.scrollLeft) frame.scrollLeft = x;
      if (x + cell() > frame.scrollLeft + plotWidth()) frame.scrollLeft = x + cell() - plotWidth();
    },
    show,
    hide() {
      cursor = null;
      hideTooltip();
      draw();
    },
  });
  chooseOne(figure.querySelectorAll(".zoom button"), (button) => {
    const middle = (frame.scrollLeft + plotWidth() / 2) / cell();
    zoom = Number(button.dataset.zoom);
    draw();
    frame.scrollLeft = middle * cell() - plotWidth() / 2;
    draw();
  });
  frame.addEventListener("scroll", draw, { passive: true });
  keepDrawn(frame, draw);
}

document.querySelectorAll(".matrix").forEach(setUpMatrix);
