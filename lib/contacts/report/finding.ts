/** The result in a sentence. */
import type { Finding } from "../../report/page.ts";
import { percent, short } from "../../report/client/numbers.js";
import { changedPairs, changeText } from "../change.ts";
import type { MetricSummary } from "../summary.ts";
import { contactRows, pairsApart } from "../tables.ts";
import { type ContactRecord, type ContactResult, type Method, RANGES } from "../types.ts";
import { METHOD_NAMES } from "./data.ts";

/** What was predicted of a protein, against what chance gives where the contacts are known. */
export function finding(result: ContactResult, method: Method): Finding {
  const own = ownFinding(result, method), { before } = result;
  if (!before) return own;
  const changed = changeText(before.adapter, changedPairs(result, method), method);
  return { ...own, answer: `${changed} ${own.answer}` };
}

function ownFinding(result: ContactResult, method: Method): Finding {
  const { residues: { length }, scores, truth } = result;
  if (!truth || !scores) return withoutTruth(result, method);
  const long = scores[2], range = Number.isNaN(long.precisionL) ? bestRange(scores) : long;
  if (!range) {
    return {
      answer: "The structure has no contact at least 6 residues apart to judge the prediction by.",
      method: `Predicted by ${METHOD_NAMES[method]}.`,
    };
  }
  const taken = Math.round(range.precisionL * length), few = Math.max(1, Math.floor(length / 5));
  const name = range.range === "long" ? "long-range" : `${range.range}-range`;
  const hits = Math.round(range.precisionL5 * few);
  const best = scores.filter(({ precisionL5 }) => !Number.isNaN(precisionL5))
    .reduce((a, b) => b.precisionL5 > a.precisionL5 ? b : a);
  const all = scores.reduce((sum, { contacts }) => sum + contacts, 0);
  return {
    answer: `${taken === 0 ? "None" : taken} of the ${length} highest ${name} pairs ${
      taken === 1 ? "touches" : taken === 0 ? "touches" : "touch"
    } (${percent(range.precisionL)}), against ${percent(range.contacts / range.pairs)} by chance; ${
      hits === 0 ? "none" : hits
    } of the ${few} highest ${hits === 1 || hits === 0 ? "does" : "do"}.`,
    method: `Best range: ${best.range}, ${percent(best.precisionL5)} of the ${few} highest pairs ` +
      `(chance ${percent(best.contacts / best.pairs)}). There are ${all} true contacts at least ` +
      `${RANGES[0].min} residues apart. Predicted by ${METHOD_NAMES[method]}.`,
  };
}

const bestRange = (scores: NonNullable<ContactRecord["scores"]>) =>
  scores.findLast(({ precisionL }) => !Number.isNaN(precisionL));

function withoutTruth(result: ContactResult, method: Method): Finding {
  const { residues, map } = result, [best] = contactRows(result, 1, RANGES[2].min);
  const high = pairsApart(map, residues.length, RANGES[2].min)
    .reduce((sum, pair) => sum + Number(map[pair] > 0.5), 0);
  if (!best) {
    return { answer: "No two residues are 24 apart: there is no long-range pair to predict." };
  }
  const name = `${residues[best.i - 1]}${best.i} – ${residues[best.j - 1]}${best.j}`;
  const value = method === "head" ? "probability" : "score";
  return {
    answer: method === "head"
      ? `${high === 0 ? "No" : high} long-range pair${high === 1 ? "" : "s"} ${
        high === 1 ? "has" : "have"
      } a contact probability above one half; the highest is ${name} with ${short(best.score)}.`
      : `The highest long-range pair is ${name}, with a ${value} of ${short(best.score)}.`,
    method: `Predicted by ${METHOD_NAMES[method]}. No true contacts were given to compare with ` +
      "(--structure, --truth).",
  };
}

/** What was found over several proteins. */
export function findingOverall(
  results: readonly ContactRecord[],
  summary: readonly MetricSummary[] | undefined,
  method: Method,
): Finding {
  const found = (metric: string) =>
    summary?.find((row) =>
      row.range === "long" && row.metric === metric && row.predictor === method
    );
  const at = found("precisionL"), five = found("precisionL5");
  if (!at || Number.isNaN(at.mean)) {
    return {
      answer:
        `Contacts of ${results.length} proteins; none are known to compare with at long range.`,
      method: `Predicted by ${METHOD_NAMES[method]}.`,
    };
  }
  const interval = (row: MetricSummary) =>
    `95 % interval ${percent(row.interval.low)} to ${percent(row.interval.high)}`;
  return {
    answer: `On average ${percent(at.mean)} of the L highest long-range pairs touch ` +
      `(${interval(at)}, ${at.proteins} proteins).`,
    method: [
      five && `Of the L/5 highest ${percent(five.mean)} (${interval(five)}).`,
      `Predicted by ${METHOD_NAMES[method]}.`,
    ].filter(Boolean).join(" "),
  };
}
