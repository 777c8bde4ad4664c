// @ts-check
/// <reference lib="dom" />
/** The page of hidden residues: of an evaluation, or of a training. */
import { fixed, percent } from "../../report/client/numbers.js";
import { start } from "../../report/client/start.js";
import { histogram } from "../../report/figures/histogram/histogram.js";
import { letterBars } from "../../report/figures/letter_bars/letter_bars.js";
import { lines } from "../../report/figures/lines/lines.js";

/** @typedef {import("../../report/client/figure.js").View} View */
/**
 * @typedef {{
 *   letters?: { letter: string, asked: number, loss: number, unigram: number, right: number }[],
 *   gains?: number[], bin?: number,
 *   curve?: { tokens: number, loss: number, norm: number }[], level?: number, levelName?: string,
 * }} MlmData
 */

/** @param {View} view @param {MlmData} data */
function setUp(view, { letters, gains, bin = 0.1, curve, level, levelName }) {
  if (letters && view.has("letters")) {
    letterBars(view, view.frame("letters"), {
      bars: () =>
        letters.map(({ letter, loss, unigram }) => ({
          ...{ letter, first: Math.exp(-loss), second: Math.exp(-unigram), chance: 0.05 },
        })),
      needs: ["item"],
      top: Math.min(
        1,
        Math.ceil(
          20 *
            Math.max(
              ...letters.flatMap(({ loss, unigram }) => [Math.exp(-loss), Math.exp(-unigram)]),
            ),
        ) / 20,
      ),
      label: () => "Mean probability of the true letter, letter by letter, beside its frequency's",
      facts: ({ letter }) => {
        const own = /** @type {NonNullable<MlmData["letters"]>[number]} */ (
          letters.find((one) => one.letter === letter)
        );
        return [
          ["hidden", String(own.asked)],
          ["perplexity", fixed(Math.exp(own.loss), 2), String(Math.exp(own.loss))],
          ["by frequency", fixed(Math.exp(own.unigram), 2), String(Math.exp(own.unigram))],
          ["right", percent(own.right), String(own.right)],
        ];
      },
      data: () => ({
        columns: ["letter", "asked", "loss", "unigram_loss", "accuracy"],
        rows: letters.map((one) => [one.letter, one.asked, one.loss, one.unigram, one.right]),
      }),
    });
  }
  if (gains && view.has("gains")) {
    const shown = gains.filter(Number.isFinite);
    const low = Math.floor(Math.min(0, ...shown) / bin) * bin;
    const high = Math.ceil(Math.max(bin, ...shown) / bin) * bin;
    histogram(view, view.frame("gains"), {
      values: () => gains,
      ...{
        bin,
        from: low,
        to: high,
        x: "nats a residue better than the best baseline",
        y: "proteins",
      },
      colour: (middle) => middle < 0 ? "orange" : "blue",
      line: { at: 0, name: "no better" },
      label: () => "How much better than the best baseline each protein is said",
      data: () => ({ columns: ["gain"], rows: gains.map((gain) => [gain]) }),
    });
  }
  if (!curve) return;
  const unit = Math.max(...curve.map(({ tokens }) => tokens)) >= 2e6 ? 1e6 : 1e3;
  const losses = [...curve.map(({ loss }) => loss), ...(level === undefined ? [] : [level])];
  const least = Math.min(...losses), most = Math.max(...losses);
  const plot = (/** @type {"loss" | "norm"} */ key, /** @type {string} */ y) => {
    if (!view.has(key)) return;
    lines(view, view.frame(key), {
      curves: () => [{
        name: key === "loss" ? "training" : "gradient",
        colour: "blue",
        points: curve.map((row) => [row.tokens / unit, row[key]]),
        ...(key === "loss" && level !== undefined && { chance: level }),
      }],
      x: unit === 1e6 ? "million tokens" : "thousand tokens",
      y,
      ...(key === "loss" && { yRange: [Math.floor(10 * least) / 10, Math.ceil(10 * most) / 10] }),
      label: () => `${y} over the training`,
      data: () => ({ columns: ["tokens", key], rows: curve.map((row) => [row.tokens, row[key]]) }),
    });
  };
  plot("loss", levelName ? `loss, nats (dotted: ${levelName})` : "loss, nats");
  plot("norm", "length of the gradient");
}

start(() => {}, setUp);
