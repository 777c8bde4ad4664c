/**
 * ESMFold's structure module: residues' frames and torsion angles from single and pair states (AlphaFold 2,
 * algorithms 20 to 24; openfold `structure_module.py`). All of it in double precision on the host: it is a few
 * percent of the trunk's work, and where geometry loses digits.
 */
import { ANGLES, atoms14, type GroupFrames, groupFrames } from "./all_atom.ts";
import { type Linear, linear, type Norm, normalise, normaliseRows, relu, sum } from "./dense.ts";
import { apply, applyInverse, identity, type Rigids, rotationsOf, updated } from "./rigid.ts";
import type { StructureConfig } from "./structure_config.ts";

/** What a block gives. */
export interface StructureBlock {
  /** Backbone frames, translations in Å. */
  readonly frames: Rigids;
  /** f64[L, 7, 2] sine and cosine of omega, phi, psi, chi1 to chi4, before and after they are made units. */
  readonly unnormalised: Float64Array;
  readonly angles: Float64Array;
  /** Frames of all groups of atoms, Å. */
  readonly groups: GroupFrames;
  /** f64[L, 14, 3] Å */
  readonly positions: Float64Array;
  /** f64[L, single] */
  readonly states: Float64Array;
}

/** Invariant point attention's result, for tests too. */
export interface Attended {
  /** f64[L, single] what it adds to the states. */
  readonly added: Float64Array;
  /** f64[H, L, L] */
  readonly attention: Float64Array;
}

const EPSILON = 1e-8;

/** Weights of the module, read once. */
export class StructureModule {
  readonly #linears = new Map<string, Linear>();
  readonly #norms = new Map<string, Norm>();
  readonly #headWeights: Float64Array;

  /** @param weights by their names in the module: `ipa.linear_q.weight` … */
  constructor(
    readonly config: StructureConfig,
    weights: ReadonlyMap<string, ArrayLike<number>>,
  ) {
    const read = (name: string) => {
      const values = weights.get(name);
      if (!values) throw new Error(`Cannot open the structure module as it must have ${name}`);
      return Float64Array.from(values);
    };
    for (const name of weights.keys()) {
      const [, layer] = /^(.+)\.weight$/.exec(name) ?? [];
      if (layer === undefined) continue;
      const weight = read(name);
      const bias = weights.has(`${layer}.bias`) ? read(`${layer}.bias`) : undefined;
      if (/layer_norm/.test(layer)) this.#norms.set(layer, { weight, bias: bias! });
      else {
        const outputs = bias!.length;
        this.#linears.set(layer, { weight, bias, outputs, inputs: weight.length / outputs });
      }
    }
    // softplus, and the factor that makes the points' terms as large as the others'.
    const factor = Math.sqrt(1 / (3 * config.queryPoints * 9 / 2));
    this.#headWeights = read("ipa.head_weights").map((w) => Math.log1p(Math.exp(w)) * factor);
  }

  #linear(name: string, x: Float32Array | Float64Array): Float64Array {
    const layer = this.#linears.get(name);
    if (!layer) throw new Error(`Cannot run the structure module as it must have ${name}`);
    return linear(x, layer);
  }

  #norm(name: string, x: Float64Array): Float64Array {
    return normalise(x, this.#norms.get(name)!);
  }

  /**
   * @param single f32[L, single] as the trunk gives it, of one protein without padding
   * @param pair [L, L, pair] the same, which is written over: in double precision it would be twice as much
   * @param types residue types, 0 to 20
   */
  run(
    single: ArrayLike<number>,
    pair: Float32Array | Float64Array,
    types: ArrayLike<number>,
  ): StructureBlock[] {
    const { config } = this, { scale } = config, length = types.length;
    const initial = this.#norm("layer_norm_s", Float64Array.from(single));
    const pairs = normaliseRows(pair, this.#norms.get("layer_norm_z")!);
    const biases = this.#linear("ipa.linear_b", pairs);
    let s = this.#linear("linear_in", initial);
    let rigids = identity(length);
    return Array.from({ length: config.blocks }, () => {
      const rotations = rotationsOf(rigids.quaternions);
      const { added } = this.attend(s, pairs, biases, rigids, rotations);
      s = this.transition(this.#norm("layer_norm_ipa", sum(s, added)));
      rigids = updated(rigids, rotations, this.#linear("bb_update.linear", s));
      const { unnormalised, angles } = this.torsions(s, initial);
      const frames: Rigids = {
        quaternions: rigids.quaternions,
        translations: rigids.translations.map((t) => t * scale),
      };
      const groups = groupFrames(frames, angles, types);
      const positions = atoms14(groups, types);
      return { frames, unnormalised, angles, groups, positions, states: s };
    });
  }

  /** Biases f64[L, L, H] that normalised pairs f64[L, L, pair] give to the attention. */
  biases(pairs: Float32Array | Float64Array): Float64Array {
    return this.#linear("ipa.linear_b", pairs);
  }

  /**
   * Invariant point attention (algorithm 22).
   *
   * @param pairs normalised, and their {@linkcode biases}
   */
  attend(
    s: Float64Array,
    pairs: Float32Array | Float64Array,
    biases: Float64Array,
    { translations }: Rigids,
    rotations: Float64Array,
  ): Attended {
    const { heads, headWidth, queryPoints, valuePoints, pair } = this.config;
    const length = translations.length / 3, keyPoints = queryPoints + valuePoints;
    const q = this.#linear("ipa.linear_q", s), kv = this.#linear("ipa.linear_kv", s);
    /** Points [L, H, P, 3] in the frame of the protein; x, y and z lie in blocks of a row. */
    const points = (name: string, each: number) => {
      const local = this.#linear(name, s), count = heads * each;
      const out = new Float64Array(length * count * 3), point = new Float64Array(3);
      for (let i = 0; i < length; i++) {
        for (let p = 0; p < count; p++) {
          for (let k = 0; k < 3; k++) point[k] = local[(3 * i + k) * count + p];
          apply(rotations, translations, i, point, 0, out, 3 * (i * count + p));
        }
      }
      return out;
    };
    const qPoints = points("ipa.linear_q_points", queryPoints);
    const kvPoints = points("ipa.linear_kv_points", keyPoints);

    const attention = new Float64Array(heads * length * length);
    const scale = Math.sqrt(1 / (3 * headWidth)), biasScale = Math.sqrt(1 / 3);
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < length; i++) {
        const row = (h * length + i) * length;
        const qAt = (i * heads + h) * headWidth, qPoint = 3 * (i * heads + h) * queryPoints;
        let most = -Infinity;
        for (let j = 0; j < length; j++) {
          const kAt = 2 * (j * heads + h) * headWidth, kPoint = 3 * (j * heads + h) * keyPoints;
          let dot = 0, distance = 0;
          for (let c = 0; c < headWidth; c++) dot += q[qAt + c] * kv[kAt + c];
          for (let c = 0; c < 3 * queryPoints; c++) {
            distance += (qPoints[qPoint + c] - kvPoints[kPoint + c]) ** 2;
          }
          const value = scale * dot + biasScale * biases[(i * length + j) * heads + h] -
            this.#headWeights[h] * distance / 2;
          attention[row + j] = value;
          if (value > most) most = value;
        }
        let total = 0;
        for (let j = row; j < row + length; j++) {
          attention[j] = Math.exp(attention[j] - most);
          total += attention[j];
        }
        for (let j = row; j < row + length; j++) attention[j] /= total;
      }
    }

    const pointCount = heads * valuePoints, width = heads * (headWidth + pair) + 4 * pointCount;
    const features = new Float64Array(length * width), point = new Float64Array(3);
    const moved = new Float64Array(3);
    for (let i = 0; i < length; i++) {
      const to = i * width, pointsAt = to + heads * headWidth, pairAt = pointsAt + 4 * pointCount;
      for (let h = 0; h < heads; h++) {
        const row = (h * length + i) * length;
        for (let j = 0; j < length; j++) {
          const a = attention[row + j];
          const vAt = (2 * (j * heads + h) + 1) * headWidth, zAt = (i * length + j) * pair;
          for (let c = 0; c < headWidth; c++) features[to + h * headWidth + c] += a * kv[vAt + c];
          for (let c = 0; c < pair; c++) features[pairAt + h * pair + c] += a * pairs[zAt + c];
        }
        for (let p = 0; p < valuePoints; p++) {
          point.fill(0);
          for (let j = 0; j < length; j++) {
            const at = 3 * ((j * heads + h) * keyPoints + queryPoints + p);
            for (let k = 0; k < 3; k++) point[k] += attention[row + j] * kvPoints[at + k];
          }
          applyInverse(rotations, translations, i, point, 0, moved, 0);
          const n = h * valuePoints + p;
          for (let k = 0; k < 3; k++) features[pointsAt + k * pointCount + n] = moved[k];
          features[pointsAt + 3 * pointCount + n] = Math.sqrt(
            moved[0] ** 2 + moved[1] ** 2 + moved[2] ** 2 + EPSILON,
          );
        }
      }
    }
    return { added: this.#linear("ipa.linear_out", features), attention };
  }

  /** The transitions of a block, and the normalisation after them. */
  transition(s: Float64Array): Float64Array {
    for (let layer = 0; layer < this.config.transitions; layer++) {
      const name = (n: number) => `transition.layers.${layer}.linear_${n}`;
      const wide = relu(this.#linear(name(2), relu(this.#linear(name(1), s))));
      s = sum(s, this.#linear(name(3), wide));
    }
    return this.#norm("transition.layer_norm", s);
  }

  /** Torsion angles f64[L, 7, 2] of states and the normalised single states. */
  torsions(
    s: Float64Array,
    initial: Float64Array,
  ): { unnormalised: Float64Array; angles: Float64Array } {
    let x = sum(
      this.#linear("angle_resnet.linear_in", relu(s)),
      this.#linear("angle_resnet.linear_initial", relu(initial)),
    );
    for (let layer = 0; layer < this.config.angleBlocks; layer++) {
      const name = (n: number) => `angle_resnet.layers.${layer}.linear_${n}`;
      x = sum(x, this.#linear(name(2), relu(this.#linear(name(1), relu(x)))));
    }
    const unnormalised = this.#linear("angle_resnet.linear_out", relu(x));
    const angles = unnormalised.slice();
    for (let at = 0; at < angles.length; at += 2) {
      const norm = Math.sqrt(Math.max(angles[at] ** 2 + angles[at + 1] ** 2, EPSILON));
      angles[at] /= norm;
      angles[at + 1] /= norm;
    }
    return { unnormalised, angles };
  }
}

/** Torsion angles of a residue, for whoever lays out arrays of them. */
export { ANGLES };
