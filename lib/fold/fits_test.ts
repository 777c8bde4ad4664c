import { ok, throws } from "../../tests/assert.ts";
import { ESMFOLD_V1 } from "./config.ts";
import { checkFoldsFit, checkTensorsFit, foldBytes } from "./fits.ts";
import { foldChains } from "./input.ts";

/** The published model. */
const needs = {
  config: ESMFOLD_V1,
  esm: { layers: 36, dModel: 2560, heads: 40, headDim: 64, ffn: 10240, tokenDropout: true },
};
const GIB = 2 ** 30;
const proteins = ["short", "long", "middle"].map((id, n) =>
  foldChains({ id, residues: "M".repeat([10, 700, 300][n]) })
);

Deno.test("checkFoldsFit names the longest protein, what it needs and what there is", () => {
  checkFoldsFit(needs, proteins, 24 * GIB);
  throws(
    () => checkFoldsFit(needs, proteins, 8 * GIB),
    /Cannot fold "long" of 700 residues as it must fit the 8,192 MiB of memory that there are: it needs 1\d,\d{3} MiB; --low-memory needs less$/,
  );
  checkFoldsFit({ ...needs, lowMemory: true }, proteins, 8 * GIB);
  throws(
    () => checkFoldsFit({ ...needs, lowMemory: true }, proteins, GIB),
    /it needs \d,\d{3} MiB$/,
  );
  // What cannot be told is not refused.
  checkFoldsFit(needs, proteins, Infinity);
});

Deno.test("foldBytes() grows with the square of the length, as the map of pairs does", () => {
  const of = (length: number) => foldBytes({ ...needs, lowMemory: true }, length);
  const maps = (of(4096) - of(2048)) / (512 * (4096 ** 2 - 2048 ** 2));
  ok(maps > 2 && maps < 4, `${maps} maps`);
  // All weights in single precision.
  const weights = foldBytes(needs, 64) - of(64);
  ok(weights > 13e9 && weights < 14.2e9, `${weights}`);
});

Deno.test("checkTensorsFit refuses what a device's tensors cannot hold", () => {
  const device = (bytes: number) => ({
    tensorLimit: { bytes, hard: true, fastAttentionBytes: bytes },
  });
  checkTensorsFit(needs, proteins, device(2 ** 27));
  throws(
    () => checkTensorsFit(needs, proteins, device(2 ** 22)),
    /"long" of 700 residues as a tensor must be at most 4194304 bytes .* use --backend cpu/,
  );
  checkTensorsFit(needs, proteins, { tensorLimit: { ...device(1).tensorLimit, hard: false } });
});
