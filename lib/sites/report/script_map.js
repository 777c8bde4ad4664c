// Attention maps: drawing, zoom, and the value under the pointer or the keyboard cursor.
const SHOWN_DIGITS = 3;

function setUpMap(figure) {
  const length = Number(figure.dataset.length), max = Number(figure.dataset.max);
  const { residues } = figure.dataset;
  const values = bytesOf(figure, "pixels");
  const frame = figure.querySelector(".map-frame"), canvas = figure.querySelector("canvas");
  const name = (i) => `${residues[i]}${i + 1}`;

  followSquare(figure, length, (row, column, where) => {
    const value = (values[row * length + column] / 255) ** 2 * max;
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
  });
  chooseOne(figure.querySelectorAll(".zoom button"), (button) => {
    frame.style.maxHeight = frame.style.maxHeight || `${frame.clientHeight}px`;
    const middle = [
      (frame.scrollLeft + frame.clientWidth / 2) / frame.scrollWidth,
      (frame.scrollTop + frame.clientHeight / 2) / frame.scrollHeight,
    ];
    frame.firstElementChild.style.setProperty("--zoom", button.dataset.zoom);
    frame.scrollLeft = middle[0] * frame.scrollWidth - frame.clientWidth / 2;
    frame.scrollTop = middle[1] * frame.scrollHeight - frame.clientHeight / 2;
  });
  keepDrawn(canvas, () => {
    // The largest, so that no line is lost.
    const colours = palette("s"), merge = Math.max;
    const layer = {
      values,
      merge,
      shade: (step) => colours[Math.round(step * (LEVELS - 1) / 255)],
    };
    drawSquare(canvas, length, () => layer);
  });
}

function setUpProfile(figure) {
  const received = factsOf(figure, "received");
  const { residues } = figure.dataset;
  const plot = figure.querySelector(".profile-plot"), cursor = figure.querySelector(".cursor");
  followEvenCells(plot, {
    rows: 1,
    columns: received.length,
    show(_, at, where) {
      cursor.style.left = `${100 * (at + 0.5) / received.length}%`;
      cursor.hidden = false;
      const value = String(received[at]);
      showTooltip(
        `${residues[at]}${at + 1}`,
        [{ label: "attention received", value, chosen: true }],
        where,
      );
    },
    hide() {
      cursor.hidden = true;
      hideTooltip();
    },
  });
}

document.querySelectorAll(".map").forEach(setUpMap);
document.querySelectorAll(".profile").forEach(setUpProfile);
