/** Results as tables for files and for the terminal. */
import { printable } from "../errors.ts";
import { formatTable } from "../cli/table.ts";
import { type Cell, formatCsv } from "../io/csv.ts";
import { MOTIF_MODES, type MotifResult, type MotifShare, type MotifUnit } from "./motif_types.ts";
import { bestHeads } from "./rank_heads.ts";
import type { MetricSummary } from "./summary.ts";
import { chainName } from "../structure/structure.ts";
import {
  authorLabel,
  type ContactRecord,
  type ContactResult,
  distanceOf,
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
  range: string;
  /** Whether it is a contact; undefined where that is not known. */
  contact?: boolean;
  /** The residues as the structure names them, where it has the chain. */
  authors?: { chain: string; i?: string; j?: string };
  /** Distance in the structure (`--contact-atoms`), Å. */
  distance?: number;
}

/**
 * Pairs at least 6 apart by falling score, at most `top` · L of them (0: all).
 *
 * @param map f32[L, L]; pairs whose score is NaN are left out
 */
export function contactRows({ map, residues, truth }: ContactResult, top: number): ContactRow[] {
  const length = residues.length, scores = new Float32Array(length ** 2 / 2);
  let count = 0;
  for (let i = 0; i < length; i++) {
    for (let j = i + RANGES[0].min; j < length; j++) {
      const score = map[i * length + j];
      if (!Number.isNaN(score)) scores[count++] = score;
    }
  }
  // Numbers sort far faster than pairs: only those that can be among the highest become pairs.
  const wanted = top === 0 ? count : Math.min(count, Math.ceil(top * length));
  const least = wanted === 0 ? Infinity : scores.subarray(0, count).sort()[count - wanted];
  const rows: { pair: number; score: number }[] = [];
  for (let i = 0; wanted > 0 && i < length; i++) {
    for (let j = i + RANGES[0].min; j < length; j++) {
      const score = map[i * length + j];
      if (score >= least) rows.push({ pair: i * length + j, score });
    }
  }
  rows.sort((a, b) => b.score - a.score || a.pair - b.pair);
  return rows.slice(0, wanted).map(
    ({ pair, score }) => {
      const i = Math.floor(pair / length), j = pair % length;
      const known = truth && truth.known[i] && truth.known[j];
      return {
        i: i + 1,
        j: j + 1,
        score,
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

/** Columns of contacts.csv: `probability` for the contact head, `score` otherwise. */
export function contactsColumns(method: Method, hasStructure: boolean): string[] {
  const value = method === "head" ? "probability" : "score";
  return [
    ...["protein", "i", "j", "residue_i", "residue_j", value, "range", "contact"],
    ...(hasStructure ? ["chain", "author_i", "author_j", "distance"] : []),
  ];
}

/** One protein's rows of contacts.csv. */
export function contactsRecords(
  { id, residues }: ContactRecord,
  rows: readonly ContactRow[],
  method: Method,
): Record<string, Cell>[] {
  const value = method === "head" ? "probability" : "score";
  return rows.map(({ i, j, score, range, contact, authors, distance }) => ({
    protein: id,
    i,
    j,
    residue_i: residues[i - 1],
    residue_j: residues[j - 1],
    [value]: score,
    range,
    contact: contact === undefined ? null : Number(contact),
    chain: authors?.chain,
    author_i: authors?.i,
    author_j: authors?.j,
    // Coordinates have three digits.
    distance: distance === undefined ? null : Number(distance.toFixed(3)),
  }));
}

/** evaluation.csv: one line per protein, predictor and range. */
export function evaluationCsv(results: readonly ContactRecord[], method: Method): string {
  const rows = results.flatMap(({ id, residues, scores, baseline }) =>
    [[method, scores] as const, [baseline?.name ?? "", baseline?.scores] as const].flatMap(
      ([predictor, list]) =>
        (list ?? []).map((s): Record<string, Cell> => ({
          protein: id,
          length: residues.length,
          predictor,
          range: s.range,
          pairs: s.pairs,
          contacts: s.contacts,
          not_predicted: s.notPredicted,
          precision_l: s.precisionL,
          precision_l2: s.precisionL2,
          precision_l5: s.precisionL5,
          auc: s.auc,
        })),
    )
  );
  return formatCsv(
    [
      ...["protein", "length", "predictor", "range", "pairs", "contacts", "not_predicted"],
      ...["precision_l", "precision_l2", "precision_l5", "auc"],
    ],
    rows,
  );
}

/** heads.csv: precision at L of every head's own map. */
export function headsCsv(results: readonly ContactRecord[]): string {
  const rows = results.flatMap(({ id, heads }) =>
    (heads ?? []).map(({ layer, head, precisionL }): Record<string, Cell> => ({
      protein: id,
      layer,
      head,
      ...Object.fromEntries(RANGES.map(({ name }, r) => [`precision_l_${name}`, precisionL[r]])),
    }))
  );
  const precisions = RANGES.map(({ name }) => `precision_l_${name}`);
  return formatCsv(["protein", "layer", "head", ...precisions], rows);
}

/** motif.csv: every point of every recovery curve, residues 1-based. */
export function motifCsv(results: readonly ContactRecord[]): string {
  const rows = results.flatMap(({ id, motif }) =>
    (motif ?? []).flatMap(({ unit: { set, blocks: [first, second] }, curves }, u) =>
      MOTIF_MODES.flatMap((mode) =>
        curves[mode].map(({ flank, unmasked, recovery }): Record<string, Cell> => ({
          protein: id,
          set,
          unit: u + 1,
          first_begin: first.begin + 1,
          first_end: first.end,
          second_begin: second && second.begin + 1,
          second_end: second?.end,
          mode,
          flank,
          unmasked,
          recovery,
        }))
      )
    )
  );
  return formatCsv(
    [
      ...["protein", "set", "unit", "first_begin", "first_end", "second_begin", "second_end"],
      ...["mode", "flank", "unmasked", "recovery"],
    ],
    rows,
  );
}

/** motif_summary.csv: the headline curves. */
export function motifSummaryCsv(shares: readonly MotifShare[]): string {
  return formatCsv(
    [
      ...["set", "mode", "flank", "unmasked", "proteins", "units", "recovered"],
      ...["share", "low", "high"],
    ],
    shares.map(({ interval, ...share }) => ({ ...share, ...interval })),
  );
}

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
        ...[fixed(3)(first.share), fixed(3)(best.share), best.unmasked],
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

/** summary.csv: means over proteins with their intervals. */
export function summaryCsv(summary: readonly MetricSummary[]): string {
  return formatCsv(
    ["predictor", "range", "metric", "proteins", "mean", "low", "high"],
    summary.map(({ predictor, range, metric, proteins, mean, interval }) => ({
      predictor,
      range,
      metric: METRIC_COLUMNS[metric],
      proteins,
      mean,
      ...interval,
    })),
  );
}

const METRIC_COLUMNS = {
  precisionL: "precision_l",
  precisionL2: "precision_l2",
  precisionL5: "precision_l5",
  auc: "auc",
} as const;

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
  if (baseline?.scores) parts.push(scoresText(baseline.name, baseline.scores));
  const ranked = heads && bestHeads(heads).filter(({ precisionL }) => precisionL[2] >= 0);
  if (ranked && ranked.length > 0) {
    parts.push(
      "Heads by long-range precision at L: " +
        ranked.slice(0, 5).map(({ layer, head, precisionL }) =>
          `${layer}:${head} ${fixed(3)(precisionL[2])}`
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
  return formatTable(
    [
      { header: name },
      { header: "pairs" },
      { header: "contacts" },
      ...["P@L", "P@L/2", "P@L/5", "AUC"].map((header) => ({ header, format: fixed(3) })),
    ],
    scores.map((s) => [
      s.range,
      s.pairs,
      s.contacts,
      s.precisionL,
      s.precisionL2,
      s.precisionL5,
      s.auc,
    ]),
  );
}

export function summaryText(summary: readonly MetricSummary[]): string {
  return formatTable(
    [
      { header: "predictor" },
      { header: "range" },
      { header: "metric" },
      { header: "proteins" },
      ...["mean", "95 % low", "high"].map((header) => ({ header, format: fixed(3) })),
    ],
    summary.map(({ predictor, range, metric, proteins, mean, interval }) => [
      predictor,
      range,
      METRIC_COLUMNS[metric],
      proteins,
      mean,
      interval.low,
      interval.high,
    ]),
  );
}

/** Everything that --json prints. */
export function contactsJson(
  run: unknown,
  results: readonly ContactRecord[],
  contacts: readonly (readonly ContactRow[])[],
  more: Record<string, unknown>,
): string {
  return JSON.stringify(
    {
      run,
      proteins: results.map((result, i) => ({
        id: result.id,
        length: result.residues.length,
        contacts: contacts[i],
        scores: result.scores,
        baseline: result.baseline && { name: result.baseline.name, scores: result.baseline.scores },
        heads: result.heads,
        motif: result.motif,
      })),
      ...more,
    },
    // JSON has no NaN.
    (_, value) => typeof value === "number" && !Number.isFinite(value) ? null : value,
    2,
  );
}
