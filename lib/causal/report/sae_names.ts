/** How the report names places and values. */
import type { MutationView, ProteinView } from "./sae_types.ts";
import { short } from "../../report/scale.ts";

/** Letter and number of a token: `V45`, `<cls>`, `<eos>`. */
export function tokenName(token: number, { residues, offset }: ProteinView): string {
  if (token === 0) return "<cls>";
  return token > residues.length ? "<eos>" : `${residues[token - 1]}${token + offset - 1}`;
}

/** The name of a latent; the error term is none. */
export const latentLabel = (latent: number): string => latent < 0 ? "error term" : `${latent}`;

/** With a sign and three digits always. */
export const signed = (value: number): string =>
  value > 0 ? `+${short(value, true)}` : short(value, true);

/** A share in per cent; nothing has no sign. */
export function percent(share: number): string {
  if (Number.isNaN(share)) return "–";
  const text = (100 * share).toFixed(Math.abs(share) < 0.1 ? 1 : 0);
  return `${Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−")} %`;
}

/** Mutations of some results, whatever the layer. */
export function mutationsOf(results: readonly MutationView[]): number {
  return new Set(results.map(({ protein, mutation }) => `${protein.id}\n${mutation}`)).size;
}

/** Protein and mutation; the mutation alone where there is one protein. */
export const mutationName = ({ protein, mutation }: MutationView, several: boolean): string =>
  several ? `${protein.id} ${mutation}` : mutation;

export const severalProteins = (results: readonly { protein: ProteinView }[]): boolean =>
  new Set(results.map(({ protein }) => protein.id)).size > 1;

export const plural = (count: number, noun: string, ending = "s"): string =>
  `${count} ${noun}${count === 1 ? "" : ending}`;
