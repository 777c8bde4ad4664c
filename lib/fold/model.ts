/** ESMFold: structures of proteins from one sequence each (Lin et al. 2023). */
import type { Backend, Tensor } from "../backend/types.ts";
import { Esm2, type StreamPlace, type TokenBatch, visitBatch, type Visitor } from "../esm2/mod.ts";
import { atoms37 } from "./all_atom.ts";
import { planChunks } from "./chunks.ts";
import { contactsOf, paeOf, plddtOf, ptmOf } from "./confidence.ts";
import { ATOM_37_EXISTS, ATOMS_14, ATOMS_37 } from "./constants.ts";
import { type Linear, linear, normalise, normaliseRows } from "./dense.ts";
import { type FoldChains, languageTokens } from "./input.ts";
import type { FoldCheckpoint } from "./open.ts";
import { type StructureBlock, StructureModule } from "./structure_module.ts";
import { foldTensors, PAIR_BINS, RECYCLE_BINS } from "./tensors.ts";
import { Trunk, type TrunkState } from "./trunk.ts";
import { trunkWeights } from "./trunk_weights.ts";

/** How a model is opened. */
export interface FoldModelOptions {
  /** Whether one block's weights are in memory at a time. @default false */
  lowMemory?: boolean;
}

/** What sees the language model's pass, and may change it. */
export interface LanguageVisitor extends Visitor {
  /** Sees f32[T, D] after the final LayerNorm; what it gives, if anything, is read instead and disposed of. */
  normalised?(hidden: Tensor, batch: TokenBatch): Promise<Tensor | undefined>;
}

/** How a protein is folded. */
export interface FoldOptions {
  /** Passes after the first; each begins with what the one before gave. @default 3 */
  recycles?: number;
  /** Bytes that a step of the trunk may make between; it decides how many rows run at a time. */
  chunkBytes?: number;
  /** Rows of pairs that run at a time. @default as many as `chunkBytes` allows */
  rows?: number;
  /** 0-based residues whose letters the language model is not shown. @default none */
  masked?: ReadonlySet<number>;
  /** Language model that reads. @default the one that the model was opened with */
  language?: Esm2;
  /** Sees the language model's pass, and may change it. @default nothing does */
  visitor?: LanguageVisitor;
  /** Stops the work when it fires. */
  signal?: AbortSignal;
  /** Hears how many of all blocks have run. */
  onBlock?: (done: number, all: number) => void;
  /**
   * Sees what every pass gives.
   * @ignore
   */
  onPass?: (pass: FoldPass) => void;
}

/** What one pass through trunk and structure module gives. */
export interface FoldPass {
  readonly state: TrunkState;
  readonly blocks: readonly StructureBlock[];
}

/** What a pass begins with besides what the one before gave. */
export interface Beginnings {
  /** Bins of the distances of the pass before, [L, L]. */
  readonly bins: Uint8Array;
  /** Bins of the distances along the chain, [L, L]. */
  readonly relative: Uint16Array;
  /** f32[L, S] of language model and residue types. */
  readonly initial: Float32Array;
}

/** A predicted structure, linkers between chains still in it. */
export interface Fold {
  /** What was folded. */
  readonly chains: FoldChains;
  /** f64[L, 14, 3] and f64[L, 37, 3] positions of atoms, Å. */
  readonly positions14: Float64Array;
  /** The same by the atoms of all residue types. */
  readonly positions37: Float64Array;
  /** u8[L, 37] 1 where a residue has the atom, 0 in linkers. */
  readonly exists: Uint8Array;
  /** f32[L, 37] predicted lDDT, 0 to 1. */
  readonly plddt: Float32Array;
  /** f32[L, L] predicted aligned error, Å. */
  readonly pae: Float32Array;
  /** Predicted TM-score. */
  readonly ptm: number;
  /** f32[L, L] probability that residues touch, by the distogram. */
  readonly contacts: Float32Array;
  /** Logits of the heads: distogram f32[L, L, 64], pTM f32[L, L, 64], letters f32[L, 23], lDDT [L, 37, 50]. */
  readonly logits: {
    /** f32[L, L, 64], symmetric. */
    readonly distogram: Float32Array;
    /** f32[L, L, 64] */
    readonly ptm: Float32Array;
    /** f32[L, 23] */
    readonly letters: Float32Array;
    /** f64[L, 37, 50] */
    readonly lddt: Float64Array;
  };
}

/** Passes after the first that are usual: fair-esm's four passes. */
export const RECYCLES = 3;

/** Bounds of the bins of recycled distances, Å. */
const FIRST_BOUND = 3.375, LAST_BOUND = 21.375;

/** A model on a backend. */
export class EsmFold implements AsyncDisposable {
  private constructor(
    /** What it was opened from. */
    readonly checkpoint: FoldCheckpoint,
    /** Where it runs. */
    readonly backend: Backend,
    /** Its language model. */
    readonly esm: Esm2,
    /** @ignore */
    readonly trunk: Trunk,
    /** @ignore */
    readonly structure: StructureModule,
    /** @ignore */
    readonly weights: ReadonlyMap<string, Float32Array>,
    /** @ignore */
    readonly owned: AsyncDisposableStack,
  ) {}

  /** Opens a model on a backend. @param language its language model there, which stays the caller's */
  static async open(
    checkpoint: FoldCheckpoint,
    backend: Backend,
    { lowMemory = false }: FoldModelOptions = {},
    language?: Esm2,
  ): Promise<EsmFold> {
    await using stack = new AsyncDisposableStack();
    const esm = language ?? stack.use(await Esm2.open(checkpoint.esm, backend, { lowMemory }));
    const trunk = stack.use(
      new Trunk(checkpoint.config, backend, trunkWeights(checkpoint, backend, lowMemory)),
    );
    const weights = new Map<string, Float32Array>(), own = new Map<string, Float32Array>();
    for (const name of foldTensors(checkpoint.config, checkpoint.esm.config).keys()) {
      if (name.startsWith("trunk.blocks.")) continue;
      const [, inModule] = /^trunk\.structure_module\.(.+)$/.exec(name) ?? [];
      if (inModule) own.set(inModule, await checkpoint.read(name));
      else weights.set(name, await checkpoint.read(name));
    }
    const structure = new StructureModule(checkpoint.config.structure, own);
    return new EsmFold(checkpoint, backend, esm, trunk, structure, weights, stack.move());
  }

  #layer(name: string): { weight: Float32Array; bias: Float32Array } {
    return {
      weight: this.weights.get(`${name}.weight`)!,
      bias: this.weights.get(`${name}.bias`)!,
    };
  }

  #linear(name: string): Linear {
    const { weight, bias } = this.#layer(name);
    const outputs = bias.length, inputs = weight.length / outputs;
    return { weight: Float64Array.from(weight), bias: Float64Array.from(bias), inputs, outputs };
  }

  #norm(name: string): { weight: Float64Array; bias: Float64Array } {
    const { weight, bias } = this.#layer(name);
    return { weight: Float64Array.from(weight), bias: Float64Array.from(bias) };
  }

  /** What the trunk begins with: f32[L, S] of the language model's states and the residue types. */
  async languageStates(
    chains: FoldChains,
    { masked = new Set(), language: esm = this.esm, visitor, signal }: FoldOptions = {},
  ): Promise<{ mixed: Float64Array; initial: Float32Array }> {
    const { layers, dModel } = esm.config, length = chains.types.length;
    const ids = languageTokens(chains, masked);
    const batch = { ids, size: 1, width: ids.length, lengths: [ids.length] };
    const places: StreamPlace[] = [...Array(layers).keys(), "last"];
    const combine = this.weights.get("esm_s_combine")!, mixed = new Float64Array(length * dModel);
    const most = Math.max(...combine), terms = Array.from(combine, (w) => Math.exp(w - most));
    const total = terms.reduce((a, b) => a + b, 0);
    const add = (values: Float32Array, n: number) => {
      const weight = terms[n] / total;
      // Without <cls> and <eos>.
      for (let i = 0; i < mixed.length; i++) mixed[i] += weight * values[dModel + i];
    };
    if (visitor) {
      using result = await esm.run(batch, {
        signal,
        visitor: {
          ...visitor,
          async hidden(state) {
            const { depth } = state;
            let { hidden } = state;
            const replace = (next: Tensor) => {
              hidden = next;
              state.replace(next);
            };
            if (visitor.wantsHidden?.(depth) ?? true) await visitor.hidden?.({ ...state, replace });
            if (depth < layers) add(await hidden.read(), depth);
          },
          wantsHidden: undefined,
        },
      });
      using last = await esm.normalise(result.hidden);
      using changed = await visitor.normalised?.(last, batch);
      add(await (changed ?? last).read(), layers);
    } else {
      // One after another: all at once they are 388 MB of a protein of 1024 residues.
      await visitBatch(esm, batch, places, async ({ place, hidden }) => {
        add(await hidden.read(), place === "last" ? layers : place);
      }, { signal });
    }
    const y = Float32Array.from(normalise(mixed, this.#norm("esm_s_mlp.0")));
    const hidden = await this.trunk.affine(y, this.#layer("esm_s_mlp.1"));
    const rectified = hidden.map((value) => Math.max(value, 0));
    const initial = await this.trunk.affine(rectified, this.#layer("esm_s_mlp.3"));
    const { single } = this.checkpoint.config, embedding = this.weights.get("embedding.weight")!;
    for (let i = 0; i < length; i++) {
      for (let c = 0; c < single; c++) {
        initial[i * single + c] += embedding[chains.types[i] * single + c];
      }
    }
    return { mixed, initial };
  }

  /** Folds a protein. */
  async fold(chains: FoldChains, options: FoldOptions = {}): Promise<Fold> {
    const { recycles = RECYCLES, chunkBytes: bytes, signal, onBlock, onPass } = options;
    const { config } = this.checkpoint, length = chains.types.length;
    const chunks = planChunks(config, length, {
      bytes,
      rows: options.rows,
      limit: this.backend.tensorLimit,
    });
    const { initial } = await this.languageStates(chains, options);
    const relative = relativeBins(chains.places, config.positionBins);
    const passes = recycles + 1, all = passes * config.blocks;
    let bins: Uint8Array = new Uint8Array(length * length),
      state: TrunkState = {
        single: new Float32Array(length * config.single),
        pair: new Float32Array(length * length * config.pair),
      };
    for (let pass = 0;; pass++) {
      state = this.begin(state, { bins, relative, initial });
      await this.trunk.run(state, length, {
        ...{ chunks, signal },
        onBlock: (index) => onBlock?.(pass * config.blocks + index + 1, all),
      });
      const single = await this.trunk.affine(state.single, this.#layer("trunk.trunk2sm_s"));
      const most = chunks.rows[0] * length;
      const pair = await this.trunk.affine(state.pair, this.#layer("trunk.trunk2sm_z"), most);
      signal?.throwIfAborted();
      const blocks = this.structure.run(single, pair, chains.types), last = blocks.at(-1)!;
      onPass?.({ state, blocks });
      if (pass + 1 < passes) {
        bins = recycledBins(last.positions, length);
        continue;
      }
      return await this.#finish(chains, state, last, most);
    }
  }

  /**
   * What the trunk reads in a pass: what the one before gave, normalised in place, and the beginnings.
   *
   * @param bins and `relative` of the distances in space and along the chain, [L, L]
   * @ignore
   */
  begin(
    { single, pair: pairs }: TrunkState,
    { bins, relative, initial }: Beginnings,
  ): TrunkState {
    const { pair } = this.checkpoint.config;
    const distances = this.weights.get("trunk.recycle_disto.weight")!;
    const places = this.weights.get("trunk.pairwise_positional_embedding.embedding.weight")!;
    normaliseRows(single, this.#layer("trunk.recycle_s_norm"));
    for (let i = 0; i < single.length; i++) single[i] += initial[i];
    normaliseRows(pairs, this.#layer("trunk.recycle_z_norm"));
    for (let n = 0; n < bins.length; n++) {
      const at = n * pair, distance = bins[n] * pair, place = relative[n] * pair;
      for (let c = 0; c < pair; c++) pairs[at + c] += distances[distance + c] + places[place + c];
    }
    return { single, pair: pairs };
  }

  async #finish(
    chains: FoldChains,
    state: TrunkState,
    last: StructureBlock,
    most: number,
  ): Promise<Fold> {
    const { trunk } = this, length = chains.types.length;
    const distogram = symmetric(
      await trunk.affine(state.pair, this.#layer("distogram_head"), most),
      length,
    );
    const ptm = await trunk.affine(state.pair, this.#layer("ptm_head"), most);
    const letters = await trunk.affine(state.single, this.#layer("lm_head"));
    let lddt = normalise(last.states, this.#norm("lddt_head.0"));
    for (const n of [1, 2, 3]) lddt = linear(lddt, this.#linear(`lddt_head.${n}`));
    const exists = new Uint8Array(length * ATOMS_37);
    for (let i = 0; i < length; i++) {
      for (let atom = 0; atom < ATOMS_37; atom++) {
        exists[i * ATOMS_37 + atom] = chains.kept[i] *
          ATOM_37_EXISTS[chains.types[i] * ATOMS_37 + atom];
      }
    }
    return {
      chains,
      positions14: last.positions,
      positions37: atoms37(last.positions, chains.types),
      exists,
      plddt: plddtOf(lddt),
      pae: paeOf(ptm),
      ptm: ptmOf(ptm, length),
      contacts: contactsOf(distogram),
      logits: { distogram, ptm, letters, lddt },
    };
  }

  /** Frees what it holds on the backend; what it was given stays the caller's. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.owned.disposeAsync();
  }
}

/** (x + xᵀ) / 2 over the first two axes of f32[L, L, 64], in place. */
function symmetric(x: Float32Array, length: number): Float32Array {
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < i; j++) {
      const a = (i * length + j) * PAIR_BINS, b = (j * length + i) * PAIR_BINS;
      for (let k = 0; k < PAIR_BINS; k++) x[a + k] = x[b + k] = (x[a + k] + x[b + k]) / 2;
    }
  }
  return x;
}

/** Bins u16[L, L] of the distances along the chain, from the first residue to the second. */
export function relativeBins(places: ArrayLike<number>, most: number): Uint16Array {
  const length = places.length, bins = new Uint16Array(length * length);
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < length; j++) {
      bins[i * length + j] = Math.min(most, Math.max(-most, places[j] - places[i])) + most + 1;
    }
  }
  return bins;
}

/** Bins u8[L, L] of the distances of Cβ atoms, built from N, Cα and C of f64[L, 14, 3]. */
export function recycledBins(positions: Float64Array, length: number): Uint8Array {
  const beta = new Float64Array(3 * length);
  for (let i = 0; i < length; i++) {
    const at = (atom: number, k: number) => positions[3 * (i * ATOMS_14 + atom) + k];
    const b = [0, 1, 2].map((k) => at(1, k) - at(0, k));
    const c = [0, 1, 2].map((k) => at(2, k) - at(1, k));
    const a = [b[1] * c[2] - b[2] * c[1], b[2] * c[0] - b[0] * c[2], b[0] * c[1] - b[1] * c[0]];
    for (let k = 0; k < 3; k++) {
      beta[3 * i + k] = -0.58273431 * a[k] + 0.56802827 * b[k] - 0.54067466 * c[k] + at(1, k);
    }
  }
  const step = (LAST_BOUND - FIRST_BOUND) / (RECYCLE_BINS - 2);
  const bounds = Array.from({ length: RECYCLE_BINS - 1 }, (_, k) => (FIRST_BOUND + k * step) ** 2);
  const bins = new Uint8Array(length * length);
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < length; j++) {
      let square = 0;
      for (let k = 0; k < 3; k++) square += (beta[3 * i + k] - beta[3 * j + k]) ** 2;
      let bin = 0;
      while (bin < bounds.length && square > bounds[bin]) bin++;
      bins[i * length + j] = bin;
    }
  }
  return bins;
}
