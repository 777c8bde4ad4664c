/** What the page of attention to sites shows of mutations. */
import type { Piece } from "../../report/bundle.ts";
import { headGrid, track } from "../../report/figures/mod.ts";
import { type Markup, markup } from "../../report/markup.ts";
import { choices, frame, packed, panel, ramp } from "../../report/page.ts";
import { roundUp, short } from "../../report/scale.ts";
import { MUTANT_COLUMNS, mutantCounts } from "../mutant_tables.ts";
import { rankMutantHeads } from "../mutants.ts";
import type { MutantProfile, MutantResult, ProteinResult } from "../types.ts";
import { count, nameOf, residueColumns } from "./names.ts";
import script from "./mutants.js" with { type: "text" };

export const MUTANTS_PIECE: Piece = { name: "mutants.js", script, uses: [headGrid, track] };

/** Mutations that a page draws; the tables have all. */
const MOST_MUTANTS = 8;
/** Bytes that the profiles of a protein may add to the page. */
const PROFILE_BYTES = 250_000;

/** What the page's module draws; undefined without mutations. */
export function mutantData({ residues, mutants = [] }: ProteinResult) {
  if (mutants.length === 0) return undefined;
  const drawn = mutants.slice(0, MOST_MUTANTS);
  const heads = profilesPerMutant(residues.length, drawn.length);
  const largest = drawn.flatMap(({ rows }) =>
    rows.flatMap(({ change, sites }) => [Math.abs(change.z), Math.abs(sites.z)])
  ).filter(Number.isFinite).reduce((a, b) => Math.max(a, b), 3);
  return {
    zEnd: Math.min(8, roundUp(largest)),
    columns: MUTANT_COLUMNS.map(({ name, label }) => ({ name, label })),
    mutants: drawn.map((mutant) => ({
      ...{ name: mutant.name, position: mutant.position, others: mutant.others },
      rows: mutant.rows.map((row) =>
        MUTANT_COLUMNS.map((column) => column.of({ ...row, protein: "", mutation: mutant.name }))
      ),
      profiles: mutant.profiles.slice(0, heads).map((profile) => itemOf(mutant, profile)),
    })),
  };
}

const itemOf = ({ rows }: MutantResult, { layer, head }: MutantProfile) =>
  rows.findIndex((row) => row.layer === layer && row.head === head);

const profilesPerMutant = (length: number, mutants: number) =>
  Math.max(1, Math.floor(PROFILE_BYTES / (mutants * length * 12)));

/** The profiles: of each mutation and head change, mean and sd of the others, f32[L] each. */
export function mutantScripts({ residues: { length }, mutants = [] }: ProteinResult): Markup[] {
  const drawn = mutants.slice(0, MOST_MUTANTS), heads = profilesPerMutant(length, drawn.length);
  return drawn.map(({ profiles }, m) => {
    const shown = profiles.slice(0, heads), values = new Float32Array(shown.length * 3 * length);
    shown.forEach(({ received, mean, sd }, p) =>
      [received, mean, sd].forEach((each, k) =>
        values.set(residueColumns(each, length), (p * 3 + k) * length)
      )
    );
    return packed(`mutant-${m}`, values);
  });
}

/** The panels, where there are mutations. */
export function mutantPanels({ mutants = [], sites }: ProteinResult): Markup[] {
  if (mutants.length === 0) return [];
  const drawn = mutants.slice(0, MOST_MUTANTS),
    { zEnd } = mutantData(
      { mutants, residues: " " } as ProteinResult,
    )!;
  const whom = sites.length === 1 ? "the site" : "the sites";
  return [
    panel({
      span: 5,
      title: markup`What <b data-text="mutation"></b> changes, head by head`,
      controls: [
        drawn.length > 1 && choices(
          "Mutation",
          "mutation",
          drawn.map(({ name }, m) => ({ value: String(m), label: name })),
          "0",
        ),
        choices("Quantity", "quantity", [
          { value: "z", label: "all attention" },
          { value: "sites_z", label: whom },
        ], "z"),
      ],
      body: markup`<div data-figure="mutant-heads"></div>
<div class="beneath">${
        ramp(
          "d",
          "z against other substitutions of the residue",
          `≤ −${short(zEnd)} less`,
          `more ≥ ${short(zEnd)}`,
        )
      }<div class="key"><span><i class="ring" style="--c:var(--ink)"></i>more than every other substitution</span></div></div>`,
      caption: mutants.length > drawn.length &&
        `The first ${drawn.length} of ${mutants.length} mutations; mutants.csv has all.`,
    }),
    panel({
      span: 7,
      title:
        markup`<b data-text="mutation"></b> in <b data-text="mutant-head"></b> <span data-text="mutant-measures"></span>`,
      controls:
        markup`<span class="key"><span><i style="--c:var(--site)"></i>site</span><span><i style="--c:var(--violet)"></i>mutated residue</span><span><i style="--c:var(--blue)"></i>other residue</span></span>`,
      body: frame("mutant-received", "grow"),
      caption:
        markup`Attention that each residue receives, summed over the rows, minus the same of the wild type. mutant_residues.csv has these numbers<span data-text="unprofiled"></span>.`,
    }),
    panel({
      span: 12,
      title: "Mutations in numbers",
      body: mutantTable(drawn),
    }),
  ];
}

const HEADINGS = [
  ...["Mutation", "Heads it changes most of all substitutions", "By chance", "q < 0.05"],
];

function mutantTable(mutants: readonly MutantResult[]): Markup {
  const value = (x: number) => markup`<td>${short(x, true)}</td>`;
  return markup`<div class="scroll"><table data-table="mutants"><thead><tr>${
    [...HEADINGS, "First head"].map((name) => markup`<th scope="col">${name}</th>`)
  }<th scope="col">Change</th><th scope="col">Others</th><th scope="col">z</th><th scope="col">p</th><th scope="col">Sites’ change</th><th scope="col">Sites’ z</th></tr></thead><tbody>${
    mutants.map((mutant) => {
      const { heads, largest, byChance, discoveries } = mutantCounts(mutant);
      const [best] = rankMutantHeads(mutant.rows), item = mutant.rows.indexOf(best);
      return markup`
<tr data-item="${item}"><td><button type="button">${mutant.name}</button></td><td>${largest} of ${heads}</td><td>${
        byChance.toFixed(1)
      }</td><td>${discoveries}</td><td class="text">${nameOf(best)}</td>${
        [
          best.change.value,
          best.change.mean,
          best.change.z,
          best.change.p,
          best.sites.value,
          best.sites.z,
        ].map(value)
      }</tr>`;
    })
  }</tbody></table></div>`;
}

/** The result of a mutation in a sentence, with what chance gives. */
export function mutantFinding(mutant: MutantResult): string {
  const { name, others, rows } = mutant, { heads, largest, byChance } = mutantCounts(mutant);
  const than = `${count(others, "other substitution")} there`;
  const who = largest === 0
    ? `${name} changes no head’s attention more than each of the ${than} does`
    : `${name} changes ${largest} of ${count(heads, "head")} more than each of the ${than} does`;
  const [best] = rankMutantHeads(rows);
  const first = largest > 0 ? `, first ${nameOf(best)}` : "";
  return `${who}${first} (chance gives ${byChance.toFixed(1)}).`;
}

/** What its numbers rest on. */
export const mutantMethod = ({ others }: MutantResult): string =>
  `Change: the share of a row’s attention that goes elsewhere than in the wild type (total variation), ` +
  `mean over residues. Against ${count(others, "other substitution")} p is never below ` +
  `1/${others + 1}.`;
