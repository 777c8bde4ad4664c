/** What is done to the language model's pass before a protein is folded from what it gives. */
import type { Backend, Tensor } from "../backend/types.ts";
import { StateBatch } from "../causal/state_batch.ts";
import { LatentSpace } from "../causal/latent_space.ts";
import { checkSteerings, type Steering, steeringEdit } from "../causal/steer.ts";
import type { Capture } from "../causal/types.ts";
import { checkHeads, type HeadName } from "../contacts/predict.ts";
import { UserError } from "../errors.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import type { BlockPart, TokenBatch } from "../esm2/mod.ts";
import type { SaeCoder } from "../sae/coder.ts";
import { placeOf } from "../sae/types.ts";
import { few, spans } from "../structure/fit.ts";
import { type FoldChains, keptResidues } from "./input.ts";
import type { LanguageVisitor } from "./model.ts";

/** What is changed, as options say it. */
export interface ChangeFlags {
  /** Residues that the language model is not shown, from 1 on through all chains. */
  mask?: readonly number[];
  /** Heads that give nothing. */
  ablateHeads?: readonly HeadName[];
  /** Latents held at values. */
  steer?: readonly Steering[];
  /** Their autoencoder. */
  sae?: string;
  /** Folder of an adapter. */
  adapter?: string;
}

/** Options that change it. */
const CHANGES = ["mask", "ablateHeads", "steer", "adapter"] as const;

/** Whether anything is changed. */
export const isChanged = (flags: ChangeFlags): boolean =>
  CHANGES.some((name) => flags[name] !== undefined);

/**
 * Checks what can be told before a model is opened.
 *
 * @throws {UserError} for latents without an autoencoder, and the other way round
 */
export function checkChange({ steer, sae }: ChangeFlags): void {
  if (steer !== undefined && sae === undefined) {
    throw new UserError("Cannot use --steer as --sae must be given with it: current value is none");
  }
  if (sae !== undefined && steer === undefined) {
    throw new UserError("Cannot use --sae as --steer must be given with it: current value is none");
  }
}

/** Checks a change against the model and the proteins. @throws {UserError} for what is not there */
export function checkChangeOf(
  { mask = [], ablateHeads = [], steer = [] }: ChangeFlags,
  config: Esm2Config,
  proteins: readonly FoldChains[],
  latents = 0,
): void {
  checkHeads(ablateHeads, config, "--ablate-heads");
  if (steer.length > 0) checkSteerings(steer, latents);
  for (const chains of proteins) {
    const length = keptResidues(chains).length, bad = mask.find((residue) => residue > length);
    if (bad === undefined) continue;
    throw new UserError(
      `Cannot hide residues of ${chains.id} as --mask must be in 1..${length}: current value is ${bad}`,
    );
  }
}

/** A change in words: "residues 3-5 hidden, head 1:2 ablated". */
export function changeText(
  { mask = [], ablateHeads = [], steer = [] }: ChangeFlags,
  adapter?: string,
): string {
  const many = (count: number, one: string) => count === 1 ? one : `${one}s`;
  const heads = ablateHeads.map(({ layer, head }) => `${layer}:${head}`);
  const latents = steer.map(({ latent, kind, amount }) =>
    `${latent} at ${amount}${kind === "max" ? " × its maximum" : ""}`
  );
  return [
    mask.length > 0 && `${many(mask.length, "residue")} ${spans(mask)} hidden`,
    heads.length > 0 && `${many(heads.length, "head")} ${few(heads)} ablated`,
    latents.length > 0 && `${many(latents.length, "latent")} ${few(latents)}`,
    adapter !== undefined && `with the adapter ${adapter}`,
  ].filter((part) => part !== false).join(", ");
}

/** 0-based residues as they are folded, with linkers, of those that options name. */
export function maskedOf(mask: readonly number[], chains: FoldChains): ReadonlySet<number> {
  const kept = keptResidues(chains);
  return new Set(mask.map((residue) => kept[residue - 1]));
}

/** What of a pass heads and latents change; undefined where that is nothing. */
export function visitorOf(
  { ablateHeads = [], steer = [] }: ChangeFlags,
  chains: FoldChains,
  backend: Backend,
  coder?: SaeCoder,
): LanguageVisitor | undefined {
  if (ablateHeads.length === 0 && steer.length === 0) return undefined;
  return {
    ...ablation(ablateHeads, backend),
    ...(coder ? steering(steer, chains, coder, backend) : { wantsHidden: () => false }),
  };
}

/** Heads give nothing: zero before the output projection, whose bias stays. */
function ablation(heads: readonly HeadName[], backend: Backend): LanguageVisitor {
  return {
    wantsPart: (name, layer) => name === "heads" && heads.some((one) => one.layer === layer),
    async part({ layer, begin, end, tensor, replace }: BlockPart) {
      const own = heads.filter((one) => one.layer === layer && one.head >= begin && one.head < end);
      if (own.length === 0) return;
      const [size, count, width, depth] = tensor.shape, values = await tensor.read();
      for (let member = 0; member < size; member++) {
        for (const { head } of own) {
          const at = (member * count + head - begin) * width * depth;
          values.fill(0, at, at + width * depth);
        }
      }
      replace(backend.upload("ablated", tensor.shape, values));
    },
  };
}

/**
 * Latents of every residue but linkers' are held at values where the autoencoder reads; the rest of the state
 * stays.
 */
function steering(
  steerings: readonly Steering[],
  chains: FoldChains,
  coder: SaeCoder,
  backend: Backend,
): LanguageVisitor {
  const space = new LatentSpace(coder.sae), place = placeOf(coder.sae.config);
  // Behind <cls>.
  const tokens = keptResidues(chains).map((residue) => residue + 1);
  const steered = async (hidden: Tensor, { ids }: TokenBatch): Promise<Tensor> => {
    const { latents, scale } = await coder.encode(hidden);
    const capture: Capture = {
      ...{ ids: Int32Array.from(ids), hidden: await hidden.read(), latents, scale },
    };
    const edit = steeringEdit(capture, tokens, steerings, [capture]);
    using states = new StateBatch(capture, space, backend, 1);
    return await states.edited([{ edit }], () => Promise.resolve(states.snapshot()));
  };
  if (place === "last") return { wantsHidden: () => false, normalised: steered };
  return {
    wantsHidden: (depth) => depth === place,
    hidden: async ({ hidden, batch, replace }) => replace(await steered(hidden, batch)),
  };
}
