/** What a file's name or folder says of an autoencoder. */

/** `…_l24_sae4096.safetensors` (InterProt), `layer_3/ae_normalized.pt` (InterPLM), `layer_2.safetensors`. */
const LAYER = /(?:^|[_-])(?:l|layer[_-]?)(\d{1,3})(?=[_.-]|$)/;

/** `…_sae4096_k128_211k.safetensors`, `…_sae8192_k16_auxk640.safetensors` (InterProt). */
const K = /(?:^|[_-])k(\d{1,5})(?=[_.-]|$)/;

/** The layer of the file's name, otherwise of its folder's, or undefined. */
export const depthOfPath = (path: string): number | undefined => numberOf(path, LAYER);

/** The number of latents that stay active per token, in the same way. */
export const kOfPath = (path: string): number | undefined => numberOf(path, K);

function numberOf(path: string, pattern: RegExp): number | undefined {
  const [file, folder] = path.split(/[\\/]/).reverse();
  const found = pattern.exec(file ?? "") ?? pattern.exec(folder ?? "");
  return found ? Number(found[1]) : undefined;
}
