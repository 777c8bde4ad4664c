// @ts-check
/// <reference lib="dom" />
/** The page of variant scores. */
import { doublesOf, floatsOf } from "../../report/client/data.js";
import { linkedTable } from "../../report/client/linked_table.js";
import { fixed, short } from "../../report/client/numbers.js";
import { shade } from "../../report/client/palette.js";
import { residueBar } from "../../report/client/residue_bar.js";
import { chooseOne, start } from "../../report/client/start.js";
import { intervalRows } from "../../report/figures/interval_rows/interval_rows.js";
import { lettersMap } from "../../report/figures/letters_map/letters_map.js";
import { scatter } from "../../report/figures/scatter/scatter.js";

/** @typedef {import("../../report/client/figure.js").View} View */
/** @typedef {import("../../report/client/tooltip.js").Fact} Fact */
/** @typedef {import("../../report/figures/scatter/scatter.js").Dot} Dot */
/** @typedef {import("./data.ts").ScoreData} ScoreData */

/** Largest entropy of 20 letters. */
const MOST_ENTROPY = Math.log(20);

/** What other variants than single substitutions are, and their colour. */
const OTHERS = /** @type {Record<string, [kind: string, colour: string]>} */ ({
  s: ["single", "blue"],
  m: ["multiple", "orange"],
  i: ["changed in length", "green"],
});

/** @param {View} view @param {ScoreData} data */
async function setUp(view, data) {
  const { root, state, protein } = view, { length } = state, { letters, columns, labels } = data;
  const scores = /** @type {Float32Array} */ (await floatsOf(root, "scores"));
  const entropy = /** @type {Float32Array} */ (await floatsOf(root, "entropy"));
  const points = await doublesOf(root, "points"), cells = await floatsOf(root, "cells");
  const place = (/** @type {number} */ residue, /** @type {string} */ letter) =>
    (residue - 1) * columns.length + columns.indexOf(letter);
  const score = (/** @type {number} */ residue, /** @type {string} */ letter) =>
    scores[place(residue, letter)];
  const isWild = (/** @type {number} */ residue, /** @type {string} */ letter) =>
    protein.letters[residue - 1] === letter;

  /** @param {number} residue */
  const meanOf = (residue) => {
    let sum = 0, count = 0;
    for (const letter of columns) {
      const value = score(residue, letter);
      if (isWild(residue, letter) || Number.isNaN(value)) continue;
      sum += value;
      count++;
    }
    return sum / count;
  };
  const means = Float64Array.from({ length }, (_, i) => meanOf(i + 1));

  // Of several measurements of a substitution the map has the mean.
  const measured = new Float64Array(scores.length), times = new Uint32Array(scores.length);
  cells?.forEach((cell, p) => {
    measured[cell] += /** @type {Float64Array} */ (points)[2 * p + 1];
    times[cell]++;
  });
  for (let cell = 0; cell < measured.length; cell++) measured[cell] /= times[cell];

  const exact = (/** @type {number} */ value) => Number.isNaN(value) ? undefined : String(value);
  /** @param {string} name @param {number} value @returns {Fact} */
  const fact = (name, value) => [
    name,
    Number.isNaN(value) ? "not computed" : short(value),
    exact(value),
  ];
  /** @param {number} residue @returns {Fact[]} */
  const factsOf = (residue) => [
    fact("mean score", means[residue - 1]),
    ...(data.hasEntropy ? [fact("entropy", entropy[residue - 1])] : []),
  ];
  /** @param {number} residue @param {number} item @returns {Fact[]} */
  const facts = (residue, item) => {
    const letter = letters[item], value = measured[place(residue, letter)];
    return [
      isWild(residue, letter)
        ? ["score", "wild type", exact(score(residue, letter))]
        : fact("score", score(residue, letter)),
      ...(data.measured
        ? [
          /** @type {Fact} */ ([
            labels.measured,
            Number.isNaN(value) ? "not measured" : short(value),
            exact(value),
          ]),
        ]
        : []),
      ...factsOf(residue),
    ];
  };

  const { cap } = data.scale;
  const share = (/** @type {number} */ value) => 0.5 + value / cap / 2;
  if (view.has("scores")) {
    lettersMap(view, view.frame("scores"), {
      ...{ letters, facts, factsAbove: factsOf },
      label: () =>
        `Scores of 20 letters at ${length} residues; the residue bar and the list of letters have the values`,
      colour(residue, item, palette) {
        // Where nothing was computed the sequence's own letter has no colour either.
        const value = isWild(residue, letters[item])
          ? 0 * means[residue - 1]
          : score(residue, letters[item]);
        return Number.isNaN(value) ? undefined : shade(palette.d, share(value));
      },
      weight: (residue, item) => Math.abs(score(residue, letters[item])) || 0,
      strips: [
        { name: "mean score, nats", value: (residue) => means[residue - 1], ...data.mean },
        ...(data.hasEntropy
          ? [{
            ...{ name: "entropy of the 20 letters, nats", low: 0, high: MOST_ENTROPY },
            value: (/** @type {number} */ residue) => entropy[residue - 1],
          }]
          : []),
      ],
      data: () => ({
        columns: ["position", "wild_type", ...columns, "mean_score", "entropy"],
        rows: Array.from({ length }, (_, i) => [
          ...[view.number(i + 1), protein.letters[i]],
          ...[...columns].map((letter) => score(i + 1, letter)),
          ...[means[i], entropy[i]],
        ]),
      }),
    });
  }
  if (data.measured && view.has("measured")) {
    const { low, high } = data.measured;
    lettersMap(view, view.frame("measured"), {
      ...{ letters, facts, factsAbove: factsOf },
      label: () => `${labels.measured} of 20 letters at ${length} residues`,
      colour(residue, item, palette) {
        const value = measured[place(residue, letters[item])];
        return Number.isNaN(value) ? undefined : shade(palette.s, (value - low) / (high - low));
      },
      weight: (residue, item) =>
        Number.isNaN(measured[place(residue, letters[item])]) ? 0 : residue,
      data: () => ({
        columns: ["position", "wild_type", ...columns],
        rows: Array.from({ length }, (_, i) => [
          ...[view.number(i + 1), protein.letters[i]],
          ...[...columns].map((letter) => measured[place(i + 1, letter)]),
        ]),
      }),
    });
  }

  if (points && view.has("scatter")) {
    const linked = cells?.length ?? 0;
    const dots = Array.from({ length: points.length / 2 }, (_, p) => {
      const [x, y] = [points[2 * p], points[2 * p + 1]];
      if (cells && p < linked) {
        const residue = Math.floor(cells[p] / columns.length) + 1;
        const letter = columns[cells[p] % columns.length], item = letters.indexOf(letter);
        return { x, y, name: view.name(residue) + letter, residue, item, kind: "s" };
      }
      const kind = data.others.kinds[p - linked];
      return {
        x,
        y,
        kind,
        colour: OTHERS[kind][1],
        name: data.others.names[p - linked] || "variant",
      };
    });
    const sets = {
      // Those that can be selected lie on top.
      substitutions: dots.filter(({ kind }) => kind !== "i").sort((a, b) =>
        Number(a.kind === "s") - Number(b.kind === "s")
      ),
      indels: dots.filter(({ kind }) => kind === "i"),
    };
    let shown = sets.substitutions.length > 0 ? sets.substitutions : sets.indels;
    const plot = scatter(view, view.frame("scatter"), {
      dots: () => shown,
      ...{ x: "score, nats", y: labels.measured },
      label: () => `${labels.measured} against the score of ${shown.length} variants`,
      isChosen: ({ residue, item }) =>
        residue !== undefined && residue === state.chosen.residue && item === state.chosen.item,
      data: () => ({
        columns: ["variant", "kind", "score", labels.measured],
        rows: dots.map(({ name, kind, x, y }) => [name, OTHERS[kind][0], x, y]),
      }),
    });
    chooseOne(root, "set", (value) => {
      shown = value === "indels" ? sets.indels : sets.substitutions;
      plot.repaint();
    });
  }
  if (view.has("groups")) groups(view, data.performance);

  const tables = /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-table]"));
  const marks = [...tables].map((table) => linkedTable(view, table));
  const list = /** @type {HTMLTableElement | null} */ (root.querySelector("[data-table=letters]"));
  const follow = () => {
    if (!list) return;
    const residue = state.chosen.residue || data.first;
    for (const element of root.querySelectorAll("[data-text=residue]")) {
      element.textContent = view.name(residue);
    }
    const ranked = [...letters].map((letter, item) => ({
      ...{ letter, item, isWild: isWild(residue, letter) },
      value: isWild(residue, letter) ? 0 : score(residue, letter),
      measured: measured[place(residue, letter)],
    })).sort((a, b) =>
      (Number.isNaN(a.value) ? 1 : 0) - (Number.isNaN(b.value) ? 1 : 0) ||
      b.value - a.value
    );
    const values = ranked.map(({ value }) => value).filter((value) => !Number.isNaN(value));
    const low = Math.min(0, ...values), high = Math.max(0, ...values), wide = high - low || 1;
    list.tBodies[0].replaceChildren(...ranked.map((one) => {
      const row = document.createElement("tr"), button = document.createElement("button");
      row.dataset.residue = String(residue);
      row.dataset.item = String(one.item);
      button.type = "button";
      button.textContent = view.name(residue) + one.letter;
      row.insertCell().append(button);
      const cell = row.insertCell(), box = document.createElement("div");
      const bar = document.createElement("i"), zero = document.createElement("b");
      cell.className = "letter-bar";
      zero.style.left = `${100 * (0 - low) / wide}%`;
      bar.style.left = `${100 * (Math.min(0, one.value || 0) - low) / wide}%`;
      bar.style.width = `${100 * Math.abs(one.value || 0) / wide}%`;
      box.append(bar, zero);
      cell.append(box);
      row.insertCell().textContent = one.isWild
        ? "wild type"
        : Number.isNaN(one.value)
        ? "–"
        : fixed(one.value, 2);
      if (data.measured) {
        row.insertCell().textContent = Number.isNaN(one.measured) ? "–" : short(one.measured);
      }
      return row;
    }));
    for (const { mark } of marks) mark();
  };
  state.follow((changed) => {
    if (changed.has("residue")) follow();
  });
  follow();

  residueBar(view, {
    kind: "d",
    quantity: () => data.hasScores ? "mean score of the substitutions" : "none",
    value: (residue) => share(means[residue - 1]),
    facts(residue) {
      const { item } = state.chosen;
      if (item < 0) return factsOf(residue);
      return [["to", letters[item]], ...facts(residue, item)];
    },
  });
}

/** Spearman of each group of variants.
 * @param {View} view @param {ScoreData["performance"]} performance */
function groups(view, performance) {
  intervalRows(view, view.frame("groups"), {
    ...{ head: "variants", columns: ["Spearman", "n"], axis: "Spearman", left: 110 },
    ...{ chance: 0, chanceName: "chance" },
    ...spearmanAxis(performance.map(({ values, low, high }) => ({ value: values[0], low, high }))),
    label: () => "Spearman of each group of variants with its 95 % interval",
    rows: () =>
      performance.map(({ group, variants, values, low, high }) => ({
        ...{ item: -1, name: group.replaceAll("_", " "), value: values[0] ?? NaN },
        ...{ low: low ?? NaN, high: high ?? NaN, filled: low > 0 || high < 0 },
        numbers: [fixed(values[0] ?? NaN, 2), String(variants)],
      })),
    facts: ({ value, low, high }) => spearmanFacts(value, low, high),
    data: () => ({
      columns: ["group", "variants", "spearman", "spearman_low", "spearman_high"],
      rows: performance.map(({ group, variants, values, low, high }) => [
        ...[group, variants, values[0] ?? NaN, low ?? NaN, high ?? NaN],
      ]),
    }),
  });
}

/** @param {number} value @param {number} low @param {number} high @returns {Fact[]} */
const spearmanFacts = (value, low, high) => [
  ["Spearman", fixed(value, 3), String(value)],
  ...(Number.isNaN(low)
    ? []
    : [/** @type {Fact} */ (["95\u202f% interval", `${fixed(low, 3)} to ${fixed(high, 3)}`])]),
];

/** Round ends of an axis that holds all values and 0.
 * @param {readonly { value: number | null, low: number | null, high: number | null }[]} rows */
function spearmanAxis(rows) {
  const all = rows.flatMap(({ value, low, high }) => [value ?? NaN, low ?? NaN, high ?? NaN])
    .filter((x) => !Number.isNaN(x));
  return {
    from: Math.floor(2 * Math.min(0, ...all)) / 2,
    least: Math.max(0.5, Math.ceil(2 * Math.max(0, ...all)) / 2),
  };
}

/**
 * @param {View} view
 * @param {{ rows: { name: string, variants: number, value: number | null, low: number | null, high: number | null, item: number }[] }} data
 */
function setUpSummary(view, { rows }) {
  if (view.has("proteins")) {
    intervalRows(view, view.frame("proteins"), {
      ...{ head: "protein", columns: ["Spearman", "n"], axis: "Spearman", left: 160 },
      ...{ chance: 0, chanceName: "chance", ...spearmanAxis(rows) },
      label: () => "Spearman of each protein with its 95 % interval",
      rows: () =>
        rows.map(({ name, item, variants, value, low, high }) => ({
          ...{ item, name, value: value ?? NaN, low: low ?? NaN, high: high ?? NaN },
          filled: item < 0 || (low ?? NaN) > 0 || (high ?? NaN) < 0,
          numbers: [fixed(value ?? NaN, 2), String(variants)],
        })),
      facts: ({ value, low, high }) => spearmanFacts(value, low, high),
      data: () => ({
        columns: ["protein", "variants", "spearman", "spearman_low", "spearman_high"],
        rows: rows.map(({ name, variants, value, low, high }) => [
          ...[name, variants, value ?? NaN, low ?? NaN, high ?? NaN],
        ]),
      }),
    });
  }
  const table =
    /** @type {HTMLElement | null} */ (view.root.querySelector("[data-table=proteins]"));
  if (table) linkedTable(view, table);
}

start(setUp, setUpSummary);
