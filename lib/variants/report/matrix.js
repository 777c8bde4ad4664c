// The matrix of scores, with the wild type marked.
function setUpMatrix(figure) {
  const { residues, offset, letters, cap, hasEntropy } = factsOf(figure, "matrix-facts");
  const scores = floatsOf(figure, "scores"), means = floatsOf(figure, "means");
  const entropy = floatsOf(figure, "entropy");
  const name = (column) => `${residues[column]}${column + offset}`;
  const score = (column, row) => scores[column * letters.length + row];
  const real = Array.from(means).filter((value) => !Number.isNaN(value));

  /** The wild type: a ring where there is room, a dash where there is not. */
  function drawMarks(context, { cell, left, visible }, { ink }) {
    const [first, last] = visible(), side = cell();
    context.fillStyle = ink;
    for (let column = first; column < last; column++) {
      const row = letters.indexOf(residues[column]), x = left(column) + side / 2;
      if (row >= 0 && side >= 5) {
        context.beginPath();
        context.arc(x, (row + 0.5) * ROW, Math.min(3.2, side / 3), 0, 2 * Math.PI);
        context.fill();
      } else if (row >= 0) {
        context.fillRect(x - 0.5, (row + 0.3) * ROW, Math.max(1, side / 2), ROW * 0.4);
      }
    }
  }

  setUpResidueMatrix(figure, {
    labels: [...letters],
    columns: residues.length,
    gutter: 46,
    right: 18,
    farRows: 1,
    value: score,
    cap,
    letter: (column) => residues[column],
    number: (column) => column + offset,
    strips: [
      { title: "mean score", values: means, low: Math.min(0, ...real), high: Math.max(0, ...real) },
      ...(hasEntropy ? [{ title: "entropy", values: entropy, low: 0, high: 3 }] : []),
    ],
    drawMarks,
    describe(row, column) {
      const to = letters[row], value = score(column, row);
      const number = (x) => Number.isNaN(x) ? "not computed" : exactly(x);
      const wild = to === residues[column];
      return [wild ? `${name(column)}, wild type` : `${name(column)}${to}`, [
        { label: "score", value: wild ? "0" : number(value), name: "score", chosen: true },
        { label: "mean of the residue", value: number(means[column]), name: "mean" },
        ...(hasEntropy
          ? [{ label: "entropy, nats", value: number(entropy[column]), name: "entropy" }]
          : []),
      ]];
    },
  });
}

document.querySelectorAll(".matrix").forEach(setUpMatrix);
