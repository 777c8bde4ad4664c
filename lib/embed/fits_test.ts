import { rejects } from "../../tests/assert.ts";
import type { Esm2 } from "../esm2/mod.ts";
import { checkFits } from "./fits.ts";
import { partsOf } from "./units.ts";

const config = { layers: 6, dModel: 320, heads: 20, headDim: 16, ffn: 1280, tokenDropout: true };
const host = { config, backend: { tensorLimit: { hard: false, bytes: 2 ** 25 } } } as Esm2;
const gpu = { config, backend: { tensorLimit: { hard: true, bytes: 2 ** 27 }, gpu: {} } } as Esm2;
const GIB = 2 ** 30;

function proteinsOf(longest: number) {
  async function* read() {
    yield { id: "short", residues: "M" };
    yield { id: "titin", residues: "M".repeat(longest) };
    await Promise.resolve();
  }
  return { longest, read };
}

Deno.test("checkFits names the protein that does not fit, and what would need less", async () => {
  const plan = { places: ["last" as const], pools: ["mean" as const] };
  const parts = partsOf(plan, 320), maps = partsOf({ ...plan, contacts: {} as never }, 320);
  const long = proteinsOf(34_350);
  const refused = (
    how: { long?: "windows" | "truncate"; window?: number },
    esm = host,
    kept = parts,
    available = 64 * GIB,
  ) => checkFits(esm, long, how, kept, available);
  await refused({});
  await rejects(
    () => refused({}, host, parts, 4 * GIB),
    /Cannot embed "titin" of 34350 residues as a pass of it must fit 4096 MiB .*; --long windows/,
  );
  await refused({ long: "windows", window: 1022 }, host, parts, GIB);
  await refused({ long: "truncate", window: 1022 }, gpu, parts, Infinity);
  await rejects(
    () => refused({}, gpu),
    /"titin" .* a tensor must be at most 128 MiB on this device/,
  );
  await rejects(
    () => refused({ long: "windows", window: 1022 }, host, maps),
    /one array of a protein must be at most 4096 MiB.*4502 MiB; a smaller --window/,
  );
  // What cannot be told is not refused.
  await refused({}, host, parts, Infinity);
});
