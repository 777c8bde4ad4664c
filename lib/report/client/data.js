// @ts-check
/// <reference lib="dom" />
/** Data that a page carries. */

/** @param {ParentNode} within @param {string} name */
export function jsonOf(within, name) {
  const text = within.querySelector(`script[data-name="${name}"]`)?.textContent;
  return text ? JSON.parse(text) : undefined;
}

/** Bytes that were packed with gzip and base64.
 * @param {string} text @returns {Promise<Uint8Array>} */
export async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** @param {ParentNode} within @param {string} name @returns {Promise<Uint8Array | undefined>} */
export async function bytesOf(within, name) {
  const text = within.querySelector(`script[data-name="${name}"]`)?.textContent;
  return text === undefined || text === null ? undefined : await unpack(text);
}

/** @param {ParentNode} within @param {string} name @returns {Promise<Float32Array | undefined>} */
export async function floatsOf(within, name) {
  const bytes = await bytesOf(within, name);
  return bytes && new Float32Array(bytes.buffer, 0, bytes.length >> 2);
}

/** @param {ParentNode} within @param {string} name @returns {Promise<Float64Array | undefined>} */
export async function doublesOf(within, name) {
  const bytes = await bytesOf(within, name);
  return bytes && new Float64Array(bytes.buffer, 0, bytes.length >> 3);
}

/** @param {ParentNode} within @param {string} name @returns {Promise<Uint32Array | undefined>} */
export async function integersOf(within, name) {
  const bytes = await bytesOf(within, name);
  return bytes && new Uint32Array(bytes.buffer, 0, bytes.length >> 2);
}
