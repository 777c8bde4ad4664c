/** What each latent contributes to a metric's change, and whether the contributions add up. */
import type { SaeCoder } from "../sae/coder.ts";
import { donorEdit, dropError, zeroEdit } from "./edits.ts";
import type { GradientOptions, TailGradient } from "./gradients.ts";
import { attributeFirstOrder, type Attribution, integrate } from "./integrate.ts";
import type { Metric } from "./metric.ts";
import { type Path, preActPath } from "./path.ts";
import type { Rule } from "./quadrature.ts";
import type { Tail } from "./tail.ts";
import type { Capture, ErrorTerm } from "./types.ts";

/** Where a path begins: at the run's own latents (it ends at the other's), or at none (at its own). */
export const BASELINES = ["run", "zero"] as const;
/** Where a path begins, see {@linkcode BASELINES}. */
export type Baseline = typeof BASELINES[number];

/** Integrated gradients, or one gradient times the change. */
export const METHODS = ["ig", "first-order"] as const;
/** One of {@linkcode METHODS}. */
export type Method = typeof METHODS[number];

/** Which values the path goes through. */
export const SPACES = ["latents", "pre-activations"] as const;
/** One of {@linkcode SPACES}. */
export type PathSpace = typeof SPACES[number];

/** How an effect is shared out among latents. */
export interface ExplainSettings {
  /** Where the path begins. */
  baseline: Baseline;
  /** How contributions are computed. */
  method: Method;
  /** Which values the path goes through. */
  through: PathSpace;
  /** What is done with the reconstruction error. */
  error: ErrorTerm;
  /** Where along the path gradients are taken. */
  rule: Rule;
  /** Points of the rule; the first attempt's where `fixed` is not set. */
  steps: number;
  /** Takes `steps` points whatever the gap. */
  fixed: boolean;
}

/** Steps are doubled until the gap is below this share of the effect. */
export const TOLERANCE = 0.05;

/** Most points of one path. */
export const MOST_STEPS = 512;

/** Gaps below this are float32 rounding of the logits. */
const ROUNDING = 1e-3;

/** What is explained: a run, another one, the tokens at which they may differ. */
export interface ExplainSubject {
  /** The run that is explained. */
  base: Capture;
  /** The run it is compared with. */
  donor: Capture;
  /** Tokens at which they may differ, 0-based. */
  tokens: readonly number[];
  /** What is explained. */
  metric: Metric;
}

/** Contributions of one effect. */
export interface Explanation {
  /** What was gone along. */
  path: Path;
  /** Contributions, latents and errors. */
  nodes: Attribution[];
  /** The metric at both ends of the path. */
  baseline: number;
  /** The metric at the path's end. */
  input: number;
  /** Sum of the attributions. */
  sum: number;
  /** Points of the rule in the end. */
  steps: number;
}

/** What an explanation runs on. */
export interface Explainer {
  /** Runs the blocks after the autoencoder. */
  tail: Tail;
  /** Differentiates them. */
  gradient: TailGradient;
  /** The autoencoder. */
  coder: SaeCoder;
}

/** The metric's change along the path. */
export const effectOf = ({ input, baseline }: Pick<Explanation, "input" | "baseline">): number =>
  input - baseline;

/** Attributions short of the metric's change (or beyond it). */
export const gapOf = (one: Omit<Explanation, "path" | "nodes">): number => one.sum - effectOf(one);

/** The gap as a share of the change. */
export const relativeGap = (one: Omit<Explanation, "path" | "nodes">): number =>
  Math.abs(gapOf(one) / effectOf(one));

/** Whether the attributions add up to the change, as far as they should. */
export const addsUp = (one: Omit<Explanation, "path" | "nodes">): boolean =>
  relativeGap(one) < TOLERANCE || Math.abs(gapOf(one)) < ROUNDING;

/** Explains subjects; those that share a run are computed together. */
export async function explain(
  { tail, gradient, coder }: Explainer,
  subjects: readonly ExplainSubject[],
  settings: ExplainSettings,
): Promise<Explanation[]> {
  const { space, esm: { backend } } = tail;
  const paths: Path[] = [];
  for (const subject of subjects) {
    const path = pathOf(tail, subject, settings);
    paths.push(
      settings.through === "latents" ? path : {
        ...path,
        preActs: await preActPath(coder, subject.base, subject.donor, subject.tokens),
      },
    );
  }
  const ends = await endsOf(tail, paths);
  const options: GradientOptions = {
    tokenBudget: tail.tokenBudget,
    signal: tail.options.signal,
    backend,
  };
  const found: Explanation[] = [];
  let open = Array.from(paths.keys());
  for (let steps = settings.steps; open.length > 0; steps *= 2) {
    const some = open.map((p) => paths[p]);
    const done = settings.method === "first-order"
      ? await attributeFirstOrder(gradient, space, some, options)
      : await integrate(gradient, space, some, { rule: settings.rule, steps }, options);
    open.forEach((p, i) => found[p] = { path: paths[p], ...ends[p], ...done[i] });
    // More points do not mend jumps, nor a first-order estimate.
    const once = settings.fixed || settings.method === "first-order" ||
      settings.through === "pre-activations" || steps * 2 > MOST_STEPS;
    open = once ? [] : open.filter((p) => !addsUp(found[p]));
  }
  return found;
}

function pathOf(
  { space }: Tail,
  { base, donor, tokens, metric }: ExplainSubject,
  { baseline, error }: ExplainSettings,
): Path {
  const capture = error === "drop" ? dropError(space, base, tokens) : base;
  if (baseline === "run") {
    const edit = donorEdit(space, base, donor, tokens, error === "patch");
    return { capture, edit, from: 0, to: 1, metric };
  }
  const edit = zeroEdit(base, tokens).map((part) =>
    error !== "patch" ? part : {
      ...part,
      residual: space.errorOf(base, part.token).map((value) => -value),
    }
  );
  return { capture, edit, from: 1, to: 0, metric };
}

/** The metric at both ends of every path. */
async function endsOf(
  tail: Tail,
  paths: readonly Path[],
): Promise<{ baseline: number; input: number }[]> {
  const ends: { baseline: number; input: number }[] = [];
  for (const capture of new Set(paths.map((path) => path.capture))) {
    const own = Array.from(paths.keys()).filter((p) => paths[p].capture === capture);
    // The end without the edit is the unedited run itself.
    const { baseline, edited } = await tail.measure(capture, own.map((p) => paths[p]));
    own.forEach((p, i) =>
      ends[p] = paths[p].from === 0
        ? { baseline: baseline[i], input: edited[i] }
        : { baseline: edited[i], input: baseline[i] }
    );
  }
  return ends;
}
