/** The report of embeddings: their map, and what a search found. */
import type { Piece } from "../../report/bundle.ts";
import { pointMap } from "../../report/figures/mod.ts";
import { type Content, type Markup, markup } from "../../report/markup.ts";
import {
  frame,
  packed,
  panel,
  ramp,
  reportPage,
  type RunFacts,
  summaryView,
  tableHead,
} from "../../report/page.ts";
import * as numbers from "../../report/client/numbers.js";
import { short } from "../../report/scale.ts";
import type { ProteinMap } from "../map/layout.ts";
import { labelAgreement } from "../map/quality.ts";
import type { Hit } from "../search.ts";
import { type ColourColumn, colourColumns, type InputColumn } from "./columns.ts";
import { type Agreement, mapFinding, searchFinding } from "./finding.ts";
import script from "./page.js" with { type: "text" };
import style from "./style.css" with { type: "text" };

export interface MappedProteins {
  map: ProteinMap;
  ids: readonly string[];
  /** What the input says of them. */
  columns: readonly InputColumn[];
  /** The column that colours the map at first. */
  colourBy?: string;
}

/** The same with what colours it, and how far neighbours agree. */
export interface MapView extends MappedProteins {
  colours: readonly ColourColumn[];
  /** Of every column of labels. */
  agreements: readonly Agreement[];
  /** Of the column that colours it, or of the first. */
  shown?: Agreement;
}

/** Looks at what the input says of mapped proteins, once for the terminal, the record and the page. */
export function mapView(mapped: MappedProteins): MapView {
  const colours = colourColumns(mapped.columns), agreements = agreementsOf(mapped, colours);
  const shown = agreements.find(({ column }) => column === mapped.colourBy) ?? agreements[0];
  return { ...mapped, colours, agreements, shown };
}

export interface SearchView {
  hits: readonly Hit[];
  /** Proteins that were searched with. */
  queries: number;
  database: number;
}

export interface EmbedReport {
  /** What the reader must know first. */
  notes: readonly string[];
  /** The vectors: model, layer and pool, in words. */
  vectors: string;
  map?: MapView;
  search?: SearchView;
  run: RunFacts;
}

/** Queries whose neighbours the page shows. */
const MOST_LISTED = 100;

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export function renderEmbedReport({ notes, vectors, map, search, run }: EmbedReport): string {
  const { model, backend } = run.record as { model?: { name: string }; backend?: { name: string } };
  const findings = [
    map && mapFinding(map.ids.length, map.map.quality, map.map.method, map.shown, map.map.shares),
    search && searchFinding(search.hits, search.queries, search.database),
  ].filter((found) => found !== undefined);
  return reportPage({
    name: map ? `${map.ids.length} proteins` : `${search!.queries} proteins`,
    about: map ? "map of their embeddings" : "the most similar of a database",
    context: [vectors, model?.name ?? "", backend?.name ?? ""].filter(Boolean),
    finding: {
      answer: findings[0].answer,
      method: [findings[0].method, findings[1]?.answer, findings[1]?.method].filter(Boolean).join(
        " ",
      ),
    },
    cautions: notes,
    body: summaryView(map ? mapData(map) : {}, [
      map && mapPanels(map),
      search && searchPanel(search),
    ]),
    run,
    pieces: [{ name: "page.js", script, style, uses: [pointMap] } satisfies Piece],
  });
}

function agreementsOf(
  { map: { neighbours, nearestOnMap } }: MappedProteins,
  colours: readonly ColourColumn[],
): Agreement[] {
  return colours.flatMap((column) => {
    if (column.kind !== "labels") return [];
    const labels = column.of.map((label) => label < 0 ? "" : column.labels[label]);
    const found = labelAgreement(labels, neighbours.indices, neighbours.each);
    const onMap = labelAgreement(labels, nearestOnMap, 1).agreement;
    return [{ column: column.name, ...found, onMap }];
  });
}

function mapData({ map, ids, columns, colourBy, colours }: MapView) {
  const shown = colours.find(({ name }) => name === colourBy) ??
    colours.find(({ kind }) => kind === "labels") ?? colours[0];
  return {
    ids,
    columns,
    colours,
    colourBy: shown?.name,
    each: map.neighbours.each,
    method: map.method,
  };
}

function mapPanels({ map, ids, colours, agreements }: MapView): Content {
  const { quality, points, neighbours, kept } = map;
  const percent = (share: number) => numbers.percent(share, 1);
  return [
    packed("points", points),
    packed("nearest", neighbours.indices),
    packed("cosines", neighbours.cosines),
    packed("kept", kept),
    panel({
      span: 8,
      title: "Map",
      controls: markup`${
        colours.length > 0 &&
        markup`<label class="pick">Colour <select data-pick="colour">${
          colours.map(({ name }) => markup`<option>${name}</option>`)
        }</select></label>`
      }<span class="buttons"><button type="button" data-do="map-out" aria-label="Reduce">−</button><button type="button" data-do="map-in" aria-label="Enlarge">+</button><button type="button" data-do="map-all">All</button></span>`,
      body: markup`${
        frame("map", "map-frame")
      }<div class="beneath"><div class="legend" data-legend></div>${
        colours.some(({ kind }) => kind === "numbers") &&
        ramp(
          "s",
          markup`<span data-ramp-name></span>`,
          markup`<span data-ramp-low></span>`,
          markup`<span data-ramp-high></span>`,
          "numbers",
        )
      }</div>`,
      caption:
        "A point is a protein. Scroll or pinch to enlarge, drag to move; a click ties a protein to its nearest by cosine.",
    }),
    panel({
      span: 4,
      title: "Chosen protein",
      body:
        markup`<form class="find" data-find><label>Find <input type="search" list="ids" autocomplete="off" spellcheck="false"></label><datalist id="ids">${
          ids.slice(0, MOST_SUGGESTED).map((id) => markup`<option value="${id}">`)
        }</datalist></form>
<p class="caption" data-found aria-live="polite">Click a point, or type an id.</p>
<dl class="said" data-said></dl>
<div class="scroll"><table data-table="nearest" hidden>${
          tableHead([{ text: "Nearest" }, "Cosine", { text: "Label" }])
        }<tbody></tbody></table></div>`,
    }),
    panel({
      span: agreements.length > 0 ? 6 : 12,
      title: "How far to believe the map",
      body: markup`<div class="scroll"><table>${tableHead(["Measure", "This map", "Chance"])}<tbody>
<tr><td class="wrap">share of a protein's ${quality.neighbours} nearest that stay its nearest</td><td>${
        percent(quality.preserved)
      }</td><td>${percent(quality.preservedByChance)}</td></tr>
<tr><td class="wrap">trustworthiness: neighbours on the map are neighbours of the embedding</td><td>${
        quality.trustworthiness.toFixed(3)
      }</td><td>0.5</td></tr>
<tr><td class="wrap">continuity: neighbours of the embedding are neighbours on the map</td><td>${
        quality.continuity.toFixed(3)
      }</td><td>0.5</td></tr></tbody></table></div>`,
      caption:
        `Of ${quality.neighbours} neighbours, by cosine of the embeddings (Venna & Kaski 2001); 1 is perfect.`,
    }),
    agreements.length > 0 && panel({
      span: 6,
      title: "Do neighbours agree?",
      body: markup`<div class="scroll"><table>${
        tableHead(["Column", "In the embedding", "On the map", "Chance"])
      }<tbody>${
        agreements.map(({ column, agreement, onMap, chance }) =>
          markup`<tr><td class="wrap">${column}</td><td>${percent(agreement)}</td><td>${
            percent(onMap)
          }</td><td>${percent(chance)}</td></tr>`
        )
      }</tbody></table></div>`,
      caption: "Share of proteins whose nearest one has the same label.",
    }),
  ];
}

/** Ids that the field offers as one types; any may be typed. */
const MOST_SUGGESTED = 5000;

function searchPanel({ hits, queries }: SearchView): Markup {
  const byQuery = new Map<string, Hit[]>();
  for (const hit of hits) {
    const own = byQuery.get(hit.protein);
    if (own) own.push(hit);
    else if (byQuery.size < MOST_LISTED) byQuery.set(hit.protein, [hit]);
  }
  return panel({
    span: 12,
    title: "Most similar proteins",
    body: markup`<div class="scroll tall"><table>${
      tableHead([{ text: "Protein" }, "Rank", { text: "Neighbour" }, "Cosine", "z"])
    }<tbody>${
      [...byQuery].map(([protein, own]) =>
        own.map(({ rank, neighbour, cosine, z }) =>
          markup`
<tr><td class="text wrap">${
            rank === 1 ? protein : ""
          }</td><td>${rank}</td><td class="text wrap">${neighbour}</td><td>${
            cosine.toFixed(4)
          }</td><td>${Number.isNaN(z) ? "–" : short(z, true)}</td></tr>`
        )
      )
    }</tbody></table></div>`,
    caption: [
      "z: standard deviations above the mean of the protein's cosines to the database. ",
      queries > MOST_LISTED &&
      `The first ${MOST_LISTED} of ${queries} proteins; neighbours.csv has all.`,
    ],
  });
}
