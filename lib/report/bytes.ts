/** Arrays as text in a page, for its script to read. */
import { Markup, markup } from "./markup.ts";

/** An element that holds the bytes of an array, little-endian, as base64. */
export function bytesScript(className: string, values: Uint8Array | Float32Array): Markup {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return markup`<script type="text/plain" class="${className}">${new Markup(
    base64(bytes),
  )}</script>`;
}

function base64(bytes: Uint8Array): string {
  const parts: string[] = [];
  // A multiple of three bytes per piece keeps the padding at the very end.
  for (let at = 0; at < bytes.length; at += 30_000) {
    parts.push(btoa(String.fromCharCode(...bytes.subarray(at, at + 30_000))));
  }
  return parts.join("");
}
