import { deepEqual } from "../../tests/assert.ts";
import type { PatchKind, PatchRow } from "./patch.ts";
import { type PatchResult, summarisePatches } from "./patch_tables.ts";

const row = (kind: PatchKind, latents: number, change: number): PatchRow => ({
  ...{ kind, latents, token: NaN, latent: NaN, matches: NaN, delta: NaN, displacement: 1 },
  ...{ wildActivation: NaN, mutantActivation: NaN, patchedActivation: NaN },
  ...{ baseline: 0, patched: change },
});
const result = (rows: PatchRow[]) => ({ layer: 2, rows }) as PatchResult;

Deno.test("summarisePatches keeps sets of different sizes apart, and all latents together", () => {
  const summary = summarisePatches([
    result([row("set", 5, 1), row("set", 20, -4), row("all", 31, 6)]),
    result([row("set", 5, -3), row("all", 40, 8)]),
  ]);
  deepEqual(
    summary.map(({ kind, latents, patches, meanAbsChange, maxAbsChange }) => [
      ...[kind, latents, patches, meanAbsChange, maxAbsChange],
    ]),
    [["set", 5, 2, 2, 3], ["set", 20, 1, 4, 4], ["all", NaN, 2, 7, 8]],
  );
});
