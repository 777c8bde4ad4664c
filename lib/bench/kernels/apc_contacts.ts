/** Attention contacts: what one block's heads add to a contact map. */
import {
  type ApcCase,
  BENCH_CASES,
  bytes,
  flops,
  randomPattern,
} from "../../../kernels/apc_contacts/apc_contacts_cases.ts";
import { ApcContacts, apcContacts } from "../../../kernels/apc_contacts/mod.ts";
import { apcContactsReference } from "../../../kernels/apc_contacts/reference.ts";
import type { Pattern } from "../../../kernels/apc_contacts/types.ts";
import { type KernelBench, mustBe } from "./bench.ts";

const KERNEL = "apc_contacts";
/** A typical head; heads repeat, because drawing them all would take longer than timing them. */
const SHARPNESS = 1, KINDS = 4;

function repeatedPattern(shape: ApcCase): Pattern {
  const { batch, heads, tokens } = shape, size = tokens * tokens;
  const kinds = Array.from(
    { length: KINDS },
    (_, i) => randomPattern({ batch: 1, heads: 1, tokens }, i, SHARPNESS).data,
  );
  const data = new Float32Array(batch * heads * size);
  for (let head = 0; head < batch * heads; head++) data.set(kinds[head % KINDS], head * size);
  return { ...shape, data };
}

function apcBench(shape: ApcCase): KernelBench {
  const { name, batch, heads, tokens } = shape;
  const residues = Uint32Array.from({ length: 2 * batch }, (_, i) => i % 2 ? tokens - 1 : 1);
  const weights = Float32Array.from({ length: heads }, (_, h) => (h % 5) - 1.5);
  const area = batch * tokens * tokens;
  /** Entries are at most 2 per head; sums of T terms in the correction are relative to as much. */
  const isNear = (found: ArrayLike<number>, expected: ArrayLike<number>, roundings: number) =>
    found.length === expected.length &&
    Array.from(found).every((x, i) => Math.abs(x - expected[i]) <= 2 ** -24 * heads * roundings);
  return {
    kernel: KERNEL,
    shape: name,
    dtype: "f32",
    bytes: bytes(shape),
    flops: flops(shape),
    setBytes: 4 * heads * area,
    async gpu(ctx, { sets }) {
      const owned = new DisposableStack(), kernel = await ApcContacts.create(ctx);
      const pattern = repeatedPattern(shape);
      const inputs = Array.from(
        { length: sets },
        () => owned.use(ctx.upload("pattern", [batch, heads, tokens, tokens], pattern.data)),
      );
      const ranges = owned.use(ctx.upload("residues", [batch, 2], residues));
      const perHead = owned.use(ctx.upload("weights", [heads], weights));
      const map = owned.use(ctx.alloc("contacts", [batch, tokens, tokens], "f32"));
      const scratch = owned.use(kernel.alloc(inputs[0]));
      return {
        encode: (e, set) => kernel.encode(e, inputs[set % sets], ranges, perHead, map, scratch),
        async verify() {
          const twin = new Float32Array(area);
          apcContacts(pattern, residues, weights, twin);
          mustBe(isNear(await ctx.read(map), twin, 8 + tokens / 4), KERNEL, name);
        },
        [Symbol.dispose]: () => owned.dispose(),
      };
    },
    cpu({ sets }) {
      const pattern = repeatedPattern(shape);
      const patterns = Array.from(
        { length: sets },
        () => ({ ...pattern, data: pattern.data.slice() }),
      );
      const map = new Float32Array(area);
      apcContacts(pattern, residues, weights, map);
      // Double precision inside: the rounding of the result.
      const expected = apcContactsReference(pattern, residues, weights);
      mustBe(isNear(map, expected, 2), KERNEL, name);
      return { run: (set) => apcContacts(patterns[set % sets], residues, weights, map) };
    },
  };
}

export const apcContactsBenches: readonly KernelBench[] = BENCH_CASES.map(apcBench);
