/** What the download tests share. */
import { createHash } from "node:crypto";
import { download, type DownloadOptions } from "./download.ts";
import { patternedBytes, type TestServer } from "./test_server.ts";

export const bytes = patternedBytes(300_000);
export const sha256 = sha(bytes);
export const etag = '"one"';

/** Retries at once. */
export const noWait = { delayMs: () => 0, sleep: () => Promise.resolve() };

export function sha(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Runs the test with a folder that is deleted afterwards. */
export async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "esmscope-hub-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The same with the final name of a download, whose own folder is still missing. */
export function forFile(test: (path: string, folder: string) => Promise<void>): Promise<void> {
  return inFolder((folder) => test(`${folder}/sub/model.safetensors`, folder));
}

/** What lies in the folder of a file. */
export function namesIn(path: string): string[] {
  const folder = path.replace(/\/[^/]*$/, "");
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** Downloads the server's file, by default expecting {@link bytes} and without waiting. */
export function get(
  server: TestServer,
  path: string,
  more: Partial<DownloadOptions> = {},
): Promise<boolean> {
  return download({ url: `${server.url}/f`, path, sha256, retry: noWait, ...more });
}
