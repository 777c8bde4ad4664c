// @ts-check
/// <reference lib="dom" />
/** The page of folded proteins. */
import { bytesOf, floatsOf } from "../../report/client/data.js";
import { linkedTable } from "../../report/client/linked_table.js";
import { fixed, percent, short } from "../../report/client/numbers.js";
import { channels, shade } from "../../report/client/palette.js";
import { residueBar } from "../../report/client/residue_bar.js";
import { start } from "../../report/client/start.js";
import { headGrid } from "../../report/figures/head_grid/head_grid.js";
import { pairMap, sequential } from "../../report/figures/pair_map/pair_map.js";
import { scatter } from "../../report/figures/scatter/scatter.js";
import { readShape, structure } from "../../report/figures/structure/structure.js";
import { track } from "../../report/figures/track/track.js";

/** @typedef {import("../../report/client/figure.js").View} View */
/** @typedef {import("../../report/client/figure.js").Pen} Pen */
/** @typedef {import("../../report/client/palette.js").Palette} Palette */
/** @typedef {import("../../report/client/palette.js").Rgb} Rgb */
/** @typedef {import("../../report/client/residue_axis.js").ResidueAxis} ResidueAxis */
/** @typedef {import("../../report/client/tooltip.js").Fact} Fact */

/**
 * Rows of a scan: layer, head, share of contacts lost, lost, gained, contacts, RMSD, TM-score, change of pLDDT
 * and of pTM. `starts` are the first residues of chains, `names` residues in them where there are several;
 * `places` along the chain, another one far away.
 * @typedef {[number, number, number | null, number, number, number, number, number, number, number]} ScanRow
 * @typedef {{
 *   isExact: boolean, bin: number, side: number, most: Record<string, number>, maxPae: number, starts: number[], names?: string[], places: number[],
 *   apart: number, cutoff: number, mean: number, meanChange?: number, hasChange: boolean, hasTruth: boolean,
 *   pairs: [i: number, j: number, probability: number][],
 *   scan?: { layers: number[], heads: number, rows: ScanRow[] },
 * }} FoldData
 */

/** The classes of pLDDT: colours from the least on. */
const CLASSES = /** @type {const} */ ([
  [90, "plddt-highest"],
  [70, "plddt-high"],
  [50, "plddt-low"],
  [-Infinity, "plddt-lowest"],
]);

/** @param {number} plddt */
const classOf = (plddt) => CLASSES.find(([least]) => plddt >= least)?.[1] ?? "rule";

/** Probability from which a pair counts as predicted. */
const LIKELY = 0.5;

/** @param {View} view @param {FoldData} data */
async function setUp(view, data) {
  const { state, protein, root } = view, { length } = state;
  const floats = async (
    /** @type {string} */ name,
  ) => /** @type {Float32Array} */ (await floatsOf(root, name));
  const plddt = await floats("plddt"), betas = await floats("betas");
  const paeAt = await mapOf(view, data, "pae", false);
  const predicted = await mapOf(view, data, "contacts", true);
  const lddt = await floatsOf(root, "lddt"), trueDistances = await floatsOf(root, "true-distances");
  const changed = data.hasChange
    ? {
      plddt: await floats("changed-plddt"),
      betas: await floats("changed-betas"),
      distances: await floats("changed-distances"),
      predicted: await mapOf(view, data, "changed-contacts", true),
    }
    : undefined;
  const between = (
    /** @type {Float32Array} */ of,
    /** @type {number} */ i,
    /** @type {number} */ j,
  ) => Math.hypot(...[0, 1, 2].map((k) => of[3 * i - 3 + k] - of[3 * j - 3 + k]));
  const isApart = (/** @type {number} */ i, /** @type {number} */ j) =>
    Math.abs(data.places[i - 1] - data.places[j - 1]) >= data.apart;
  const touches = (
    /** @type {Float32Array} */ of,
    /** @type {number} */ i,
    /** @type {number} */ j,
  ) => isApart(i, j) && between(of, i, j) < data.cutoff;
  /** @param {string} name @param {number} value @param {number} places @param {string} [unit] @returns {Fact} */
  const fact = (name, value, places, unit = "") => [
    name,
    Number.isNaN(value) ? "none" : `${fixed(value, places)}${unit}`,
    String(value),
  ];
  /** @param {number} residue @returns {Fact[]} */
  const facts = (residue) => [
    ...(data.names ? [/** @type {Fact} */ (["in its chain", data.names[residue - 1]])] : []),
    fact("pLDDT", plddt[residue - 1], 1),
    ...(changed
      ? [
        fact("after the change", changed.plddt[residue - 1], 1),
        fact("moves by", changed.distances[residue - 1], 1, "\u202fÅ"),
      ]
      : []),
    ...(lddt && trueDistances
      ? [
        fact("lDDT", lddt[residue - 1], 2),
        fact("from the true place", trueDistances[residue - 1], 1, "\u202fÅ"),
      ]
      : []),
  ];
  const about = data.isExact ? "" : "about ";
  /** @param {number} i @param {number} j @returns {Fact[]} */
  const pairFacts = (i, j) => [
    ["probability of a contact", about + fixed(predicted(i, j), 3), String(predicted(i, j))],
    ["distance in the fold", `${fixed(between(betas, i, j), 1)}\u202fÅ`],
    ...(changed
      ? [
        /** @type {Fact} */ ([
          "probability after",
          about + fixed(changed.predicted(i, j), 3),
          String(changed.predicted(i, j)),
        ]),
        /** @type {Fact} */ ([
          "distance after",
          `${fixed(between(changed.betas, i, j), 1)}\u202fÅ`,
        ]),
      ]
      : []),
    ["aligned error", `${about}${fixed(paeAt(i, j), 1)}\u202fÅ`, String(paeAt(i, j))],
    ["separation", String(Math.abs(i - j))],
  ];

  const shape = await readShape(root);
  if (shape) {
    /** @type {Map<string, boolean>} */
    const shown = new Map();
    /** @type {import("../../report/figures/structure/structure.js").Other[]} */
    const others = [];
    for (const [name, colour] of [["changed", "violet"], ["true", "grey"]]) {
      const points = await floatsOf(root, `${name}-points`);
      const pdb = await bytesOf(root, `${name}-pdb`);
      if (!points || !pdb) continue;
      shown.set(name, true);
      others.push({
        ...{ points, colour, pdb: new TextDecoder().decode(pdb) },
        isShown: () => shown.get(name) === true,
      });
    }
    const drawn = structure(view, view.frame("structure"), {
      ...{ ...shape, others, starts: data.starts, facts },
      label: () => `The fold of ${protein.id}`,
      colour: (residue, palette) =>
        palette.of(residue === 0 ? "rule" : classOf(plddt[residue - 1])),
    });
    for (const name of shown.keys()) {
      const button = root.querySelector(`[data-do="${name}"]`);
      button?.addEventListener("click", () => {
        shown.set(name, !shown.get(name));
        button.setAttribute("aria-pressed", String(shown.get(name)));
        drawn.redraw();
      });
    }
  }

  pairMap(view, view.frame("pae"), {
    ...{ rows: "laid on residue", columns: "error of residue", version: () => "pae" },
    label: () => `Predicted aligned error of ${protein.id}, ${length} by ${length} residues`,
    colour: (row, column) => sequential(1 - paeAt(row, column) / data.maxPae),
    facts: (row, column) => [
      [
        "aligned error",
        `${about}${fixed(paeAt(row, column), 1)}\u202fÅ`,
        String(paeAt(row, column)),
      ],
      ["the other way round", `${about}${fixed(paeAt(column, row), 1)}\u202fÅ`],
    ],
    over: chainLines,
    data: () => ({
      columns: ["residue", "of", "pae"],
      rows: pairs().map(([i, j]) => [i, j, paeAt(i, j)]),
    }),
  });

  track(view, view.frame("plddt"), {
    ...{ name: "pLDDT", least: 100, values: () => plddt, facts },
    label: () => `pLDDT of each residue of ${protein.id}`,
    colour: (residue) => classOf(plddt[residue - 1]),
    reference: () => ({ at: data.mean, name: `mean of all atoms ${fixed(data.mean, 1)}` }),
    data: () => residueTable({ plddt }),
  });
  if (changed) {
    const change = changed.plddt.map((value, i) => value - plddt[i]);
    track(view, view.frame("plddt-change"), {
      ...{ name: "pLDDT after − before", values: () => change, facts },
      label: () => `Change of pLDDT of each residue of ${protein.id}`,
      colour: (residue) => change[residue - 1] < 0 ? "orange" : "blue",
      data: () => residueTable({ plddt, plddt_changed: changed.plddt }),
    });
    track(view, view.frame("changed-distances"), {
      ...{ name: "distance, Å", values: () => changed.distances, facts, colour: () => "blue" },
      label: () => `How far each Cα of ${protein.id} moves`,
      data: () => residueTable({ distance: changed.distances }),
    });
    pairMap(view, view.frame("contact-change"), {
      ...{ rows: "residue", columns: "residue", version: () => "change", facts: pairFacts },
      label: () => `Contacts of ${protein.id} before and after the change`,
      colour(row, column, palette) {
        if (row < column) {
          return shade(
            palette.d,
            0.5 + (changed.predicted(row, column) - predicted(row, column)) / 2,
          );
        }
        const before = touches(betas, row, column), after = touches(changed.betas, row, column);
        return rgbOf(
          palette,
          before && after ? "grey" : before ? "orange" : after ? "blue" : "paper",
        );
      },
      over: mapLines,
      data: () => ({
        columns: ["i", "j", "probability", "probability_changed", "distance", "distance_changed"],
        rows: pairs().filter(([i, j]) => i < j).map(([i, j]) => [
          ...[i, j, predicted(i, j), changed.predicted(i, j)],
          ...[between(betas, i, j), between(changed.betas, i, j)],
        ]),
      }),
    });
  }
  if (lddt && trueDistances) {
    track(view, view.frame("true-distances"), {
      ...{ name: "distance, Å", values: () => trueDistances, facts, colour: () => "blue" },
      label: () => `How far each Cα of ${protein.id} is from the true one`,
      data: () => residueTable({ distance: trueDistances, lddt }),
    });
    scatter(view, view.frame("calibration"), {
      ...{ x: "pLDDT", y: "100 × lDDT", label: () => "pLDDT and lDDT of each residue" },
      dots: () =>
        Array.from(plddt, (x, i) => ({
          ...{ x, y: 100 * lddt[i], name: view.name(i + 1), residue: i + 1 },
          ...{ colour: "blue", facts: facts(i + 1) },
        })).filter(({ y }) => !Number.isNaN(y)),
      curves: () => {
        const low = Math.min(...plddt), high = Math.max(...plddt);
        return [{ name: "as said", colour: "grey", points: [[low, low], [high, high]] }];
      },
      data: () => residueTable({ plddt, lddt }),
    });
  }

  pairMap(view, view.frame("contacts"), {
    ...{ rows: "residue", columns: "residue", version: () => "contacts", facts: pairFacts },
    label: () => `Predicted contacts of ${protein.id} and those of the fold`,
    colour(row, column, palette) {
      if (row <= column) return sequential(predicted(row, column));
      const folded = touches(betas, row, column);
      const likely = isApart(row, column) && predicted(row, column) > LIKELY;
      return rgbOf(
        palette,
        folded && likely ? "blue" : folded ? "grey" : likely ? "orange" : "paper",
      );
    },
    over: mapLines,
    data: () => ({
      columns: ["i", "j", "probability", "distance"],
      rows: pairs().filter(([i, j]) => i < j).map(([i, j]) => [
        ...[i, j, predicted(i, j), between(betas, i, j)],
      ]),
    }),
  });

  if (data.scan && view.has("heads")) {
    const { layers, heads, rows } = data.scan;
    /** @type {Map<number, ScanRow>} */
    const byItem = new Map(rows.map((row) => [layers.indexOf(row[0]) * heads + row[1], row]));
    const hasContacts = rows[0][5] > 0;
    const value = (/** @type {number} */ item) => {
      const row = byItem.get(item);
      return row ? (hasContacts ? row[2] ?? NaN : row[6]) : NaN;
    };
    const most = Math.max(1e-9, ...rows.map((row) => hasContacts ? row[2] ?? 0 : row[6]));
    const nameOf = (/** @type {number} */ item) =>
      `head ${layers[Math.floor(item / heads)]}:${item % heads}`;
    headGrid(view, view.frame("heads"), {
      ...{ layers, heads, kind: () => "s", isOutlined: () => false, outlined: "none" },
      label: "Layers in rows, heads in columns; arrow keys move",
      share: (item) => value(item) / most,
      text: (item) =>
        Number.isNaN(value(item))
          ? ""
          : hasContacts
          ? fixed(100 * value(item), 0)
          : short(value(item)),
      describe: (item) =>
        `${nameOf(item)}, ${
          Number.isNaN(value(item))
            ? "not ablated"
            : hasContacts
            ? `${percent(value(item))} of contacts lost`
            : `RMSD ${short(value(item))} Å`
        }`,
      facts(item) {
        const row = byItem.get(item);
        if (!row) return [["ablated", "no"]];
        const [, , , lost, gained, contacts, rmsd, tm, plddtChange, ptmChange] = row;
        return [
          ["contacts lost", `${lost} of ${contacts}`],
          ["contacts that come", String(gained)],
          ["RMSD", `${fixed(rmsd, 2)}\u202fÅ`, String(rmsd)],
          ["TM-score", fixed(tm, 2), String(tm)],
          ["change of mean pLDDT", fixed(plddtChange, 2), String(plddtChange)],
          ["change of pTM", fixed(ptmChange, 2), String(ptmChange)],
        ];
      },
      data: () => ({
        columns: ["layer", "head", "contacts_lost", "contacts_gained", "rmsd", "tm"],
        rows: rows.map(([layer, head, , lost, gained, , rmsd, tm]) => [
          ...[layer, head, lost, gained, rmsd, tm],
        ]),
      }),
    });
    const table = /** @type {HTMLTableElement | null} */ (root.querySelector("[data-table=heads]"));
    if (table) linkedTable(view, table);
  }

  const table = /** @type {HTMLTableElement} */ (root.querySelector("[data-table=pairs]"));
  table.tBodies[0].replaceChildren(
    ...data.pairs.map(([i, j, probability]) => {
      const row = document.createElement("tr"), name = document.createElement("button");
      row.dataset.residue = String(i);
      row.dataset.partner = String(j);
      name.type = "button";
      name.textContent = `${view.name(i)} – ${view.name(j)}`;
      row.insertCell().append(name);
      for (
        const text of [
          fixed(probability, 3),
          String(j - i),
          fixed(between(betas, i, j), 1),
          touches(betas, i, j) ? "yes" : "no",
        ]
      ) row.insertCell().textContent = text;
      return row;
    }),
  );
  linkedTable(view, table);
  residueBar(view, {
    mark: "hidden",
    quantity: () => "pLDDT",
    value: (residue) => plddt[residue - 1] / 100,
    colour: (residue) => classOf(plddt[residue - 1]),
    facts(residue) {
      const { partner, residue: chosen } = state.chosen;
      return partner && residue === chosen ? pairFacts(residue, partner) : facts(residue);
    },
  });

  /** All pairs, row by row. @returns {[number, number][]} */
  function pairs() {
    return Array.from({ length: length * length }, (_, at) => [
      Math.floor(at / length) + 1,
      at % length + 1,
    ]);
  }
  /** Columns by residue. @param {Record<string, Float32Array>} columns */
  function residueTable(columns) {
    const names = Object.keys(columns);
    return {
      columns: ["residue", "letter", ...names],
      rows: Array.from({ length }, (_, i) => [
        ...[i + 1, protein.letters[i]],
        ...names.map((name) => columns[name][i]),
      ]),
    };
  }
  /** @param {Pen} pen @param {ResidueAxis} x @param {ResidueAxis} y @param {Palette} palette */
  function mapLines(pen, x, y, palette) {
    pen.strokeStyle = palette.of("strong-rule");
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(x.at(x.first) - x.cell / 2, y.at(y.first) - y.cell / 2);
    pen.lineTo(x.at(x.last) + x.cell / 2, y.at(y.last) + y.cell / 2);
    pen.stroke();
    chainLines(pen, x, y, palette);
  }
  /** @param {Pen} pen @param {ResidueAxis} x @param {ResidueAxis} y @param {Palette} palette */
  function chainLines(pen, x, y, palette) {
    pen.strokeStyle = palette.of("ink");
    pen.lineWidth = 1;
    for (const first of data.starts.slice(1)) {
      pen.beginPath();
      pen.moveTo(x.at(first) - x.cell / 2, y.left);
      pen.lineTo(x.at(first) - x.cell / 2, y.left + y.width);
      pen.moveTo(x.left, y.at(first) - y.cell / 2);
      pen.lineTo(x.left + x.width, y.at(first) - y.cell / 2);
      pen.stroke();
    }
  }
}

/**
 * A map of pairs by residues from 1: every value, or of a long protein steps of √(value / largest).
 * @param {View} view @param {FoldData} data @param {string} name @param {boolean} isHalf
 * @returns {Promise<(i: number, j: number) => number>}
 */
async function mapOf({ root, state: { length } }, data, name, isHalf) {
  const exact = await floatsOf(root, name), steps = await bytesOf(root, `${name}-steps`);
  return (i, j) => {
    if (!exact) {
      const at = Math.floor((i - 1) / data.bin) * data.side + Math.floor((j - 1) / data.bin);
      return ((steps?.[at] ?? 0) / 255) ** 2 * data.most[name];
    }
    if (!isHalf) return exact[(i - 1) * length + j - 1];
    const low = Math.min(i, j) - 1, high = Math.max(i, j) - 1;
    return exact[low * length - low * (low - 1) / 2 + high - low];
  };
}

/** The same object for the same colour, which the map remembers.
 * @type {Map<string, Rgb>} */
const known = new Map();

/** @param {Palette} palette @param {string} name */
function rgbOf(palette, name) {
  const css = palette.of(name);
  let found = known.get(css);
  if (!found) known.set(css, found = channels(css));
  return found;
}

start(setUp);
