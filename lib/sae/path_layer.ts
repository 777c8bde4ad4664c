/** What a file's name or folder says of an autoencoder. */

/** `…_l24_sae4096.safetensors` (InterProt), `layer_3/ae_normalized.pt` (InterPLM), `layer_2.safetensors`. */
const LAYER = /(?:^|[_-])(?:l|layer[_-]?)(\d{1,3})(?=[_.-]|$)/;

/** `…_sae4096_k128_211k.safetensors`, `…_sae8192_k16_auxk640.safetensors` (InterProt). */
const K = /(?:^|[_-])k(\d{1,5})(?=[_.-]|$)/;

/** The layer of the file's name, otherwise of its folder's (`layer_3`, `layers.2`), or undefined. */
export const depthOfPath = (path: string): number | undefined =>
  numberOf(path, LAYER) ?? depthOfHook(path.split(/[\\/]/).slice(-2).join("/"));

/**
 * Blocks that have run at a place of a model as modules and hooks are named, which count from 0:
 * `esm.encoder.layer.2`, `layers.2` and `blocks.2.hook_resid_post` are the output of the third block,
 * `blocks.2.hook_resid_pre` is its input.
 */
export function depthOfHook(name: string): number | undefined {
  const found = /(?:^|[./\\_-])(?:layers?|blocks|h)\.(\d{1,3})(?=[./\\]|$)/.exec(name);
  if (!found) return undefined;
  return Number(found[1]) + (/resid_pre/.test(name) ? 0 : 1);
}

/** The number of latents that stay active per token, in the same way. */
export const kOfPath = (path: string): number | undefined => numberOf(path, K);

function numberOf(path: string, pattern: RegExp): number | undefined {
  const [file, folder] = path.split(/[\\/]/).reverse();
  const found = pattern.exec(file ?? "") ?? pattern.exec(folder ?? "");
  return found ? Number(found[1]) : undefined;
}
