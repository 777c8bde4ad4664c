/** The page of encoded proteins: one HTML file that needs nothing else, online or off. */
import type { Piece } from "../../../report/bundle.ts";
import { featureRows, letterHeights, scatter, structure } from "../../../report/figures/mod.ts";
import { GROUPS } from "../../../report/figures/letter_heights/letter_heights.js";
import { fixed, percent, shortest } from "../../../report/client/numbers.js";
import { type Markup, markup } from "../../../report/markup.ts";
import { drawnNote, type Finding, tableHead } from "../../../report/page.ts";
import {
  choices,
  foldedView,
  frame,
  type Panel,
  panel,
  ramp,
  reportPage,
  type RunFacts,
  summaryView,
  view,
} from "../../../report/page.ts";
import { shapeArrays } from "../../../structure/shape.ts";
import { viewerScript } from "../../../structure/molecules.ts";
import { fitCautions } from "../../fidelity_text.ts";
import type { SaeConfig } from "../../types.ts";
import { type ChangedLatent, changeSentence } from "../changed_latents.ts";
import type { LatentSurvey } from "../survey.ts";
import {
  elsewhere,
  type EncodedProtein,
  lettersOf,
  MOST_DOTS,
  proteinData,
  ROWS,
  surveyDots,
} from "./data.ts";
import { finding, findingOverall, level, type Quality } from "./finding.ts";
import script from "./page.js" with { type: "text" };
import style from "./style.css" with { type: "text" };

export interface EncodeReport {
  /** Warnings that the reader must see first. */
  notes: readonly string[];
  config: SaeConfig;
  quality: Quality;
  /** The first proteins, which the page shows in full. */
  drawn: readonly EncodedProtein[];
  /** Over all proteins, where there are several. */
  survey?: LatentSurvey;
  /** What an adapter changes, of each protein that is drawn. */
  changes?: { adapter: string; differences: readonly (readonly ChangedLatent[])[] };
  run: RunFacts;
}

const PAGE: Piece = {
  ...{ name: "page.js", script, style },
  uses: [featureRows, letterHeights, scatter, structure],
};

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export async function renderEncodeReport(report: EncodeReport): Promise<string> {
  const { config, quality, drawn, survey, run } = report, [first] = drawn;
  const { model, backend } = run.record as { model?: { name: string }; backend?: { name: string } };
  const dots = survey ? surveyDots(survey) : [];
  return reportPage({
    name: survey ? `${survey.count} proteins` : first.id,
    about: `sparse latents of layer ${config.depth}`,
    context: [
      survey ? "" : `${first.letters.length} residues`,
      model?.name ?? "",
      `${config.name}: ${config.latents} latents${config.k ? `, ${config.k} a residue` : ""}`,
      backend?.name ?? "",
    ].filter(Boolean),
    finding: survey
      ? findingOverall(survey, dots, config, quality)
      : withChange(finding(first, config, quality), report.changes),
    cautions: [
      ...fitCautions(quality, config.depth),
      ...report.notes,
      ...drawnNote(drawn.length, survey?.count ?? 1),
    ],
    body: survey
      ? [
        summaryView({ dots }, [
          ...overall(report, dots.length, survey),
          elsewhere(survey, drawn),
        ]),
        drawn.map((protein, index) =>
          foldedView(
            `protein-${index + 1}`,
            markup`${protein.id} <span>${finding(protein, config, quality).answer}</span>`,
            proteinView(protein, index, survey, report.changes),
          )
        ),
      ]
      : proteinView(first, 0, undefined, report.changes),
    run,
    pieces: [PAGE],
    libraries: drawn.some(({ shape }) => shape) ? [await viewerScript()] : [],
  });
}

/** The sentence of an adapter before the rest. */
function withChange(found: Finding, changes: EncodeReport["changes"]): Finding {
  if (!changes) return found;
  const told = changeSentence(changes.adapter, changes.differences[0]);
  return { ...found, answer: `${told} ${found.answer}` };
}

/** Latents that the table of changes has. */
const CHANGED = 12;

/** Latents that an adapter changes most. */
function changeTable(
  { adapter, differences }: NonNullable<EncodeReport["changes"]>,
  index: number,
): Markup {
  const changed = differences[index] ?? [];
  return panel({
    span: 12,
    title: markup`Latents that <b>${adapter}</b> changes most <span>— ${
      Math.min(CHANGED, changed.length)
    } of ${changed.length}; changed_latents.csv has more</span>`,
    body: markup`<div class="scroll"><table>${
      tableHead([
        "Latent",
        "Mean before",
        "after",
        "Active before",
        "after",
        "Highest before",
        "after",
      ])
    }<tbody>${
      changed.slice(0, CHANGED).map((one) =>
        markup`
<tr><td>${one.latent}</td><td>${fixed(one.meanBefore, 3)}</td><td>${
          fixed(one.meanAfter, 3)
        }</td><td>${percent(one.activeBefore, 1)}</td><td>${percent(one.activeAfter, 1)}</td><td>${
          level(one.maxBefore)
        }</td><td>${level(one.maxAfter)}</td></tr>`
      )
    }</tbody></table></div>`,
  });
}

function proteinView(
  protein: EncodedProtein,
  index: number,
  survey?: LatentSurvey,
  changes?: EncodeReport["changes"],
): Markup {
  const { id, letters, top, seen, shape } = protein;
  const { data, arrays } = proteinData(protein, index);
  const isWhole = top.length === seen;
  if (top.length === 0) {
    return markup`<p class="method">No latent fires at any residue of ${id}.</p>`;
  }
  return view({ id, letters, secondary: shape?.secondary }, data, [
    panel({
      span: 8,
      title: "The strongest latents along the sequence",
      controls: choices("Scale of the rows", "scale", [
        { value: "own", label: "own scale" },
        { value: "same", label: "same scale" },
      ], "own"),
      body: frame("rows", "rows"),
      caption: [
        `One row a latent, the highest activation first; beside it the letters where it fires. Click a row ` +
        "to choose the latent, a bar to select the residue too.",
        !isWhole &&
        ` This page has the ${top.length} strongest of ${seen} latents; the files beside it have all.`,
      ],
    }),
    shape
      ? panel({
        span: 4,
        title: markup`<b data-text="latent">Latent ${top[0].latent}</b> on the structure`,
        body: markup`${frame("structure", "grow")}<div class="beneath">${
          ramp("s", "activation", "0", markup`<span data-text="most"></span>`)
        }</div>`,
        caption:
          `${shape.source}. Drag or use the arrow keys to turn. Grey: it does not fire there.`,
      })
      : numbers(protein, 4),
    panel({
      span: 8,
      title: markup`<b data-text="latent">Latent ${
        top[0].latent
      }</b> <span data-text="fires"></span>`,
      controls:
        markup`<span class="buttons" role="group" aria-label="Latent"><button type="button" data-do="previous">‹ previous</button><button type="button" data-do="next">next ›</button></span>`,
      body: markup`${frame("letters", "grow short")}<div class="beneath"><div class="key">${
        GROUPS.map(({ name, colour }) =>
          markup`<span><i style="--c:var(--${colour})"></i>${name}</span>`
        )
      }</div></div>`,
      caption: "A letter is as tall as the latent's activation there.",
    }),
    panel({
      span: 4,
      title: markup`Latents at <b data-text="residue">${letters[top[0].maxResidue - 1]}${
        top[0].maxResidue
      }</b> <span data-text="among"></span>`,
      body: markup`<div class="scroll"><table class="at" data-table="at">${
        tableHead(["Latent", { text: "Letters" }, "Activation"])
      }<tbody></tbody></table></div>`,
    }),
    survey && panel({
      span: shape ? 7 : 12,
      title: markup`<b data-text="latent">Latent ${
        top[0].latent
      }</b> in other proteins <span data-text="others"></span>`,
      body: markup`<div class="scroll" data-figure="elsewhere"><table class="elsewhere">${
        tableHead(["Protein", "At", "Activation", { text: "Residues around it" }])
      }<tbody></tbody></table></div>`,
      caption:
        `Where it fires highest in each of the five proteins in which it does most, this one aside; colour: activation, one scale for all rows.`,
    }),
    shape && numbers(protein, survey ? 5 : 12),
    changes && changeTable(changes, index),
    arrays,
    shape && shapeArrays(shape),
  ]);
}

/** The strongest latents in a table. */
function numbers(protein: EncodedProtein, span: Panel["span"]): Markup {
  const { letters, top } = protein, rows = top.slice(0, ROWS), hasLetters = span === 12;
  return panel({
    span,
    title: markup`In numbers <span>— more in top_latents.csv</span>`,
    body:
      markup`<div class="scroll"><table data-table="numbers"><thead><tr><th scope="col">Latent</th><th scope="col">Highest</th><th scope="col">At</th><th scope="col">Mean</th><th scope="col">Active</th>${
        hasLetters && markup`<th scope="col" class="text">Letters</th>`
      }</tr></thead><tbody>${
        rows.map((one, item) =>
          markup`
<tr data-item="${item}"><td><button type="button">${one.latent}</button></td><td title="${
            shortest(one.max)
          }">${level(one.max)}</td><td>${
            letters[one.maxResidue - 1]
          }${one.maxResidue}</td><td title="${one.mean}">${
            fixed(one.mean, 3)
          }</td><td title="${one.activeFraction}">${percent(one.activeFraction, 1)}</td>${
            hasLetters && markup`<td class="text">${lettersOf(protein, one)}</td>`
          }</tr>`
        )
      }</tbody></table></div>`,
  });
}

/** Latents over all proteins, and the proteins in a table. */
function overall({ drawn }: EncodeReport, dots: number, survey: LatentSurvey): Markup[] {
  return [
    panel({
      span: 7,
      title: "In how many proteins latents fire",
      body: frame("survey", "grow"),
      caption:
        `Each dot a latent${
          dots < survey.seen ? `, the ${MOST_DOTS} of highest activation of ${survey.seen}` : ""
        }. Line: proteins that as many residues would reach, scattered over all ${survey.count} proteins at ` +
        "random. Below it a latent keeps to few proteins.",
    }),
    panel({
      span: 5,
      title: "Latents",
      controls: choices("Order", "order", [
        { value: "specific", label: "fewest against chance" },
        { value: "common", label: "most proteins" },
        { value: "highest", label: "highest" },
      ], "specific"),
      body: markup`<div class="scroll"><table data-table="survey">${
        tableHead(["Latent", "Proteins", "Scattered", "Residues", "Highest", { text: "Where" }])
      }<tbody></tbody></table></div>`,
    }),
    panel({
      span: 12,
      title: drawn.length < survey.count
        ? markup`Proteins <span>— the first ${drawn.length} of ${survey.count}</span>`
        : "Proteins",
      body: markup`<div class="scroll"><table>${
        tableHead(["Protein", "Residues", "Latents", "Strongest", "Highest", "At", {
          text: "Letters",
        }])
      }<tbody>${
        drawn.map((protein, i) => {
          const { id, letters, seen, top: [best] } = protein;
          return markup`
<tr><td class="wrap"><a href="#protein-${
            i + 1
          }">${id}</a></td><td>${letters.length}</td><td>${seen}</td>${
            best
              ? markup`<td>${best.latent}</td><td>${level(best.max)}</td><td>${
                letters[best.maxResidue - 1]
              }${best.maxResidue}</td><td class="text">${lettersOf(protein, best)}</td>`
              : markup`<td>–</td><td>–</td><td>–</td><td></td>`
          }</tr>`;
        })
      }</tbody></table></div>`,
    }),
  ];
}
