/** States of the model for every protein of a problem: what probes read, kept unit by unit. */
import type { Backend } from "../backend/types.ts";
import { type EmbedPlan, embedRows, type LongChoice } from "../embed/embed.ts";
import type { TokenPool } from "../embed/pool.ts";
import { defaultTokenBudget, type Esm2, type StreamPlace, tokenize } from "../esm2/mod.ts";
import { BATCHES_PER_GROUP } from "../proteins/groups.ts";
import type { Work } from "../run/run.ts";
import type { SaeCoder } from "../sae/coder.ts";
import { placeOf, type SaeConfig, type SparseLatents } from "../sae/types.ts";
import type { FeatureKind, Features } from "./features.ts";
import type { RowsOf } from "./selection.ts";
import type { Problem } from "./types.ts";

/** What is read of a model. */
export interface ExtractPlan {
  /** Where the stream is read. */
  readonly places: readonly StreamPlace[];
  /** How residues become one vector; of residues themselves it plays no part. */
  readonly pools: readonly TokenPool[];
  readonly per: Problem["per"];
  readonly long: LongChoice;
  readonly window: number;
  readonly tokenBudget?: number;
  /** Whether a model with random weights is read, too. */
  readonly random: boolean;
  /** The autoencoder whose latents are read, too. */
  readonly sae?: SaeConfig;
}

/** How latents of residues become one vector. */
const SAE_POOLS = ["mean", "max"] as const;

/** One place of one model; a unit of each protein. */
export interface Source {
  readonly kind: FeatureKind;
  readonly place: StreamPlace;
  /** Values of a row. */
  readonly width: number;
  /** Of a protein's row, one after another; none of residues. */
  readonly pools: readonly string[];
}

/** What the units of a protein are, in their order. */
export function sourcesOf(plan: ExtractPlan, dModel: number): Source[] {
  const { per, places, sae } = plan, pools = per === "protein" ? plan.pools : [];
  const of = (kind: FeatureKind) =>
    places.map((place): Source => ({ kind, place, width: dModel, pools }));
  return [
    ...of("layer"),
    ...(sae
      ? [{
        kind: "sae" as const,
        place: placeOf(sae),
        width: sae.latents,
        pools: per === "protein" ? SAE_POOLS : [],
      }]
      : []),
    ...(plan.random ? of("random") : []),
  ];
}

/** Bytes that the residues' states of a piece take at most, or those of one protein. */
const PIECE_BYTES = 128 << 20;

/** What computes. */
export interface ExtractModels {
  readonly esm: Esm2;
  readonly random?: Esm2;
  readonly coder?: SaeCoder;
}

/**
 * The work of a run: a piece is some proteins of similar length, its units each one's sources.
 *
 * @param rows which residues are kept
 */
export function extractWork(
  proteins: readonly { id: string; residues: string }[],
  rows: RowsOf,
  plan: ExtractPlan,
  { esm, random, coder }: ExtractModels,
  signal: AbortSignal,
): Work {
  const { per, places, pools, long, window, tokenBudget } = plan, { dModel } = esm.config;
  const sources = sourcesOf(plan, dModel);
  const ids = proteins.map((protein) => tokenize(protein, { maxLength: Infinity }));
  const budget = tokenBudget ?? defaultTokenBudget(esm.backend);
  const perToken = 4 * dModel * (per === "residue" ? places.length : 1);
  const most = Math.max(
    budget,
    Math.min(BATCHES_PER_GROUP * budget, Math.floor(PIECE_BYTES / perToken)),
  );
  const groups = groupsOf(ids, most);
  const passes = 1 + Number(random !== undefined) + Number(coder !== undefined);
  const wanted: EmbedPlan = {
    ...{ places, long, window },
    ...(per === "protein" ? { pools } : { residues: true }),
  };
  const weightOf = (members: readonly number[]) =>
    members.reduce((sum, p) => sum + ids[p].length - 2, 0);
  const membersOf = (piece: readonly number[]) =>
    piece.filter((unit) => unit % sources.length === 0).map((unit) => unit / sources.length);
  return {
    pieces: groups.map((group) =>
      group.flatMap((p) => sources.map((_, s) => p * sources.length + s))
    ),
    weightOf: (piece) => weightOf(membersOf(piece)),
    async compute(piece, put, tick) {
      const members = membersOf(piece), tokens = members.map((p) => ids[p]);
      const weight = weightOf(members);
      let pass = 0;
      const options = () => ({
        ...{ tokenBudget, signal },
        onProgress: (done: number) => tick((pass * weight + Math.min(done, weight)) / passes),
      });
      const keep = (p: number, s: number, values: Float32Array) =>
        put(
          p * sources.length + s,
          new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
        );
      for (const model of [esm, random]) {
        if (!model) continue;
        const first = sources.findIndex(({ kind }) =>
          kind === (model === esm ? "layer" : "random")
        );
        const found = await embedRows(model, tokens, wanted, options());
        found.forEach(({ vectors, residues }, m) =>
          places.forEach((_, i) => {
            const values = per === "residue"
              ? gather(residues[i], dModel, rows(members[m]))
              : joined(vectors.slice(i * pools.length, (i + 1) * pools.length));
            keep(members[m], first + i, values);
          })
        );
        pass++;
      }
      if (!coder || !plan.sae) return;
      const s = sources.findIndex(({ kind }) => kind === "sae");
      const reading = { places: [placeOf(plan.sae)], residues: true, long, window };
      const found = await embedRows(esm, tokens, reading, options());
      for (const [m, { residues: [states] }] of found.entries()) {
        const p = members[m], latents = await encode(esm.backend, coder, states, dModel);
        keep(p, s, per === "residue" ? denseRows(latents, rows(p)) : pooledLatents(latents));
      }
    },
  };
}

/** Proteins of similar length, those of a group with so many tokens together, or one. */
function groupsOf(ids: readonly Int32Array[], most: number): number[][] {
  const order = ids.map((_, p) => p).sort((a, b) => ids[a].length - ids[b].length || a - b);
  const groups: number[][] = [];
  let tokens = Infinity;
  for (const p of order) {
    if (tokens + ids[p].length > most) {
      groups.push([]);
      tokens = 0;
    }
    groups.at(-1)!.push(p);
    tokens += ids[p].length;
  }
  return groups;
}

function gather(states: Float32Array, width: number, rows: Uint32Array): Float32Array {
  const found = new Float32Array(rows.length * width);
  rows.forEach((i, r) => found.set(states.subarray(i * width, (i + 1) * width), r * width));
  return found;
}

function joined(vectors: readonly Float32Array[]): Float32Array {
  const found = new Float32Array(vectors.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const vector of vectors) {
    found.set(vector, at);
    at += vector.length;
  }
  return found;
}

async function encode(
  backend: Backend,
  coder: SaeCoder,
  states: Float32Array,
  dModel: number,
): Promise<SparseLatents> {
  using hidden = backend.upload("residues", [states.length / dModel, dModel], states);
  return (await coder.encode(hidden)).latents;
}

function denseRows({ latents, offsets, indices, values }: SparseLatents, rows: Uint32Array) {
  const found = new Float32Array(rows.length * latents);
  rows.forEach((i, r) => {
    for (let e = offsets[i]; e < offsets[i + 1]; e++) found[r * latents + indices[e]] = values[e];
  });
  return found;
}

/** Mean and largest activation of each latent over the residues. */
function pooledLatents({ rows, latents, indices, values }: SparseLatents): Float32Array {
  const found = new Float32Array(SAE_POOLS.length * latents);
  indices.forEach((latent, e) => {
    found[latent] += values[e] / rows;
    found[latents + latent] = Math.max(found[latents + latent], values[e]);
  });
  return found;
}

/**
 * The features of every source and pool.
 *
 * @param read the bytes of a unit
 */
export function modelFeatures(
  plan: ExtractPlan,
  dModel: number,
  read: (unit: number) => Uint8Array<ArrayBuffer>,
): Features[] {
  const sources = sourcesOf(plan, dModel);
  return sources.flatMap(({ kind, place, width, pools }, s) => {
    const whole = (p: number) => {
      const bytes = read(p * sources.length + s);
      return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    };
    const own = { kind, layer: String(place), width };
    if (pools.length === 0) return [{ ...own, read: whole }];
    return pools.map((pool, i) => ({
      ...{ ...own, pool },
      read: (p: number) => whole(p).subarray(i * width, (i + 1) * width),
    }));
  });
}
