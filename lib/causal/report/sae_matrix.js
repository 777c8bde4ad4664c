// Attributions of latents over residues.
function setUpAttributions(figure) {
  const { labels, residues, offset, cap, changed } = factsOf(figure, "matrix-facts");
  const columns = residues.length + 2, cells = floatsOf(figure, "cells");
  const values = new Float32Array(columns * labels.length);
  for (let i = 0; i < cells.length; i += 3) {
    values[cells[i + 1] * labels.length + cells[i]] = cells[i + 2];
  }
  const byPlace = floatsOf(figure, "places"), byLatent = floatsOf(figure, "latents");
  const isResidue = (token) => token >= 1 && token <= residues.length;
  const number = (token) => isResidue(token) ? token + offset - 1 : undefined;
  const name = (token) =>
    isResidue(token) ? `${residues[token - 1]}${number(token)}` : token === 0 ? "<cls>" : "<eos>";

  setUpResidueMatrix(figure, {
    labels,
    columns,
    gutter: 92,
    right: 112,
    value: (token, row) => values[token * labels.length + row],
    cap,
    letter: (token) => isResidue(token) ? residues[token - 1] : "·",
    marked: changed,
    number,
    strips: [{
      title: "sum of the residue",
      values: byPlace,
      low: Math.min(0, ...byPlace),
      high: Math.max(0, ...byPlace),
    }],
    bars: { title: "sum of the latent", values: Array.from(byLatent) },
    describe: (row, token) => [`${labels[row]} at ${name(token)}`, [
      {
        label: "attribution",
        value: exactly(values[token * labels.length + row]),
        name: "attribution",
        chosen: true,
      },
      { label: "sum of the residue", value: exactly(byPlace[token]), name: "place" },
      { label: "sum of the latent", value: exactly(byLatent[row]), name: "latent" },
    ]],
  });
}

document.querySelectorAll(".attributions").forEach(setUpAttributions);
