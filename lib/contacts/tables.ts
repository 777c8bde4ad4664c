/** Results as tables for files and for the terminal. */
import { three } from "../cli/figures.ts";
import { formatTable, tableText } from "../cli/table.ts";
import { printable } from "../errors.ts";
import { type Column, columnsOf, type TableOf } from "../io/columns.ts";
import {
  MOTIF_MODES,
  type MotifMode,
  type MotifResult,
  type MotifShare,
  type MotifUnit,
  type RecoveryPoint,
} from "./motif_types.ts";
import { highestPairs } from "./highest.ts";
import { bestHeads } from "./rank_heads.ts";
import type { MetricSummary } from "./summary.ts";
import { chainName } from "../structure/structure.ts";
import {
  authorLabel,
  type ContactRecord,
  type ContactResult,
  distanceOf,
  type HeadScore,
  type Method,
  rangeOf,
  RANGES,
  type RangeScores,
} from "./types.ts";

/** One predicted pair, residues 1-based. */
export interface ContactRow {
  i: number;
  j: number;
  score: number;
  /** Without the adapter, where there is one. */
  before?: number;
  range: string;
  /** Whether it is a contact; undefined where that is not known. */
  contact?: boolean;
  /** The residues as the structure names them, where it has the chain. */
  authors?: { chain: string; i?: string; j?: string };
  /** Distance in the structure (`--contact-atoms`), Å. */
  distance?: number;
}

/**
 * Pairs at least `least` apart by falling score, at most `top` · L of them (0: all).
 *
 * @param map f32[L, L]; pairs whose score is NaN are left out
 */
export function contactRows(
  { map, residues, truth, before }: ContactResult,
  top: number,
  least = RANGES[0].min,
): ContactRow[] {
  const apart = Math.max(RANGES[0].min, least);
  const length = residues.length, pairs = pairsApart(map, length, apart);
  const wanted = top === 0 ? pairs.length : Math.ceil(top * length);
  return Array.from(
    highestPairs(map, pairs, wanted),
    (pair) => {
      const i = Math.floor(pair / length), j = pair % length;
      const known = truth && truth.known[i] && truth.known[j];
      return {
        i: i + 1,
        j: j + 1,
        score: map[pair],
        ...(before && { before: before.map[pair] }),
        range: rangeOf(j - i),
        ...(known && { contact: truth.contacts[pair] === 1 }),
        ...(truth?.chain && {
          authors: {
            chain: chainName(truth.chain),
            i: authorLabel(truth, i),
            j: authorLabel(truth, j),
          },
          distance: distanceOf(truth, i, j),
        }),
      };
    },
  );
}

/** Pairs i < j at least `apart` apart that have a score, as i · L + j (0-based), ascending. */
export function pairsApart(
  map: Float32Array,
  length: number,
  apart = RANGES[0].min,
): Uint32Array<ArrayBuffer> {
  const rest = Math.max(0, length - apart), found = new Uint32Array(rest * (rest + 1) / 2);
  let count = 0;
  for (let i = 0; i < length; i++) {
    for (let j = i + apart; j < length; j++) {
      const pair = i * length + j;
      if (!Number.isNaN(map[pair])) found[count++] = pair;
    }
  }
  return found.subarray(0, count);
}

/** The method with the model as it is without its adapter. */
export const predictorBefore = (method: Method): string => `${method} without adapter`;

/** A pair as contacts.csv has it. */
type PairRow = ContactRow & Pick<ContactRecord, "id" | "residues">;
const pair = columnsOf<PairRow>();

const predicted = (name: string, when?: string): Column<PairRow> =>
  pair.number(name, "the prediction", "score", { when });
const STRUCTURE = { when: "with a structure" };
const ADAPTER = { when: "with --adapter" };

/** contacts.csv, of any run; `contactsTable` has the columns of one. */
export const CONTACTS: TableOf<PairRow> = {
  name: "contacts",
  rows: "one row per pair, the highest first",
  columns: [
    pair.text("protein", "its id", "id"),
    pair.integer("i", "first residue", "i"),
    pair.integer("j", "second residue", "j"),
    pair.text("residue_i", "letter of the first", ({ i, residues }) => residues[i - 1]),
    pair.text("residue_j", "letter of the second", ({ j, residues }) => residues[j - 1]),
    predicted("probability", "with --method head"),
    predicted("score", "with other methods"),
    pair.number("before", "the same of the model without its adapter", "before", ADAPTER),
    pair.number(
      "change",
      "with the adapter minus without",
      ({ score, before }) => before === undefined ? null : score - before,
      ADAPTER,
    ),
    pair.text("range", "short, 6–11 residues apart; medium, 12–23; long, from 24", "range"),
    pair.integer(
      "contact",
      "1, 0, or empty where it is not known",
      ({ contact }) => contact === undefined ? null : Number(contact),
    ),
    pair.text("chain", "as the structure's file names it", (row) => row.authors?.chain, STRUCTURE),
    pair.text(
      "author_i",
      "the first residue as that file numbers it, to select it in PyMOL",
      (row) => row.authors?.i,
      STRUCTURE,
    ),
    pair.text("author_j", "the second", (row) => row.authors?.j, STRUCTURE),
    pair.number(
      "distance",
      "of their Cβ (--contact-atoms)",
      // Coordinates have three digits.
      ({ distance }) => distance === undefined ? null : Number(distance.toFixed(3)),
      { unit: "Å", ...STRUCTURE },
    ),
  ],
};

/** contacts.csv of a run: `probability` for the contact head, `score` otherwise. */
export function contactsTable(
  method: Method,
  hasStructure: boolean,
  hasAdapter = false,
): TableOf<PairRow> {
  const absent = [
    method === "head" ? "score" : "probability",
    ...(hasAdapter ? [] : ["before", "change"]),
    ...(hasStructure ? [] : ["chain", "author_i", "author_j", "distance"]),
  ];
  return { ...CONTACTS, columns: CONTACTS.columns.filter(({ name }) => !absent.includes(name)) };
}

/** One protein's rows of contacts.csv. */
export const pairsOf = ({ id, residues }: ContactRecord, rows: readonly ContactRow[]): PairRow[] =>
  rows.map((row) => ({ ...row, id, residues }));

type ScoreRow = RangeScores & { protein: string; length: number; predictor: string };
const score = columnsOf<ScoreRow>();
const AT = "as in fair-esm, pairs that a short protein lacks count as wrong; undefined without a " +
  "true contact";

export const EVALUATION: TableOf<ScoreRow> = {
  name: "evaluation",
  rows: "one row per protein, predictor and range",
  when: "with true contacts",
  columns: [
    score.text("protein", "its id", "protein"),
    score.integer("length", "its residues", "length"),
    score.text(
      "predictor",
      "the method, the same without the adapter (with --adapter), or a baseline",
      "predictor",
    ),
    score.text("range", "short, medium or long", "range"),
    score.integer(
      "pairs",
      "pairs with known distance that all predictors have a score for",
      "pairs",
    ),
    score.integer("contacts", "true contacts among them", "contacts"),
    score.integer(
      "not_predicted",
      "pairs with known distance that lack a score: no window or no column of the alignment holds " +
        "both residues",
      "notPredicted",
    ),
    score.number(
      "precision_l",
      `share of contacts among the L highest pairs (${AT})`,
      "precisionL",
      { short: "P@L", show: three },
    ),
    score.number("precision_l2", "among the L/2 highest", "precisionL2", {
      ...{ short: "P@L/2", show: three },
    }),
    score.number("precision_l5", "among the L/5 highest", "precisionL5", {
      ...{ short: "P@L/5", show: three },
    }),
    score.number("auc", "area under the ROC curve over these pairs", "auc", {
      ...{ short: "AUC", show: three },
    }),
  ],
};

/** Rows of evaluation.csv. */
export function* scoreRows(records: readonly ContactRecord[], method: Method): Generator<ScoreRow> {
  for (const { id: protein, residues: { length }, scores = [], baseline, before } of records) {
    for (const own of scores) yield { protein, length, predictor: method, ...own };
    for (const own of before?.scores ?? []) {
      yield { protein, length, predictor: predictorBefore(method), ...own };
    }
    const { name: predictor, scores: theirs = [] } = baseline ?? { name: "" };
    for (const own of theirs) yield { protein, length, predictor, ...own };
  }
}

type RankedHead = HeadScore & { protein: string };
const ranked = columnsOf<RankedHead>();

export const HEADS: TableOf<RankedHead> = {
  name: "heads",
  rows: "one row per protein, layer and head",
  when: "with --rank-heads",
  columns: [
    ranked.text("protein", "its id", "protein"),
    ranked.integer("layer", "numbered from 0", "layer"),
    ranked.integer("head", "numbered from 0", "head"),
    ...RANGES.map(({ name }, r) =>
      ranked.number(
        `precision_l_${name}`,
        `share of contacts among the head's L highest pairs of ${name} range`,
        ({ precisionL }) => precisionL[r],
      )
    ),
  ],
};

/** Rows of heads.csv. */
export function* headRows(records: readonly ContactRecord[]): Generator<RankedHead> {
  for (const { id: protein, heads = [] } of records) {
    for (const head of heads) yield { protein, ...head };
  }
}

type CurvePoint = RecoveryPoint & {
  protein: string;
  number: number;
  unit: MotifUnit;
  mode: MotifMode;
};
const point = columnsOf<CurvePoint>();
const SETS = "segment, a stretch of 22 residues; pair_50_100 or pair_100, 11 residues about the " +
  "centre of each of two helices or strands, by the distance of these";
const MODES =
  "what is unmasked besides: flanks, outward; as many residues drawn anywhere (random) " +
  "or more than 30 away (random_far)";

/** Residues 1-based. */
export const MOTIF: TableOf<CurvePoint> = {
  name: "motif",
  rows: "one row per unit and step of unmasking",
  when: "with --motif",
  columns: [
    point.text("protein", "its id", "protein"),
    point.text("set", SETS, ({ unit }) => unit.set),
    point.integer("unit", "its number", "number"),
    point.integer(
      "first_begin",
      "residues visible from the start, from",
      ({ unit }) => unit.blocks[0].begin + 1,
    ),
    point.integer("first_end", "to", ({ unit }) => unit.blocks[0].end),
    point.integer(
      "second_begin",
      "and, of a pair, from",
      ({ unit: { blocks: [, second] } }) => second && second.begin + 1,
    ),
    point.integer("second_end", "to", ({ unit }) => unit.blocks[1]?.end),
    point.text("mode", MODES, "mode"),
    point.integer("flank", "residues unmasked beyond either end", "flank"),
    point.integer("unmasked", "residues visible in all", "unmasked"),
    point.number(
      "recovery",
      "Σ orig·new ÷ Σ orig² of the unit's patch of the map: 1 where it is as with the whole sequence",
      "recovery",
    ),
  ],
};

/** Every point of every recovery curve. */
export function* curvePoints(records: readonly ContactRecord[]): Generator<CurvePoint> {
  for (const { id: protein, motif = [] } of records) {
    for (const [u, { unit, curves }] of motif.entries()) {
      for (const mode of MOTIF_MODES) {
        for (const own of curves[mode]) yield { ...own, protein, number: u + 1, unit, mode };
      }
    }
  }
}

const share = columnsOf<MotifShare>();

/** The headline curves. */
export const MOTIF_SUMMARY: TableOf<MotifShare> = {
  name: "motif_summary",
  rows: "one row per kind of unit and step, over all units and proteins",
  when: "with --motif",
  columns: [
    share.text("set", SETS, "set"),
    share.text("mode", MODES, "mode"),
    share.integer("flank", "residues unmasked beyond either end", "flank"),
    share.integer("unmasked", "residues visible in all", "unmasked"),
    share.integer("proteins", "with room for such flanks", "proteins"),
    share.integer("units", "of these proteins, with room for such flanks", "units"),
    share.integer("recovered", "units with a recovery above 0.5", "recovered"),
    share.number("share", "of the units, that are recovered", "share"),
    share.number(
      "low",
      "of its 95 % interval over resampled proteins",
      ({ interval }) => interval.low,
    ),
    share.number("high", "the interval's other end", ({ interval }) => interval.high),
  ],
};

/** The ends of each headline curve. */
export function motifSummaryText(shares: readonly MotifShare[]): string {
  const curves = Object.values(Object.groupBy(shares, ({ set, mode }) => `${set} ${mode}`));
  return formatTable(
    [
      ...["recovered", "unmasked"].map((header) => ({ header })),
      ...["proteins", "units", "at first"].map((header) => ({ header })),
      { header: "most" },
      { header: "with residues" },
    ],
    curves.map((curve) => {
      const [first] = curve!, best = curve!.reduce((a, b) => b.share > a.share ? b : a);
      return [
        ...[first.set, first.mode, first.proteins, first.units],
        ...[three(first.share), three(best.share), best.unmasked],
      ];
    }),
  );
}

/** What is watched, as people name it. */
export function unitName({ blocks, elements }: MotifUnit): string {
  return elements
    ? elements.map(({ kind, begin, end }) => `${kind}${begin + 1}-${end}`).join(" and ")
    : `${blocks[0].begin + 1}-${blocks[0].end}`;
}

const METRIC_COLUMNS = {
  precisionL: "precision_l",
  precisionL2: "precision_l2",
  precisionL5: "precision_l5",
  auc: "auc",
} as const;

const over = columnsOf<MetricSummary>();

/** Means over proteins with their intervals. */
export const SUMMARY: TableOf<MetricSummary> = {
  name: "summary",
  rows: "one row per predictor, range and metric",
  when: "of several proteins",
  columns: [
    over.text("predictor", "as in evaluation.csv", "predictor"),
    over.text("range", "short, medium or long", "range"),
    over.text("metric", "column of evaluation.csv", ({ metric }) => METRIC_COLUMNS[metric]),
    over.integer("proteins", "in how many it is defined", "proteins"),
    over.number("mean", "over these proteins", "mean", { show: three }),
    over.number("low", "of its 95 % bootstrap interval", ({ interval }) => interval.low, {
      ...{ short: "95 % low", show: three },
    }),
    over.number("high", "the interval's other end", ({ interval }) => interval.high, {
      show: three,
    }),
  ],
};

/** Every table of the command. */
export const TABLES = [CONTACTS, EVALUATION, HEADS, SUMMARY, MOTIF, MOTIF_SUMMARY];

const fixed = (digits: number) => (x: number) => Number.isNaN(x) ? "–" : x.toFixed(digits);

/** A pair as molecular viewers select it: `A/85 A/246`; undefined where the file does not name both. */
export function pairLabel(authors: ContactRow["authors"]): string | undefined {
  const { chain, i, j } = authors ?? {};
  if (i === undefined || j === undefined) return undefined;
  return [i, j].map((label) => chain ? `${chain}/${label}` : label).join(" ");
}

/** What a person reads first about a protein. */
export function proteinText(result: ContactResult, method: Method): string {
  const { id, residues, scores, baseline, heads } = result;
  const parts = [`${printable(id)}, ${residues.length} residues`];
  const best = contactRows(result, 1).slice(0, 10);
  const authors = best.some((row) => row.authors);
  parts.push(formatTable(
    [
      { header: "i" },
      { header: "j" },
      { header: method === "head" ? "probability" : "score", format: fixed(4) },
      { header: "range" },
      { header: "contact" },
      ...(authors ? [{ header: "in the structure" }, { header: "Å", format: fixed(1) }] : []),
    ],
    best.map(({ i, j, score, range, contact, ...row }) => [
      `${residues[i - 1]}${i}`,
      `${residues[j - 1]}${j}`,
      score,
      range,
      contact === undefined ? "?" : contact ? "yes" : "no",
      ...(authors ? [pairLabel(row.authors) ?? "–", row.distance ?? NaN] : []),
    ]),
  ));
  if (scores) parts.push(scoresText(method, scores));
  if (result.before?.scores) parts.push(scoresText(predictorBefore(method), result.before.scores));
  if (baseline?.scores) parts.push(scoresText(baseline.name, baseline.scores));
  const ranked = heads && bestHeads(heads).filter(({ precisionL }) => precisionL[2] >= 0);
  if (ranked && ranked.length > 0) {
    parts.push(
      "Heads by long-range precision at L: " +
        ranked.slice(0, 5).map(({ layer, head, precisionL }) =>
          `${layer}:${head} ${three(precisionL[2])}`
        ).join(", "),
    );
  }
  if (result.motif) parts.push(motifText(result.motif));
  return parts.join("\n\n");
}

function motifText(motif: readonly MotifResult[]): string {
  if (motif.length === 0) {
    return "Motif experiment: no stretch and no pair of helices or strands qualifies " +
      "(--motif-segment-contacts, --motif-pair-contacts, --motif-separation).";
  }
  return formatTable(
    [
      { header: "residues" },
      { header: "patch", format: fixed(2) },
      { header: "alone", format: fixed(2) },
      { header: "jump at flank" },
      { header: "residues needed" },
    ],
    motif.map(({ unit, curves, jump, minimalLength }) => [
      unitName(unit),
      unit.weight,
      curves.flanks[0].recovery,
      jump ? `${jump.flank}${jump.keeps ? "" : ", lost again"}` : "none",
      Number.isNaN(minimalLength) ? "–" : minimalLength,
    ]),
  );
}

function scoresText(name: string, scores: readonly RangeScores[]): string {
  const [range, ...others] = ["range", "pairs", "contacts", "precision_l", "precision_l2"];
  const columns = EVALUATION.columns.map((one) =>
    one.name === range ? { ...one, short: name } : one
  );
  const rows = scores.map((own) => ({ ...own, protein: "", length: NaN, predictor: name }));
  return tableText({ ...EVALUATION, columns }, [range, ...others, "precision_l5", "auc"], rows);
}

export const summaryText = (summary: readonly MetricSummary[]): string =>
  tableText(SUMMARY, SUMMARY.columns.map(({ name }) => name), summary);
