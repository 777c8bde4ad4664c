/** The layer that a file's name or folder names. */

/** `…_l24_sae4096.safetensors` (InterProt), `layer_3/ae_normalized.pt` (InterPLM), `layer_2.safetensors`. */
const LAYER = /(?:^|[_-])(?:l|layer[_-]?)(\d{1,3})(?=[_.-]|$)/;

/** The layer of the file's name, otherwise of its folder's, or undefined. */
export function depthOfPath(path: string): number | undefined {
  const [file, folder] = path.split(/[\\/]/).reverse();
  const found = LAYER.exec(file ?? "") ?? LAYER.exec(folder ?? "");
  return found ? Number(found[1]) : undefined;
}
