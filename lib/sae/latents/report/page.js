// @ts-check
/// <reference lib="dom" />
/** The page of what latents detect. */
import { integersOf } from "../../../report/client/data.js";
import { linkedTable } from "../../../report/client/linked_table.js";
import { clamp, fixed, percent, short } from "../../../report/client/numbers.js";
import { chooseOne, start } from "../../../report/client/start.js";
import { letterBars } from "../../../report/figures/letter_bars/letter_bars.js";
import { scatter } from "../../../report/figures/scatter/scatter.js";

/** @typedef {import("../../../report/client/figure.js").View} View */
/** @typedef {import("../../../report/client/tooltip.js").Fact} Fact */

/**
 * `rows`: latent, active residues, proteins, mean and largest activation, share at first and last residues,
 * mean place. `totals`: how often each letter stands at each offset.
 * @typedef {{
 *   amino: string, colours: string[], rows: number[][],
 *   totals: { letters: number[], residues: number[] },
 * }} LatentsData
 * @typedef {{ letter: string, offset: number, precision: number, recall: number, f1: number, enrichment: number }} Detection
 */

/** Latents that the table lists. */
const LISTED = 14;
const [LATENT, ACTIVE, PROTEINS, MEAN, MAX, FIRST, LAST, PLACE] = [0, 1, 2, 3, 4, 5, 6, 7];

/** @param {View} view @param {LatentsData} data */
async function setUp(view, data) {
  const { state, root } = view, { amino, rows, totals } = data;
  const letters = /** @type {Uint32Array} */ (await integersOf(root, "letters"));
  const best = /** @type {Uint32Array} */ (await integersOf(root, "best"));
  const size = amino.length, offsets = totals.residues.length, reach = (offsets - 1) / 2;
  /** As latents.csv has it. @param {number} column @param {number} o @param {number} both @param {number} active @returns {Detection} */
  const detection = (column, o, both, active) => {
    const having = totals.letters[o * size + column], precision = both / active;
    return {
      ...{ letter: amino[column], offset: o - reach, precision, recall: both / having },
      f1: active + having === 0 ? 0 : 2 * both / (active + having),
      enrichment: precision / (having / totals.residues[o]),
    };
  };
  const byOffset = rows.map((_, item) =>
    Array.from({ length: offsets }, (_, o) => {
      const at = 3 * (item * offsets + o);
      return detection(best[at], o, best[at + 1], best[at + 2]);
    })
  );
  const own = (/** @type {number} */ item) => byOffset[item][reach];
  const beside = byOffset.map((all) =>
    all.filter(({ offset, f1 }) => offset !== 0 && f1 > 0)
      .reduce(
        (a, b) => a && a.f1 >= b.f1 ? a : b,
        /** @type {Detection | undefined} */ (undefined),
      )
  );
  const place = (/** @type {Detection | undefined} */ found) =>
    found ? `${found.letter} ${signed(found.offset)}` : "–";
  state.set({ item: 0 });

  let isActivity = false;
  const made = () =>
    rows.map((row, item) => {
      const { letter, f1, precision, recall, enrichment } = own(item), near = beside[item];
      return {
        ...{ item, name: `latent ${row[LATENT]}` },
        x: isActivity ? row[ACTIVE] : f1,
        y: isActivity ? f1 : near?.f1 ?? 0,
        colour: data.colours[amino.indexOf(letter)],
        facts: /** @type {Fact[]} */ ([
          ["letter", letter],
          ["letter_f1", fixed(f1, 3), String(f1)],
          ["precision", fixed(precision, 3), String(precision)],
          ["recall", fixed(recall, 3), String(recall)],
          ["times", fixed(enrichment, 1), String(enrichment)],
          ["beside", near ? `${place(near)}, ${fixed(near.f1, 3)}` : "–", String(near?.f1)],
          ["active residues", String(row[ACTIVE])],
        ]),
      };
    });
  // The same list until the axes change: a picture of it is kept.
  let dots = made();
  const spec = {
    x: "F1 of a letter",
    y: "F1 of a neighbour's letter",
    log: /** @type {"x" | undefined} */ (undefined),
    label: () => `${rows.length} latents by what they detect`,
    dots: () => dots,
    data: () => ({
      columns: [
        ...["latent", "active_residues", "proteins", "mean_activation", "max_activation"],
        ...["letter", "letter_f1", "neighbour_offset", "neighbour", "neighbour_f1"],
      ],
      rows: rows.map((row, item) => [
        ...[row[LATENT], row[ACTIVE], row[PROTEINS], row[MEAN], row[MAX]],
        ...[own(item).letter, own(item).f1],
        ...[beside[item]?.offset ?? "", beside[item]?.letter ?? "", beside[item]?.f1 ?? ""],
      ]),
    }),
  };
  const plot = scatter(view, view.frame("latents"), spec);
  chooseOne(root, "axes", (value) => {
    isActivity = value === "activity";
    spec.x = isActivity ? "residues where it is active" : "F1 of a letter";
    spec.y = isActivity ? "F1 of a letter" : "F1 of a neighbour's letter";
    spec.log = isActivity ? "x" : undefined;
    dots = made();
    plot.repaint();
  });

  const barsOf = () => {
    const { item } = state.chosen, active = rows[item][ACTIVE];
    return [...amino].map((letter, column) => {
      const both = letters[item * size + column];
      const { precision, recall, enrichment } = detection(column, reach, both, active);
      const chance = totals.letters[reach * size + column] / totals.residues[reach];
      const second = Number.isNaN(recall) ? 0 : recall;
      return { letter, first: precision, second, chance, both, enrichment };
    });
  };
  letterBars(view, view.frame("letters"), {
    bars: barsOf,
    needs: ["item"],
    label: () => `Precision and recall of latent ${rows[state.chosen.item][LATENT]} by letter`,
    facts: ({ letter, first, second, chance }) => [
      ["precision", percent(first, 1), String(first)],
      ["recall", percent(second, 1), String(second)],
      ["by chance", percent(chance, 1), String(chance)],
      ["active residues", String(letters[state.chosen.item * size + amino.indexOf(letter)])],
    ],
    data: () => ({
      columns: ["latent", "letter", "active_residues", "precision", "recall", "enrichment"],
      rows: barsOf().filter(({ both }) => both > 0).map((bar) => [
        ...[rows[state.chosen.item][LATENT], bar.letter, bar.both],
        ...[bar.first, bar.second, bar.enrichment],
      ]),
    }),
  });

  const list = table(root, "latents"), linked = linkedTable(view, list);
  const end = (/** @type {number} */ item) => Math.max(rows[item][FIRST], rows[item][LAST]);
  /** @type {Record<string, (item: number) => number>} */
  const orders = {
    letter: (item) => own(item).f1,
    neighbour: (item) => beside[item]?.f1 ?? 0,
    ends: end,
  };
  let order = rows.map((_, item) => item);
  const fill = (/** @type {string} */ name) => {
    // Of equals those that are active more often: one residue alone says little.
    order = rows.map((_, item) => item).sort((a, b) =>
      orders[name](b) - orders[name](a) || rows[b][ACTIVE] - rows[a][ACTIVE]
    );
    list.tBodies[0].replaceChildren(
      ...order.slice(0, LISTED).map((item) => {
        const row = document.createElement("tr"), button = document.createElement("button");
        row.dataset.item = String(item);
        button.type = "button";
        button.textContent = String(rows[item][LATENT]);
        row.insertCell().append(button);
        for (
          const text of [
            ...[String(rows[item][ACTIVE]), own(item).letter, fixed(own(item).f1, 3)],
            ...[fixed(own(item).enrichment, 1), place(beside[item])],
            ...[fixed(beside[item]?.f1 ?? 0, 3), percent(end(item))],
          ]
        ) row.insertCell().textContent = text;
        return row;
      }),
    );
    linked.mark();
  };
  const step = (/** @type {number} */ by) =>
    state.set({
      item: order[clamp(order.indexOf(state.chosen.item) + by, 0, order.length - 1)],
    });
  const button = (
    /** @type {string} */ name,
  ) => /** @type {HTMLButtonElement} */ (root.querySelector(`[data-do=${name}]`));
  button("previous").onclick = () => step(-1);
  button("next").onclick = () => step(1);
  const say = (/** @type {string} */ name, /** @type {string} */ text) => {
    for (const at of root.querySelectorAll(`[data-text=${name}]`)) at.textContent = text;
  };
  const change = () => {
    const { item } = state.chosen, row = rows[item];
    say("latent", `Latent ${row[LATENT]}`);
    say(
      "says",
      `— active at ${row[ACTIVE]} residues of ${row[PROTEINS]} proteins, ${
        short(row[MEAN])
      } on average, ${short(row[MAX])} at most`,
    );
    say(
      "ends",
      `Of its active residues ${percent(row[FIRST])} are first and ${
        percent(row[LAST])
      } last of a protein; mean place ${fixed(row[PLACE], 2)} (0 first, 1 last).`,
    );
    table(root, "offsets").tBodies[0].replaceChildren(
      ...byOffset[item].map(({ letter, offset, precision, recall, f1, enrichment }) => {
        const line = document.createElement("tr");
        for (
          const text of [
            ...[offset === 0 ? "itself" : signed(offset), f1 > 0 ? letter : "–"],
            ...[percent(precision, 1), percent(recall, 1), fixed(f1, 3)],
            ...[fixed(enrichment, 1)],
          ]
        ) line.insertCell().textContent = text;
        return line;
      }),
    );
    const at = order.indexOf(item);
    button("previous").disabled = at <= 0;
    button("next").disabled = at >= order.length - 1;
  };
  state.follow((changed) => {
    if (changed.has("item")) change();
  });
  fill("letter");
  change();
  chooseOne(root, "order", (name) => {
    fill(name);
    change();
  });
}

/** @param {number} offset */
const signed = (offset) => offset > 0 ? `+${offset}` : `−${-offset}`;

/** @param {ParentNode} root @param {string} name */
const table = (
  root,
  name,
) => /** @type {HTMLTableElement} */ (root.querySelector(`[data-table=${name}]`));

start(() => {}, setUp);
