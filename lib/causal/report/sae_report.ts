/** The report of latents behind mutations: one HTML file that needs nothing else, online or off. */
import type { Piece } from "../../report/bundle.ts";
import { lines, rowMap, strips, structure, track } from "../../report/figures/mod.ts";
import { type Content, type Markup, markup } from "../../report/markup.ts";
import { foldedView, frame, panel, ramp, reportPage, view } from "../../report/page.ts";
import { viewerScript } from "../../structure/molecules.ts";
import { type Shape, shapeArrays } from "../../structure/shape.ts";
import { layersOf } from "../tables.ts";
import { autoencoders } from "./autoencoders.ts";
import { chooseDrawn, CIRCUIT, entriesOf, type Entry, IG, type Kind, PATCH } from "./entries.ts";
import { keyOf, mutationsOf, plural } from "./names.ts";
import { CIRCUIT_OVERVIEW, IG_OVERVIEW, overview, PATCH_OVERVIEW } from "./overview.ts";
import script from "./page.js" with { type: "text" };
import style from "./style.css" with { type: "text" };
import type { Explained, PatchView, ProteinView, SaeReport } from "./types.ts";

export type * from "./types.ts";

const PAGE: Piece = {
  name: "page.js",
  script,
  style,
  uses: [lines, rowMap, strips, structure, track],
};

/** What a page is about, its overview and its panels. */
interface Words {
  about: string;
  map: string;
  caption: string;
  ranked: string;
  groups: string;
  axis: string;
  groupsCaption: string;
  curves?: { title: string; x: string; y: string; caption: string };
}

const WORDS: Record<"patch" | "ig" | "circuit", Words> = {
  patch: {
    about: "patched latents",
    map: "Change by each latent at each residue",
    caption: "A cell is one latent at one residue, patched by itself.",
    ranked: "Hollow: its controls.",
    groups: "Beside the controls",
    axis: "change of the score",
    groupsCaption:
      "Hollow: controls. What they do too says nothing about a latent; no change at all must give 0.",
  },
  ig: {
    about: "attribution to latents",
    map: "Attribution of each latent at each residue",
    caption:
      "A cell is one latent at one residue; at residues without colour nothing is attributed.",
    ranked: "Nodes with the largest |attribution|.",
    groups: "Do they add up?",
    axis: "units of the score",
    groupsCaption:
      "What the autoencoder does not reconstruct goes past the latents, in the error terms. Steps are doubled " +
      "until the gap is below 5 %, unless their number was given.",
    curves: {
      ...{ title: "How few nodes hold it", x: "nodes", y: "share of the sum" },
      caption:
        "By movement alone: nodes ranked by how far they move, which asks the model nothing.",
    },
  },
  circuit: {
    about: "circuits of latents",
    map: "Nodes of the circuit",
    caption: "A cell is a node of the circuit: a latent, or the error term, at a residue.",
    ranked: "Nodes in the order in which they join.",
    groups: "Beside its controls",
    axis: "share of the effect",
    groupsCaption:
      "Share of the effect with only these nodes; everything else: with all but the circuit, 0 where nothing " +
      "else carries it. Bar: mean ± sd of random sets. Dashed: the share asked for.",
    curves: {
      ...{ title: "Share restored by the first nodes", x: "nodes", y: "share of the effect" },
      caption:
        "Dotted: the share asked for. At random: mean ± sd of sets with as many nodes at the same tokens.",
    },
  },
};

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export async function renderSaeReport(report: SaeReport): Promise<string> {
  const { patches, attributions, circuits } = report;
  if (patches) return await render("patch", patches, PATCH, PATCH_OVERVIEW, report);
  if (attributions) return await render("ig", attributions, IG, IG_OVERVIEW, report);
  return await render("circuit", circuits ?? [], CIRCUIT, CIRCUIT_OVERVIEW, report);
}

async function render<R extends PatchView | Explained>(
  name: keyof typeof WORDS,
  results: readonly R[],
  kind: Kind<R>,
  about: Parameters<typeof overview<R>>[1],
  report: SaeReport,
): Promise<string> {
  const { notes, metric, run } = report, words = WORDS[name];
  const { model, backend } = run.record as { model?: { name: string }; backend?: { name: string } };
  const drawn = chooseDrawn(results, kind.weight), mutations = mutationsOf(results);
  const groups = [...Map.groupBy(drawn, ({ protein }) => protein.id).values()];
  const ids = new Set(results.map(({ protein }) => protein.id)), [first] = results;
  const isOne = ids.size === 1, layers = layersOf(results);
  const places = new Map(
    groups.flatMap((own, p) => own.map((result, i) => [result as R, `${p + 1}:${i}`] as const)),
  );
  const views = groups.map((own, p) => ({
    id: own[0].protein.id,
    answer: kind.finding(own, metric).answer,
    html: proteinView(
      p + 1,
      own[0].protein,
      entriesOf(kind, own, metric, drawn.length),
      kind,
      words,
      own.reduce((best, one, i) => kind.weight(one) > kind.weight(own[best]) ? i : best, 0),
      report.shapes?.get(own[0].protein.id),
    ),
  }));
  const shown = new Set(drawn.map(keyOf)).size;
  return reportPage({
    name: results.length === 0
      ? "No mutations"
      : !isOne
      ? `${ids.size} proteins`
      : mutations === 1
      ? `${first.protein.id} ${first.mutation}`
      : first.protein.id,
    about: words.about + (mutations > 1 ? ` of ${plural(mutations, "mutation")}` : ""),
    context: [
      isOne && plural(first.protein.residues.length, "residue"),
      `layer${layers.length === 1 ? "" : "s"} ${listed(layers)}`,
      model?.name,
      backend?.name,
    ].filter((fact) => typeof fact === "string"),
    finding: results.length === 0
      ? { answer: "No mutation was left to look at." }
      : kind.finding(results, metric),
    cautions: [
      ...notes,
      ...(shown < mutations
        ? [
          `Of ${mutations} mutations the ${shown} with the largest effects are drawn here; the ` +
          "tables beside this page have all.",
        ]
        : []),
    ],
    body: [
      results.length > 1 && overview(results, about, {
        ...{ metric, weight: kind.weight },
        placeOf: (result) => places.get(result),
      }),
      isOne
        ? views.map(({ html }) => html)
        : views.map(({ id, answer, html }, p) =>
          foldedView(`protein-${p + 1}`, markup`${id} <span>${answer}</span>`, html)
        ),
      autoencoders(report.autoencoders),
    ],
    run,
    pieces: [PAGE],
    libraries: views.some(({ id }) => report.shapes?.has(id)) ? [await viewerScript()] : [],
  });
}

/** Numbers of a list, as long as it can be read. */
const listed = (numbers: readonly number[]) =>
  numbers.length <= 8 ? numbers.join(", ") : `${numbers[0]} to ${numbers.at(-1)}`;

function proteinView(
  number: number,
  { id, residues, offset }: ProteinView,
  entries: readonly Entry[],
  { columns, combine }: Kind<never>,
  words: Words,
  first: number,
  shape?: Shape,
): Markup {
  const { curves } = words, { marks } = entries[first];
  const several = layersOf(entries).length > 1;
  const nameOf = ({ mutation, layer }: Entry) => several ? `${mutation}, layer ${layer}` : mutation;
  // Where effects are at a place or two, a map along the sequence needs little room.
  const widest = Math.max(
    ...entries.map(({ nodes }) => new Set(nodes.map(([, token]) => token)).size),
  );
  const isNarrow = widest <= 3;
  const data = {
    ...{ number, columns, combine, axis: words.axis, curves, first },
    entries: entries.map((entry) => ({ ...entry, name: nameOf(entry) })),
  };
  const chooser: Content = entries.length > 1 &&
    markup`<label class="pick">Mutation <select data-pick="entry">${
      entries.map((entry, i) => markup`<option value="${i}">${nameOf(entry)}</option>`)
    }</select></label>`;
  const told = [
    entries.length > 1 && markup`<p class="told" data-text="answer"></p>`,
  ];
  const map = (span: 5 | 7 | 8) =>
    panel({
      span,
      title: markup`${words.map} <span>— <span data-text="entry"></span></span>`,
      controls: !isNarrow && chooser,
      body: markup`${!isNarrow && told}${frame("map", "rows")}<div class="beneath">${
        ramp(
          "d",
          columns[0],
          markup`<span data-text="low"></span>`,
          markup`<span data-text="high"></span>`,
        )
      }<div class="key"><span><i style="--c:var(--site)"></i>mutated</span></div></div>`,
      caption: markup`${words.caption} <span data-text="held"></span>`,
    });
  const ranked = (span: 4 | 5 | 7) =>
    panel({
      span,
      title: markup`Latents ranked <span>— <span data-text="entry"></span></span>`,
      controls: [
        isNarrow && chooser,
        markup`<span class="buttons"><button type="button" data-do="every" disabled>All latents</button></span>`,
      ],
      body: markup`${isNarrow && told}${frame("ranked", "rows")}`,
      caption: `${words.ranked} A click selects the latent and its residue everywhere.`,
    });
  const compared = (span: 5 | 7 | 12) =>
    panel({
      span,
      title: markup`${words.groups} <span>— <span data-text="entry"></span></span>`,
      body: frame("groups", "grow"),
      caption: words.groupsCaption,
    });
  const drawn = shape && panel({
    span: 5,
    title: markup`On the structure <span>— <span data-text="item"></span></span>`,
    body: frame("structure", "grow"),
    caption:
      `${shape.source}, in the colours of the map; grey: none. Drag or use the arrow keys to turn; ` +
      "click a residue to select it everywhere.",
  });
  const bar = { id, letters: residues, first: offset, marks, secondary: shape?.secondary };
  return view(bar, data, [
    isNarrow
      ? [ranked(7), drawn, map(5), drawn && compared(7)]
      : [map(drawn ? 7 : 8), drawn, ranked(drawn ? 5 : 4), drawn && compared(7)],
    !isNarrow && panel({
      span: 12,
      title: markup`Along the sequence <span>— <span data-text="item"></span></span>`,
      body: frame("along", "low"),
    }),
    !drawn && compared(curves ? 5 : 12),
    curves && panel({
      span: drawn ? 12 : 7,
      title: markup`${curves.title} <span>— <span data-text="entry"></span></span>`,
      body: frame("curves", "grow"),
      caption: curves.caption,
    }),
    panel({
      span: 12,
      title: markup`Latents in numbers <span>— <span data-text="listed"></span></span>`,
      body:
        markup`<div class="scroll"><table data-table="nodes"><thead><tr><th scope="col">Latent</th><th scope="col">At</th>${
          columns.map((name) => markup`<th scope="col">${name.replaceAll("_", " ")}</th>`)
        }</tr></thead><tbody></tbody></table></div>`,
      caption: entries.length > 1 && markup`<span data-text="method"></span>`,
    }),
    shape && shapeArrays(shape),
  ]);
}
