// The scatter of scores against measured values.
function setUpScatter(figure) {
  const data = factsOf(figure, "scatter-data");
  const { x: [left, right], y: [low, high], points, names, functional, labels } = data;
  const canvas = figure.querySelector("canvas");
  const inset = { left: 64, right: 12, top: 10, bottom: 48 };
  let nearest = -1;

  const size = () => [canvas.clientWidth, canvas.clientHeight];
  const toX = (value) =>
    inset.left + (size()[0] - inset.left - inset.right) * (value - left) / (right - left);
  const toY = (value) =>
    size()[1] - inset.bottom -
    (size()[1] - inset.top - inset.bottom) * (value - low) / (high - low);

  /** Round numbers within a range, about `count` of them. */
  function ticks(from, to, count) {
    const power = 10 ** Math.floor(Math.log10((to - from) / count));
    const step = [1, 2, 5, 10].find((each) => (to - from) / (each * power) <= count) * power;
    const found = [];
    for (let i = Math.ceil(from / step); i * step <= to; i++) found.push(i * step);
    return found.map((value) => Number(value.toPrecision(6)));
  }

  function draw() {
    const [width, height] = size(), ratio = devicePixelRatio;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const [ink, muted, rule] = ["--ink", "--muted", "--rule"].map((each) => `rgb(${colour(each)})`);
    context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    context.fillStyle = muted;
    context.strokeStyle = rule;
    context.textBaseline = "middle";
    for (const value of ticks(left, right, 8)) {
      line(context, toX(value), inset.top, toX(value), height - inset.bottom);
      context.textAlign = "center";
      context.fillText(String(value).replace("-", "−"), toX(value), height - inset.bottom + 14);
    }
    for (const value of ticks(low, high, 6)) {
      line(context, inset.left, toY(value), width - inset.right, toY(value));
      context.textAlign = "right";
      context.fillText(String(value).replace("-", "−"), inset.left - 8, toY(value));
    }
    context.fillStyle = ink;
    context.textAlign = "center";
    context.fillText(labels.score, (inset.left + width - inset.right) / 2, height - 10);
    context.save();
    context.translate(12, (inset.top + height - inset.bottom) / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(labels.measured, 0, 0);
    context.restore();
    if (points) drawPoints(context, ink);
    else drawDensity(context);
  }

  function line(context, x0, y0, x1, y1) {
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
    context.stroke();
  }

  function drawPoints(context, ink) {
    const shades = ["--link", "--site"].map((each) => `rgb(${colour(each)})`);
    context.globalAlpha = points.length > 1500 ? 0.45 : 0.65;
    points.forEach(([x, y], i) => {
      context.fillStyle = shades[functional && functional[i] !== "1" ? 1 : 0];
      context.beginPath();
      context.arc(toX(x), toY(y), 2.4, 0, 2 * Math.PI);
      context.fill();
    });
    context.globalAlpha = 1;
    if (nearest < 0) return;
    context.strokeStyle = ink;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(toX(points[nearest][0]), toY(points[nearest][1]), 5, 0, 2 * Math.PI);
    context.stroke();
  }

  function drawDensity(context) {
    const { columns, rows, counts } = data;
    const most = Math.log1p(counts.reduce((a, b) => Math.max(a, b), 1));
    const wide = (right - left) / columns, tall = (high - low) / rows;
    counts.forEach((count, i) => {
      if (count === 0) return;
      const level = 6 + Math.round(58 * Math.log1p(count) / most);
      context.fillStyle = `rgb(${colour(`--s${level}`)})`;
      const x = left + i % columns * wide, y = low + Math.floor(i / columns) * tall;
      context.fillRect(
        toX(x),
        toY(y + tall),
        toX(x + wide) - toX(x) + 0.5,
        toY(y) - toY(y + tall) + 0.5,
      );
    });
  }

  function show(where) {
    const [x, y] = points[nearest];
    showTooltip(names[nearest] ?? `variant ${nearest + 1}`, [
      { label: labels.score, value: exactly(x), name: "score", chosen: true },
      { label: labels.measured, value: exactly(y), name: "measured" },
    ], where);
    draw();
  }

  function hide() {
    nearest = -1;
    hideTooltip();
    draw();
  }

  canvas.addEventListener("pointermove", (event) => {
    if (!points) return;
    const box = canvas.getBoundingClientRect();
    const at = [event.clientX - box.left, event.clientY - box.top];
    let best = 24 ** 2;
    nearest = -1;
    points.forEach(([x, y], i) => {
      const far = (toX(x) - at[0]) ** 2 + (toY(y) - at[1]) ** 2;
      if (far < best) [best, nearest] = [far, i];
    });
    if (nearest < 0) hide();
    else show([event.clientX, event.clientY]);
  });
  canvas.addEventListener("pointerleave", hide);
  canvas.addEventListener("blur", hide);
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !points) return;
    event.preventDefault();
    nearest = nearest < 0 ? 0 : Math.min(points.length - 1, Math.max(0, nearest + step));
    show(() => {
      const box = canvas.getBoundingClientRect();
      return [box.left + toX(points[nearest][0]), box.top + toY(points[nearest][1])];
    });
  });
  keepDrawn(canvas, draw);
}

document.querySelectorAll(".scatter").forEach(setUpScatter);
