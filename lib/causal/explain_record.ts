/** What is kept of an explanation: its figures, and the nodes that contribute most. */
import { gini, shareCurve, topShare } from "./concentration.ts";
import type { Explanation } from "./explain.ts";
import type { Attribution } from "./integrate.ts";

/** Magnitudes among latents at tokens; `top20` is the share that the 20 largest have. */
export interface Concentration {
  /** Share of the 20 largest. */
  top20: number;
  /** Over all latents of the tokens, active or not. */
  gini: number;
  /** Over the latents that move. */
  giniMoving: number;
  /** Shares of the largest, per `CURVE_COUNTS`. */
  curve: number[];
}

/** An explanation as it is kept: numbers, without the run. */
export interface ExplanationRecord {
  /** The metric where the path begins. */
  baseline: number;
  /** The metric where it ends. */
  input: number;
  /** Sum of the attributions. */
  sum: number;
  /** Points of the rule. */
  steps: number;
  /** Latents that move, and tokens. */
  moving: number;
  /** Tokens at which anything may differ. */
  tokens: number;
  /** Sum of the error terms' attributions. */
  errorSum: number;
  /** Sum of all nodes' |attribution|. */
  absoluteSum: number;
  /** Of |attribution|. */
  attributions: Concentration;
  /**
   * Of |delta| × length of the decoder's row: how far latents move, without asking the model what that
   * does. Where it is as concentrated as the attributions, their concentration says nothing.
   */
  magnitudes: Concentration;
  /** Those with the largest |attribution|, best first. */
  nodes: Attribution[];
}

/**
 * What is kept of an explanation: its strongest nodes, and how concentrated all are.
 *
 * @param tokens how many tokens the path may change
 * @param keep most nodes kept
 * @param latents F of the autoencoder
 */
export function recordOf(
  { nodes, baseline, input, sum, steps }: Omit<Explanation, "path">,
  tokens: number,
  latents: number,
  keep: number,
): ExplanationRecord {
  const own = nodes.filter(({ latent }) => latent >= 0);
  const everywhere = latents * tokens;
  const concentration = (values: readonly number[]): Concentration => ({
    top20: topShare(values, 20),
    gini: gini(values, Math.max(everywhere, values.length)),
    giniMoving: gini(values.filter((_, i) => own[i].delta !== 0)),
    curve: shareCurve(values),
  });
  return {
    ...{ baseline, input, sum, steps },
    moving: own.filter(({ delta }) => delta !== 0).length,
    tokens,
    errorSum: nodes.reduce((s, { latent, attribution }) => latent < 0 ? s + attribution : s, 0),
    absoluteSum: nodes.reduce((s, { attribution }) => s + Math.abs(attribution), 0),
    attributions: concentration(own.map(({ attribution }) => attribution)),
    magnitudes: concentration(own.map(({ displacement }) => displacement)),
    nodes: rankNodes(nodes).slice(0, keep),
  };
}

/** Nodes by |attribution|, largest first; ties in the order of tokens. */
export function rankNodes(nodes: readonly Attribution[]): Attribution[] {
  return nodes.filter(({ delta }) => delta !== 0)
    .sort((a, b) => Math.abs(b.attribution) - Math.abs(a.attribution));
}
