/** How the reports name places and values. */
import { short } from "../../report/client/numbers.js";
import type { MutationView, ProteinView } from "./types.ts";

/** Letter and number of a token: `V45`, `<cls>`, `<eos>`. */
export function tokenName(token: number, { residues, offset }: ProteinView): string {
  if (token === 0) return "<cls>";
  return token > residues.length ? "<eos>" : `${residues[token - 1]}${token + offset - 1}`;
}

/** A latent, or the error term, in words. */
export const latentTitle = (latent: number): string =>
  latent < 0 ? "the error term" : `latent ${latent}`;

/** With a sign. */
export const signed = (value: number): string => (value > 0 ? "+" : "") + short(value);

/** Mutations of some results, whatever the layer. */
export const mutationsOf = (results: readonly MutationView[]): number =>
  new Set(results.map(keyOf)).size;

/** One text a mutation, whatever the layer. */
export const keyOf = ({ protein, mutation }: MutationView): string => `${protein.id}\n${mutation}`;

/** `1 latent`, `3 latents`, `no latents`. */
export const plural = (count: number, noun: string, ending = "s"): string =>
  `${count === 0 ? "no" : count} ${noun}${count === 1 ? "" : ending}`;
