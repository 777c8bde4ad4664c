/** The report of `lens`. */
import type { Piece } from "../../report/bundle.ts";
import { lines, rowMap, track } from "../../report/figures/mod.ts";
import { type Markup, markup } from "../../report/markup.ts";
import {
  choices,
  drawnNote,
  foldedView,
  frame,
  packed,
  panel,
  ramp,
  reportPage,
  type RunFacts,
  summaryView,
  tableHead,
  view,
} from "../../report/page.ts";
import { roundUp, short } from "../../report/scale.ts";
import { commonest, type LayerMeans, type LensView } from "../numbers.ts";
import { LAYERS, type MutantView, type MutationRow, type SummaryRow } from "../tables.ts";
import { LENS_LETTERS, type LensName } from "../types.ts";
import { finding, findingOverall } from "./finding.ts";
import script from "./page.js" with { type: "text" };

/** What the page needs of a protein; the rest is forgotten. */
export interface DrawnProtein {
  id: string;
  letters: string;
  lenses: readonly LensName[];
  /** Blocks of the model. */
  layers: number;
  /** Layers on the map, ascending, the last among them. */
  shown: number[];
  /** f32[lenses, shown, 5, L]: probability, log p, entropy, KL, outside. */
  values: Float32Array;
  /** u8[lenses, shown, 2, L]: predicted letter in LENS_LETTERS, rank (0: none). */
  codes: Uint8Array;
  /** By lens: the layer from which each residue's letter stays. */
  decided: number[][];
  rows: readonly LayerMeans[];
  mutations: {
    name: string;
    rows: readonly MutationRow[];
    /** f32[lenses, shown, 2, L]: KL and change of log p; NaN at mutated residues. */
    values: Float32Array;
  }[];
}

/** Bytes of a protein's map. */
const MAP_BYTES = 480_000;
/** Bytes of its mutations. */
const MUTATION_BYTES = 240_000;
const MOST_MUTATIONS = 6;
const KEYS = ["probability", "logProb", "entropy", "kl", "outside"] as const;

/** Every so many layers, counted from the last. */
function spread(layers: number, most: number): number[] {
  const step = Math.max(1, Math.ceil((layers + 1) / Math.max(2, most)));
  return Array.from({ length: layers + 1 }, (_, layer) => layer)
    .filter((layer) => (layers - layer) % step === 0);
}

/** Keeps what the page shows. */
export function drawnProtein(
  id: string,
  view: LensView,
  rows: readonly LayerMeans[],
  mutants: readonly MutantView[],
): DrawnProtein {
  const { letters, lenses, layers } = view, { length } = letters;
  const perLayer = lenses.length * KEYS.length * length * 4;
  const shown = spread(layers, Math.floor(MAP_BYTES / perLayer));
  const places = lenses.flatMap((lens) => shown.map((layer) => ({ lens, layer })));
  const values = new Float32Array(places.length * KEYS.length * length);
  const codes = new Uint8Array(places.length * 2 * length);
  places.forEach(({ lens, layer }, p) => {
    for (let r = 0; r < length; r++) {
      const reading = view.read(r, lens, layer);
      KEYS.forEach((key, k) => values[(p * KEYS.length + k) * length + r] = reading[key]);
      codes[p * 2 * length + r] = LENS_LETTERS.indexOf(reading.letter);
      codes[(p * 2 + 1) * length + r] = Number.isNaN(reading.rank) ? 0 : reading.rank;
    }
  });
  const room = Math.floor(MUTATION_BYTES / (places.length * 2 * length * 4));
  const kept = mutants.slice(0, Math.max(1, Math.min(MOST_MUTATIONS, room)));
  return {
    ...{ id, letters, lenses, layers, shown, values, codes, rows },
    decided: lenses.map((lens) => Array.from(letters, (_, r) => view.decidedAt(r, lens))),
    mutations: kept.map(({ name, rows, residues }) => {
      const own = new Float32Array(places.length * 2 * length).fill(NaN);
      const placeOf = new Map(places.map(({ lens, layer }, p) => [`${lens} ${layer}`, p]));
      for (const { lens, layer, residue, kl, change } of residues) {
        const p = placeOf.get(`${lens} ${layer}`);
        if (p === undefined) continue;
        own[p * 2 * length + residue - 1] = kl;
        own[(p * 2 + 1) * length + residue - 1] = change;
      }
      return { name, rows, values: own };
    }),
  };
}

const PAGE: Piece = { name: "page.js", script, uses: [lines, rowMap, track] };

export interface LensReport {
  notes: readonly string[];
  drawn: readonly DrawnProtein[];
  /** Proteins of the table; the first of all. */
  listed: readonly { id: string; rows: readonly LayerMeans[] }[];
  /** Of all proteins. */
  count: number;
  summary: readonly SummaryRow[];
  masked: boolean;
  run: RunFacts;
}

/** Renders the whole page. */
export function renderLensReport(report: LensReport): string {
  const { notes, drawn, listed, count, summary, masked, run } = report;
  const isOne = count === 1, [first] = drawn;
  const { model, backend } = run.record as { model?: { name: string }; backend?: { name: string } };
  const found = ({ letters, rows, mutations }: DrawnProtein) =>
    finding(letters, rows, mutations, masked);
  return reportPage({
    name: isOne ? first.id : `${count} proteins`,
    about: "what each layer knows",
    context: [
      ...(isOne ? [`${first.letters.length} residues`] : []),
      model?.name ?? "",
      `${first.layers} layers`,
      first.lenses.map((lens) => `${lens} lens`).join(", "),
      backend?.name ?? "",
    ].filter(Boolean),
    finding: isOne ? found(first) : findingOverall(count, summary, masked),
    cautions: [...notes, ...drawnNote(drawn.length, count)],
    body: [
      isOne ? proteinView(first) : [
        overall(listed, count, summary, drawn),
        drawn.map((protein, i) =>
          foldedView(
            `protein-${i + 1}`,
            markup`${protein.id} <span>${found(protein).answer}</span>`,
            proteinView(protein),
          )
        ),
      ],
      glossary(),
    ],
    run,
    pieces: [PAGE],
  });
}

const ordinal = (n: number) => `${n}${["th", "st", "nd", "rd"][n] ?? "th"}`;

const lensChoices = (lenses: readonly LensName[]) =>
  lenses.length > 1 &&
  choices("Lens", "lens", lenses.map((lens) => ({ value: lens, label: `${lens} lens` })), "logit");

function proteinView(protein: DrawnProtein): Markup {
  const { id, letters, lenses, layers, shown, rows, mutations } = protein;
  const klEnd = roundUp(
    Math.max(0.1, ...rows.filter(({ layer }) => shown.includes(layer)).map(({ kl }) => 2 * kl)),
  );
  const { letter, share } = commonest(letters);
  const data = {
    ...{ lenses, layers, shown, klEnd, decided: protein.decided, letters: LENS_LETTERS },
    columns: LAYERS.columns.slice(1).map(({ name }) => name),
    rows: rows.map((row) => LAYERS.columns.slice(1).map((one) => one.of({ ...row, protein: id }))),
    chance: { letter, share },
    mutations: mutations.map(({ name, rows }) => ({
      name,
      rows: rows.map(({ lens, layer, score, kl, changed }) => [lens, layer, score, kl, changed]),
    })),
  };
  const missing = shown.length <= layers
    ? ` Every ${ordinal(shown[1] - shown[0])} layer is drawn; lens.csv has all.`
    : "";
  return view({ id, letters }, data, [
    panel({
      span: 12,
      title: markup`Every residue after every block <span>— <span data-text="lens"></span></span>`,
      controls: [
        lensChoices(lenses),
        choices("Measure", "measure", [
          { value: "truth", label: "p of the letter" },
          { value: "kl", label: "KL to the last" },
          { value: "entropy", label: "entropy" },
        ], "truth"),
      ],
      body: markup`${frame("map", "grow")}<div class="beneath">${
        ramp("s", "probability of the sequence’s letter", "0", "1", "truth")
      }${ramp("s", "KL(last ‖ layer), nats", "0", `≥ ${short(klEnd)}`, "kl")}${
        ramp("s", "entropy, nats", "0", "log 20 = 3.0", "entropy")
      }<p class="caption">Row: blocks that have run; 0 is the embedding, the last row the model’s answer. Letters, where there is room: what is predicted there.${missing}</p></div>`,
    }),
    ...lineFrames("; dotted: the commonest letter everywhere"),
    panel({
      span: 8,
      title:
        markup`From which layer on the predicted letter stays <span>— <span data-text="lens"></span></span>`,
      controls:
        markup`<span class="key"><span><i style="--c:var(--blue)"></i>right in the end</span><span><i style="--c:var(--orange)"></i>wrong</span></span>`,
      body: frame("decided", "grow"),
      caption: "No bar: the embedding has the letter of the end already.",
    }),
    panel({
      span: 4,
      title:
        markup`<span data-text="residue"></span> <span>— <span data-text="lens"></span></span>`,
      body: markup`<div class="scroll"><table data-table="residue"></table></div>`,
    }),
    mutationPanels(protein),
    panel({ span: 12, title: "Layers in numbers", body: layerTable(protein) }),
    [
      packed("values", protein.values),
      packed("codes", protein.codes),
      mutations.map(({ values }, m) => packed(`mutation-${m}`, values)),
    ],
  ]);
}

/** @param more what the caption of right letters says of chance */
function lineFrames(more = ""): Markup[] {
  return [
    panel({
      span: 4,
      title: "How far from the last layer",
      body: frame("line-kl", "low"),
      caption: "Mean over residues of KL(last ‖ layer).",
    }),
    panel({
      span: 4,
      title: "Right letters",
      body: frame("line-accuracy", "low"),
      caption: `Share of residues whose letter is predicted${more}.`,
    }),
    panel({
      span: 4,
      title: "How sure",
      body: frame("line-entropy", "low"),
      caption: "Mean entropy of the 20 probabilities; dotted: all alike, log 20.",
    }),
  ];
}

function mutationPanels({ mutations }: DrawnProtein): Markup[] {
  if (mutations.length === 0) return [];
  return [
    panel({
      span: 4,
      title: markup`<b data-text="mutation"></b> <span>— minus wild type</span>`,
      controls: mutations.length > 1 &&
        choices(
          "Mutation",
          "mutation",
          mutations.map(({ name }, m) => ({ value: String(m), label: name })),
          "0",
        ),
      body: frame("line-score", "low"),
      caption:
        "log p(mutant) − log p(wild type) at the residue, after every block; below 0 the mutant is less likely.",
    }),
    panel({
      span: 8,
      title:
        markup`What <b data-text="mutation"></b> changes of all other residues <span>— <span data-text="lens"></span></span>`,
      body: markup`${frame("mutation-map", "low")}<div class="beneath">${
        ramp("s", "KL(wild type ‖ mutant) of the prediction, square-root scale", "0", "largest")
      }</div>`,
    }),
  ];
}

function layerTable({ rows, id, shown }: DrawnProtein): Markup {
  const columns = LAYERS.columns.filter(({ label }) => label !== undefined);
  return markup`<div class="scroll"><table data-table="layers">${
    tableHead(columns.map(({ label, type }) => type === "text" ? { text: label! } : label!))
  }<tbody>${
    rows.map((row) => {
      const item = shown.indexOf(row.layer);
      return markup`
<tr${item >= 0 && markup` data-item="${item}"`}>${
        columns.map(({ name, type, of }) => {
          const value = of({ ...row, protein: id });
          return name === "layer" && item >= 0
            ? markup`<td><button type="button">${String(value)}</button></td>`
            : type === "text"
            ? markup`<td class="text">${String(value)}</td>`
            : markup`<td>${type === "integer" ? String(value) : short(Number(value), true)}</td>`;
        })
      }</tr>`;
    })
  }</tbody></table></div>`;
}

function overall(
  listed: LensReport["listed"],
  count: number,
  summary: readonly SummaryRow[],
  drawn: readonly DrawnProtein[],
): Markup {
  const layers = Math.max(...summary.map(({ layer }) => layer));
  const rowOf = (rows: readonly LayerMeans[], lens: LensName) =>
    rows.find((row) => row.lens === lens && row.decided >= 0.5);
  const isTuned = summary.some(({ lens }) => lens === "tuned");
  return summaryView({ summary }, [
    ...lineFrames("; band: one standard deviation over proteins"),
    panel({
      span: 12,
      title: markup`Proteins${
        count > listed.length &&
        markup` <span>— the first ${listed.length} of ${count}; layers.csv has all</span>`
      }`,
      body: markup`<div class="scroll"><table>${
        tableHead([
          ...["Protein", "Residues", "Half decided from layer"],
          ...(isTuned ? ["Half, tuned lens"] : []),
          ...["Right in the end", "log p in the end"],
        ])
      }<tbody>${
        listed.map(({ id, rows }, i) => {
          const last = rows.find(({ layer }) => layer === layers)!;
          return markup`
<tr><td class="wrap">${
            i < drawn.length ? markup`<a href="#protein-${i + 1}">${id}</a>` : id
          }</td><td>${last.residues}</td><td>${String(rowOf(rows, "logit")!.layer)}</td>${
            isTuned && markup`<td>${String(rowOf(rows, "tuned")!.layer)}</td>`
          }<td>${(100 * last.accuracy).toFixed(0)} %</td><td>${
            short(last.logProb, true)
          }</td></tr>`;
        })
      }</tbody></table></div>`,
    }),
  ]);
}

function glossary(): Markup {
  return markup`<details><summary>What the measures mean</summary><div class="inside"><dl class="glossary">${
    LAYERS.columns.slice(2).map(({ label, name, meaning }) =>
      markup`<dt>${label ?? name}</dt><dd>${meaning}</dd>`
    )
  }</dl></div></details>`;
}
