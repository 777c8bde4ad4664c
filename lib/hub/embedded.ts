/** The small demonstration model that comes with the project, wherever the project was loaded from. */
import config from "../../models/esm2_t6_1M_PF20/config.json" with { type: "json" };
import { type Checkpoint, openCheckpoint, openSafetensorsBytes } from "../checkpoint/mod.ts";
import { bytesRandomAccess, openRandomAccess, type RandomAccess } from "../io/random_access.ts";

export const EMBEDDED_NAME = "esm2_t6_1M_PF20";
/** Width of its residual stream. */
export const EMBEDDED_WIDTH: number = config.hidden_size;

const folder = new URL(`../../models/${EMBEDDED_NAME}/`, import.meta.url);

/**
 * Opens the embedded checkpoint from disk, or over HTTP when the project itself runs from a URL.
 *
 * @throws {Error} if the server does not have the file
 */
export async function openEmbedded(signal?: AbortSignal): Promise<Checkpoint> {
  if (folder.protocol === "file:") return await openCheckpoint(pathOf(folder));
  const url = new URL("model.safetensors", folder);
  return await openSafetensorsBytes(EMBEDDED_NAME, config, await bytesOf(url, signal));
}

/** Layers of the embedded model for which an autoencoder comes with it. */
export const EMBEDDED_SAE_LAYERS: readonly number[] = [1, 2, 3, 4, 5];
/** The one that is used where none is named: its latents tell families apart, and still letters. */
export const EMBEDDED_SAE_LAYER = 4;

/**
 * Opens the file of an embedded sparse autoencoder, from disk or over HTTP like the model.
 *
 * @throws {Error} if it is not there
 */
export function openEmbeddedSae(layer: number, signal?: AbortSignal): Promise<RandomAccess> {
  return openBeside(`sae/layer_${layer}.safetensors`, signal);
}

/** Opens the file of the embedded model's tuned lens. @throws {Error} if it is not there */
export function openEmbeddedLens(signal?: AbortSignal): Promise<RandomAccess> {
  return openBeside("lens/tuned.safetensors", signal);
}

async function openBeside(name: string, signal?: AbortSignal): Promise<RandomAccess> {
  const url = new URL(name, folder);
  if (url.protocol === "file:") return await openRandomAccess(pathOf(url));
  return bytesRandomAccess(url.href, await bytesOf(url, signal));
}

async function bytesOf(url: URL, signal?: AbortSignal): Promise<Uint8Array> {
  const response = await fetch(url, { signal });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`Cannot load the embedded model from ${url}: HTTP ${response.status}`);
  }
  return await response.bytes();
}

function pathOf(url: URL): string {
  const path = decodeURIComponent(url.pathname).replace(/\/$/, "");
  return Deno.build.os === "windows" ? path.slice(1).replaceAll("/", "\\") : path;
}
