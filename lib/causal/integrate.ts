/** Integrated gradients from one state of the latents to another. */
import { sumOnDevice } from "./device_sum.ts";
import {
  type GradientJob,
  type GradientOptions,
  type TailGradient,
  takeGradients,
} from "./gradients.ts";
import type { LatentSpace } from "./latent_space.ts";
import { type Path, preActState } from "./path.ts";
import { quadrature, type Rule } from "./quadrature.ts";
import type { Edit } from "./types.ts";

/** What one latent at one token, or a token's error term, contributes. */
export interface Attribution {
  /** 0-based, `<cls>` first. */
  token: number;
  /** −1 for the error term. */
  latent: number;
  /** How far the latent moves along the path, activation; of the error term its length. */
  delta: number;
  /** Length of the move in the residual stream. */
  displacement: number;
  /** Part of the metric's change. */
  attribution: number;
}

/** The contributions of a path. */
export interface Integrated {
  /** In the order of the edit's tokens, error terms after their token's latents. */
  nodes: Attribution[];
  /** Points of the rule. */
  steps: number;
  /** Sum of the attributions. */
  sum: number;
}

/** Where along the path gradients are taken. */
export interface IntegrateSettings {
  /** The rule. */
  rule: Rule;
  /** Its points. */
  steps: number;
}

/** Integrates along paths; those that share a capture run together. */
export async function integrate(
  tail: TailGradient,
  space: LatentSpace,
  paths: readonly Path[],
  { rule, steps }: IntegrateSettings,
  options: GradientOptions,
): Promise<Integrated[]> {
  const { nodes, weights } = quadrature(rule, steps);
  return await along(tail, space, paths, () => nodes, weights, options);
}

/** First-order attribution: one gradient at the capture itself (attribution patching, AtP). */
export async function attributeFirstOrder(
  tail: TailGradient,
  space: LatentSpace,
  paths: readonly Path[],
  options: GradientOptions,
): Promise<Integrated[]> {
  // Where on the path nothing of the edit is made.
  const node = ({ from, to }: Path) => Float64Array.of(from === 0 ? 0 : from / (from - to));
  return await along(tail, space, paths, node, Float64Array.of(1), options);
}

async function along(
  tail: TailGradient,
  space: LatentSpace,
  paths: readonly Path[],
  nodesOf: (path: Path) => Float64Array,
  weights: Float64Array,
  options: GradientOptions,
): Promise<Integrated[]> {
  const sums = paths.map((path) =>
    path.preActs ? new PreActSum(space, path) : new StraightSum(space, path)
  );
  const onHost = new Set(paths.keys());
  if (options.backend.gpu && weights.length > 1) {
    for (const [p, sum] of sums.entries()) {
      if (!(sum instanceof StraightSum)) continue;
      const rule = { nodes: nodesOf(paths[p]), weights };
      sum.add(await sumOnDevice(tail, space, paths[p], rule, options), 1);
      onHost.delete(p);
    }
  }
  for (const capture of new Set([...onHost].map((p) => paths[p].capture))) {
    const jobs = paths.flatMap((path, p): GradientJob[] =>
      path.capture !== capture || !onHost.has(p) ? [] : Array.from(nodesOf(path), (alpha, s) => ({
        ...sums[p].job(alpha),
        metric: path.metric,
        take: (gradient) => sums[p].add(gradient, weights[s], alpha),
      }))
    );
    await takeGradients(tail, space, capture, jobs, options);
  }
  return sums.map((sum) => {
    const found = sum.finish();
    return {
      nodes: found,
      steps: weights.length,
      sum: found.reduce((total, { attribution }) => total + attribution, 0),
    };
  });
}

/** Gradients of a straight path: summed first, projected on the decoder once. */
class StraightSum {
  /** f64[D] per token of the edit. */
  readonly sums: Float64Array[];

  constructor(readonly space: LatentSpace, readonly path: Path) {
    this.sums = path.edit.map(() => new Float64Array(space.dModel));
  }

  job(alpha: number): { edit: Edit; share: number } {
    const { edit, from, to } = this.path;
    return { edit, share: from + alpha * (to - from) };
  }

  add(gradient: Float32Array, weight: number): void {
    const { dModel } = this.space;
    this.path.edit.forEach(({ token }, i) => {
      const sum = this.sums[i], at = token * dModel;
      for (let d = 0; d < dModel; d++) sum[d] += weight * gradient[at + d];
    });
  }

  finish(): Attribution[] {
    const { space, path: { capture, edit, from, to } } = this;
    const direction = to - from;
    return edit.flatMap(({ token, indices, deltas, residual }, i) => {
      const std = capture.scale.std[token], sum = this.sums[i];
      const latents = Array.from(indices ?? [], (latent, n): Attribution => {
        const delta = direction * deltas![n];
        return {
          token,
          latent,
          delta,
          displacement: Math.abs(delta) * std * space.norms[latent],
          attribution: delta * std * space.project(latent, sum),
        };
      });
      return residual ? [...latents, errorNode(token, residual, direction, sum)] : latents;
    });
  }
}

/** Gradients of a path through pre-activations, whose active latents differ from step to step. */
class PreActSum {
  readonly attributions = new Map<number, number>();
  /** States between their job and their gradient. */
  readonly states = new Map<number, ReturnType<typeof preActState>>();
  readonly errors: Float64Array[];

  constructor(readonly space: LatentSpace, readonly path: Path) {
    this.errors = path.edit.map(() => new Float64Array(space.dModel));
  }

  job(alpha: number): { edit: Edit } {
    const state = preActState(this.path.preActs!, this.path.capture, this.path.edit, alpha);
    this.states.set(alpha, state);
    return { edit: state.edit };
  }

  add(gradient: Float32Array, weight: number, alpha: number): void {
    const { space, path: { preActs, capture, edit } } = this, { dModel, latents } = space;
    const { active } = this.states.get(alpha)!;
    this.states.delete(alpha);
    edit.forEach(({ token }, i) => {
      const std = capture.scale.std[token], at = token * dModel;
      for (const latent of active[i]) {
        const delta = preActs!.end[i * latents + latent] - preActs!.start[i * latents + latent];
        const key = i * latents + latent;
        const part = weight * delta * std * space.project(latent, gradient, at);
        this.attributions.set(key, (this.attributions.get(key) ?? 0) + part);
      }
      const sum = this.errors[i];
      for (let d = 0; d < dModel; d++) sum[d] += weight * gradient[at + d];
    });
  }

  finish(): Attribution[] {
    const { space, path: { preActs, capture, edit } } = this, { latents } = space;
    const keys = [...this.attributions.keys()].sort((a, b) => a - b);
    return edit.flatMap(({ token, residual }, i) => {
      const std = capture.scale.std[token];
      const own = keys.filter((key) => Math.floor(key / latents) === i).map((key): Attribution => {
        const latent = key % latents, delta = preActs!.end[key] - preActs!.start[key];
        return {
          token,
          latent,
          delta,
          displacement: Math.abs(delta) * std * space.norms[latent],
          attribution: this.attributions.get(key)!,
        };
      });
      return residual ? [...own, errorNode(token, residual, 1, this.errors[i])] : own;
    });
  }
}

function errorNode(
  token: number,
  residual: Float64Array,
  direction: number,
  gradient: Float64Array,
): Attribution {
  let product = 0, squares = 0;
  for (let d = 0; d < residual.length; d++) {
    product += residual[d] * gradient[d];
    squares += residual[d] * residual[d];
  }
  const length = Math.sqrt(squares);
  return {
    token,
    latent: -1,
    delta: length,
    displacement: length,
    attribution: direction * product,
  };
}
