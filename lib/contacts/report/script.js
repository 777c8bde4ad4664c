// Contact maps in two triangles, and the structure in the molecular viewer.
const CONTACT = 1, TOP = 2, UNKNOWN = 4;

/** What a pixel shows above the diagonal, and what below it. */
function layers({ steps, below, kind }) {
  const levels = palette("s"), missing = pixelOf("--raised");
  const scaled = (values) => ({
    values,
    merge: Math.max,
    // Step 0 is not predicted.
    shade: (step) => step === 0 ? missing : levels[Math.round((step - 1) * (LEVELS - 1) / 254)],
  });
  const upper = scaled(steps);
  if (kind === "none") return [upper, upper];
  if (kind !== "truth") return [upper, scaled(below)];
  const [paper, contact, hit, miss, unknown] = [
    "--paper",
    "--contact",
    "--hit",
    "--miss",
    "--raised",
  ]
    .map(pixelOf);
  const shade = (bits) =>
    bits & UNKNOWN
      ? unknown
      : bits & TOP
      ? bits & CONTACT ? hit : miss
      : bits & CONTACT
      ? contact
      : paper;
  return [upper, { values: below, merge: (a, b) => a | b, shade }];
}

function setUpContacts(figure) {
  const { residues, value: valueName, below: kind } = figure.dataset;
  const length = Number(figure.dataset.length), max = Number(figure.dataset.max);
  const side = Number(figure.dataset.side), bin = Number(figure.dataset.bin);
  const data = { steps: bytesOf(figure, "pixels"), below: bytesOf(figure, "below"), kind };
  const canvas = figure.querySelector("canvas");
  const residue = (i) => `${residues[i]}${i + 1}`;
  const name = (pixel) => {
    const first = pixel * bin, last = Math.min(length, first + bin) - 1;
    return bin === 1 ? residue(first) : `${residue(first)} to ${residue(last)}`;
  };
  const authors = JSON.parse(figure.querySelector("script.authors")?.textContent ?? "null");
  const places = authors && floatsOf(figure, "places");
  /** As molecular viewers select a residue. */
  const authorOf = (i) =>
    authors.labels[i] && (authors.chain ? `${authors.chain}/` : "") + authors.labels[i];
  const distanceOf = (i, j) =>
    Math.hypot(...[0, 1, 2].map((axis) => places[3 * i + axis] - places[3 * j + axis]));
  // Pairs one after another, the diagonal too; a long protein's are read from the picture.
  const scores = figure.querySelector("script.scores") && floatsOf(figure, "scores");
  const scoreOf = (row, column) => {
    if (!scores) return (data.steps[row * side + column] - 1) / 254 * max;
    const i = Math.min(row, column), j = Math.max(row, column);
    return scores[i * length - i * (i - 1) / 2 + j - i];
  };
  followSquare(figure, side, (row, column, where) => {
    const at = row * side + column;
    const entries = [{
      label: valueName,
      value: data.steps[at] === 0
        ? "not predicted"
        : scores
        ? exactly(scoreOf(row, column))
        : `about ${scoreOf(row, column).toPrecision(3)}`,
      name: "value",
      chosen: true,
    }, {
      label: "separation",
      value: `${bin === 1 ? "" : "about "}${bin * Math.abs(row - column)}`,
      name: "separation",
    }];
    if (kind === "truth") {
      const bits = data.below[at];
      const contact = bits & UNKNOWN ? "not known" : bits & CONTACT ? "yes" : "no";
      entries.push({ label: "contact", value: contact, name: "contact" });
      entries.push({ label: "among the L highest", value: bits & TOP ? "yes" : "no", name: "top" });
    }
    // A pixel of a long protein stands for several pairs.
    if (authors && bin === 1) {
      const pair = [row, column].map((i) => authorOf(i) || "not numbered").join(" – ");
      entries.push({ label: "in the structure", value: pair, name: "authors" });
      const distance = distanceOf(row, column);
      const value = Number.isNaN(distance) ? "not known" : `${distance.toFixed(1)} Å`;
      entries.push({ label: "distance", value, name: "distance" });
    }
    showTooltip(`${name(row)} – ${name(column)}`, entries, where);
  });
  keepDrawn(canvas, () => {
    const [upper, lower] = layers(data);
    drawSquare(canvas, side, (y, x) => y > x ? lower : upper);
  });
}

/** Blue, by way of green, to red: 0xrrggbb of a share of the chain. */
function chainColour(share) {
  const hue = 4 * (1 - share);
  const part = (shift) => {
    const at = (shift + hue) % 6;
    return Math.round(255 * Math.min(1, Math.max(0, Math.abs(at - 3) - 1)));
  };
  return part(0) << 16 | part(4) << 8 | part(2);
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
  const last = Math.max(2, ...viewer.selectedAtoms({}).map(({ resi }) => resi));
  const colorfunc = ({ resi }) => chainColour((resi - 1) / (last - 1));
  viewer.setStyle({}, { cartoon: { colorfunc, opacity: 0.9 } });
  const point = ([x, y, z]) => ({ x, y, z });
  const draw = (share) => {
    viewer.removeAllShapes();
    viewer.removeAllLabels();
    viewer.setBackgroundColor(cssColour("--paper"));
    for (const { rank, a, b, hit, label } of contacts) {
      if (rank >= share * length) continue;
      let shown;
      viewer.addCylinder({
        start: point(a),
        end: point(b),
        radius: 0.18,
        color: cssColour(hit ? "--hit" : "--miss"),
        fromCap: 1,
        toCap: 1,
        hoverable: true,
        hover_callback() {
          shown ??= viewer.addLabel(label, {
            position: point(a.map((x, axis) => (x + b[axis]) / 2)),
            fontColor: cssColour("--ink"),
            backgroundColor: cssColour("--raised"),
            backgroundOpacity: 0.9,
            fontSize: 13,
          });
        },
        unhover_callback() {
          if (shown) viewer.removeLabel(shown);
          shown = undefined;
        },
      });
    }
    viewer.render();
  };
  let share = 0.5;
  draw(share);
  viewer.zoomTo();
  viewer.render();
  onLookChange(() => draw(share));
  chooseOne(figure.querySelectorAll("[data-share]"), (button) => {
    share = Number(button.dataset.share);
    draw(share);
  });
}

document.querySelectorAll(".contact-map").forEach(setUpContacts);
document.querySelectorAll(".structure").forEach(setUpStructure);
