// @ts-check
/// <reference lib="dom" />
/** The page of lenses: every residue after every block. */
import { bytesOf, floatsOf } from "../../report/client/data.js";
import { linkedTable } from "../../report/client/linked_table.js";
import { fixed, short, shortest } from "../../report/client/numbers.js";
import { shade } from "../../report/client/palette.js";
import { residueBar } from "../../report/client/residue_bar.js";
import { chooseOne, start } from "../../report/client/start.js";
import { lines } from "../../report/figures/lines/lines.js";
import { rowMap } from "../../report/figures/row_map/row_map.js";
import { track } from "../../report/figures/track/track.js";

/** @typedef {import("../../report/client/figure.js").View} View */
/** @typedef {import("../../report/client/tooltip.js").Fact} Fact */
/** @typedef {import("../../report/figures/lines/lines.js").Curve} Curve */

/**
 * `columns` are names of layers.csv behind `protein`, `rows` their values; `shown` the layers of the map,
 * which are the page's items; `decided` by lens.
 * @typedef {{
 *   lenses: string[], layers: number, shown: number[], klEnd: number, decided: number[][],
 *   letters: string, columns: string[], rows: (string | number | null)[][],
 *   chance: { letter: string, share: number },
 *   mutations: { name: string, rows: [string, number, number, number, number][] }[],
 * }} LensData
 */

const COLOURS = /** @type {Record<string, string>} */ ({ logit: "blue", tuned: "orange" });
const KEYS = ["probability", "log_prob", "entropy", "kl", "outside"];
const MOST_ENTROPY = Math.log(20);

/** @param {View} view @param {LensData} data */
async function setUp(view, data) {
  const { state, protein } = view, { length } = state, { lenses, layers, shown } = data;
  const values = await floatsOf(view.root, "values") ?? new Float32Array();
  const codes = await bytesOf(view.root, "codes") ?? new Uint8Array();
  const mutants = await Promise.all(
    data.mutations.map((_, m) => floatsOf(view.root, `mutation-${m}`)),
  );
  let lens = lenses[0];
  let measure = /** @type {"truth" | "kl" | "entropy"} */ ("truth");
  let mutation = 0;
  const place = (/** @type {number} */ row) => lenses.indexOf(lens) * shown.length + row;
  /** A number of lens.csv. @param {number} row @param {string} key @param {number} residue */
  const at = (row, key, residue) =>
    values[(place(row) * KEYS.length + KEYS.indexOf(key)) * length + residue - 1];
  const letterAt = (/** @type {number} */ row, /** @type {number} */ residue) =>
    data.letters[codes[place(row) * 2 * length + residue - 1]];
  const rankAt = (/** @type {number} */ row, /** @type {number} */ residue) =>
    codes[(place(row) * 2 + 1) * length + residue - 1];
  const decided = () => data.decided[lenses.indexOf(lens)];
  const last = shown.length - 1;
  state.set({ item: last });

  const exact = (/** @type {number} */ value) => Number.isNaN(value) ? "" : String(shortest(value));
  /** @param {number} row @param {number} residue @returns {Fact[]} */
  const facts = (row, residue) => {
    const rank = rankAt(row, residue);
    return [
      ["predicted", letterAt(row, residue)],
      ...KEYS.map((key) => {
        const value = at(row, key, residue);
        return /** @type {Fact} */ ([key, short(value), exact(value)]);
      }),
      ["rank", rank === 0 ? "–" : String(rank), rank === 0 ? "" : String(rank)],
    ];
  };
  const amount = (/** @type {number} */ row, /** @type {number} */ residue) =>
    measure === "truth"
      ? Math.exp(at(row, "log_prob", residue))
      : measure === "kl"
      ? at(row, "kl", residue) / data.klEnd
      : at(row, "entropy", residue) / MOST_ENTROPY;
  const layerName = (/** @type {number} */ row) =>
    shown[row] === 0 ? "embedding" : `layer ${shown[row]}`;
  const map = rowMap(view, view.frame("map"), {
    rows: () => shown.map((layer) => String(layer)),
    titleOf: layerName,
    cells: () =>
      shown.flatMap((_, row) =>
        Array.from({ length }, (_, i) => ({ row, token: i + 1, value: amount(row, i + 1) }))
      ).filter(({ value }) => !Number.isNaN(value)),
    ends: ["", ""],
    colour: (value, palette) => shade(palette.s, value),
    letter: letterAt,
    label: () => `Predictions of ${length} residues after ${shown.length} numbers of blocks`,
    axis: "layer",
    facts,
    data: () => ({
      columns: ["residue", "letter", "lens", "layer", "predicted", ...KEYS, "rank"],
      rows: shown.flatMap((layer, row) =>
        Array.from({ length }, (_, i) => [
          view.number(i + 1),
          protein.letters[i],
          lens,
          layer,
          letterAt(row, i + 1),
          ...KEYS.map((key) => shortest(at(row, key, i + 1))),
          rankAt(row, i + 1),
        ])
      ),
    }),
  });
  const ramps = /** @type {NodeListOf<HTMLElement>} */ (view.root.querySelectorAll("[data-ramp]"));
  const legend = () => {
    for (const one of ramps) one.hidden = one.dataset.ramp !== measure;
  };
  legend();

  const cell = (/** @type {(string | number | null)[]} */ row, /** @type {string} */ name) =>
    row[data.columns.indexOf(name)];
  /** Curves of a column of layers.csv, one a lens.
   * @param {string} name @param {number} [chance] @returns {Curve[]} */
  const curves = (name, chance) =>
    lenses.map((own, k) => ({
      ...{ name: own, colour: COLOURS[own], dots: layers < 16 },
      ...(k === 0 && chance !== undefined && { chance }),
      points: data.rows.filter((row) => cell(row, "lens") === own)
        .map((row) => /** @type {[number, number]} */ ([
          Number(cell(row, "layer")),
          Number(cell(row, name) ?? NaN),
        ])),
    }));
  const table = () => ({
    columns: data.columns,
    rows: data.rows.map((row) => row.map((x) => x ?? NaN)),
  });
  layerLines(view, layers, curves, table, data.chance.share);

  const early = () => {
    const sorted = [...decided()].sort((a, b) => a - b);
    return sorted[sorted.length >> 1];
  };
  const tracked = track(view, view.frame("decided"), {
    name: "layer",
    label: () => `Layer from which each residue's predicted letter stays`,
    values: decided,
    least: layers,
    colour: (residue) => rankAt(last, residue) === 1 ? "blue" : "orange",
    reference: () => ({ at: early(), name: `median ${early()}` }),
    facts: (residue) => [
      ["decided_layer", String(decided()[residue - 1])],
      ["final", letterAt(last, residue)],
      [
        "final_probability",
        short(at(last, "probability", residue)),
        exact(at(last, "probability", residue)),
      ],
    ],
    data: () => ({
      columns: ["residue", "letter", "final", "decided_layer"],
      rows: decided().map((layer, i) => [
        view.number(i + 1),
        protein.letters[i],
        letterAt(last, i + 1),
        layer,
      ]),
    }),
  });

  /** @type {{ repaint: () => void }[]} */
  const mutantFigures = [];
  if (data.mutations.length > 0) {
    const changed = (
      /** @type {number} */ row,
      /** @type {number} */ kind,
      /** @type {number} */ r,
    ) => mutants[mutation]?.[(place(row) * 2 + kind) * length + r - 1] ?? NaN;
    const most = () => {
      let most = 1e-9;
      for (let row = 0; row < shown.length; row++) {
        for (let r = 1; r <= length; r++) {
          const x = changed(row, 0, r);
          if (x > most) most = x;
        }
      }
      return most;
    };
    const own = () => data.mutations[mutation];
    mutantFigures.push(
      lines(view, view.frame("line-score"), {
        ...{ x: "layer", y: "score, nats", xRange: [0, layers] },
        label: () => `Score of ${own().name} after every block`,
        curves: () =>
          lenses.map((each, k) => ({
            ...{ name: each, colour: COLOURS[each], dots: layers < 16 },
            ...(k === 0 && { chance: 0 }),
            points: own().rows.filter(([name]) => name === each)
              .map(([, layer, score]) => /** @type {[number, number]} */ ([layer, score])),
          })),
        data: () => ({
          columns: ["mutation", "lens", "layer", "score", "others_kl", "others_changed"],
          rows: data.mutations.flatMap(({ name, rows }) => rows.map((row) => [name, ...row])),
        }),
      }),
      rowMap(view, view.frame("mutation-map"), {
        rows: () => shown.map((layer) => String(layer)),
        titleOf: layerName,
        cells: () => {
          const end = most();
          return shown.flatMap((_, row) =>
            Array.from({ length }, (_, i) => ({
              ...{ row, token: i + 1 },
              value: Math.sqrt(changed(row, 0, i + 1) / end),
            }))
          ).filter(({ value }) => !Number.isNaN(value));
        },
        ends: ["", ""],
        colour: (value, palette) => shade(palette.s, value),
        label: () => `What ${own().name} changes of every residue's prediction`,
        axis: "layer",
        facts: (row, residue) => {
          const kl = changed(row, 0, residue), change = changed(row, 1, residue);
          if (Number.isNaN(kl)) return [["mutated", own().name]];
          return [
            ["kl", short(kl), exact(kl)],
            ["log_prob_change", short(change), exact(change)],
          ];
        },
        data: () => ({
          columns: ["mutation", "lens", "layer", "residue", "letter", "kl", "log_prob_change"],
          rows: shown.flatMap((layer, row) =>
            Array.from({ length }, (_, i) => [
              ...[own().name, lens, layer, view.number(i + 1), protein.letters[i]],
              ...[0, 1].map((kind) => shortest(changed(row, kind, i + 1))),
            ])
          ),
        }),
      }),
    );
  }

  residueBar(view, {
    quantity: () => `layer from which the letter stays, ${lens} lens`,
    value: (residue) => decided()[residue - 1] / layers,
    facts: (residue) => [
      ["decided", `from layer ${decided()[residue - 1]} of ${layers}`],
      ["in the end", `${letterAt(last, residue)} ${short(at(last, "probability", residue))}`],
    ],
  });
  linkedTable(view, /** @type {HTMLElement} */ (view.root.querySelector("[data-table=layers]")));

  const put = (/** @type {string} */ name, /** @type {string} */ text) => {
    for (const element of view.root.querySelectorAll(`[data-text="${name}"]`)) {
      element.textContent = text;
    }
  };
  const list = /** @type {HTMLTableElement} */ (view.root.querySelector("[data-table=residue]"));
  const follow = () => {
    const residue = state.chosen.residue || 1;
    put("lens", `${lens} lens`);
    put("residue", `${view.name(residue)} through the layers`);
    if (data.mutations.length > 0) put("mutation", data.mutations[mutation].name);
    const head = document.createElement("thead"), row = head.insertRow();
    for (
      const name of ["Layer", "Predicted", "p", `p of ${protein.letters[residue - 1]}`, "Rank"]
    ) {
      const th = document.createElement("th");
      th.scope = "col";
      th.textContent = name;
      row.append(th);
    }
    const body = document.createElement("tbody");
    shown.forEach((layer, k) => {
      const line = body.insertRow(), rank = rankAt(k, residue);
      line.className = k === state.chosen.item ? "chosen" : "";
      for (
        const text of [
          String(layer),
          letterAt(k, residue),
          fixed(at(k, "probability", residue), 3),
          fixed(Math.exp(at(k, "log_prob", residue)), 3),
          rank === 0 ? "–" : String(rank),
        ]
      ) line.insertCell().textContent = text;
    });
    list.replaceChildren(head, body);
  };
  const redraw = () => {
    for (const one of [map, tracked, ...mutantFigures]) one.repaint();
    legend();
    follow();
  };
  chooseOne(view.root, "lens", (value) => {
    lens = value;
    redraw();
  });
  chooseOne(view.root, "measure", (value) => {
    measure = /** @type {typeof measure} */ (value);
    redraw();
  });
  chooseOne(view.root, "mutation", (value) => {
    mutation = Number(value);
    redraw();
  });
  state.follow((changes) => {
    if (changes.has("residue") || changes.has("item")) follow();
  });
  follow();
}

/**
 * The three curves over the depth.
 *
 * @param {View} view @param {number} layers
 * @param {(name: string, chance?: number) => Curve[]} curves
 * @param {NonNullable<import("../../report/client/figure.js").FigureSpec["data"]>} table
 * @param {number} [share] of the commonest letter
 */
function layerLines(view, layers, curves, table, share) {
  const shared = {
    ...{ x: "layer", xRange: /** @type {[number, number]} */ ([0, layers]), data: table },
  };
  lines(view, view.frame("line-kl"), {
    ...{ ...shared, y: "KL, nats", label: () => "Mean KL of the last layer from each" },
    curves: () => curves("mean_kl"),
  });
  lines(view, view.frame("line-accuracy"), {
    ...{ ...shared, y: "right", isPercent: true, label: () => "Share of right letters by layer" },
    curves: () => curves("accuracy", share),
  });
  lines(view, view.frame("line-entropy"), {
    ...{ ...shared, y: "entropy, nats", label: () => "Mean entropy by layer" },
    yRange: [0, 3.2],
    curves: () => curves("mean_entropy", MOST_ENTROPY),
  });
}

/**
 * @param {View} view
 * @param {{ summary: (Record<string, [number, number]> & { lens: string, layer: number })[] }} data
 */
function setUpSummary(view, { summary }) {
  const lenses = [...new Set(summary.map(({ lens }) => lens))];
  const layers = Math.max(...summary.map(({ layer }) => layer));
  const keys = /** @type {Record<string, string>} */ ({
    mean_kl: "kl",
    accuracy: "accuracy",
    mean_entropy: "entropy",
  });
  layerLines(view, layers, (name, chance) =>
    lenses.map((lens, k) => {
      const rows = summary.filter((row) => row.lens === lens), key = keys[name];
      return {
        ...{ name: lens, colour: COLOURS[lens], dots: layers < 16 },
        ...(k === 0 && chance !== undefined && { chance }),
        points: rows.map((row) => /** @type {[number, number]} */ ([row.layer, row[key][0]])),
        low: rows.map((row) => row[key][0] - row[key][1]),
        high: rows.map((row) => row[key][0] + row[key][1]),
      };
    }), () => ({
      columns: [
        "lens",
        "layer",
        ...Object.values(keys).flatMap((key) => [`${key}_mean`, `${key}_sd`]),
      ],
      rows: summary.map((row) => [
        row.lens,
        row.layer,
        ...Object.values(keys).flatMap((key) => row[key]),
      ]),
    }));
}

start(setUp, setUpSummary);
