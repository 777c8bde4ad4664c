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
import type { GpuTensor } from "../../gpu/mod.ts";
import { benchOf, isWithin, type KernelBench } from "./bench.ts";

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
  return benchOf({
    ...{ kernel: "apc_contacts", shape: name, bytes: bytes(shape), flops: flops(shape) },
    setBytes: 4 * heads * area,
    input: () => repeatedPattern(shape),
    twin(pattern) {
      const map = new Float32Array(area);
      apcContacts(pattern, residues, weights, map);
      return [map];
    },
    reference: (pattern) => [apcContactsReference(pattern, residues, weights)],
    /** Entries are at most 2 per head; sums of T terms in the correction are relative to as much. */
    isRight([found], expected, by) {
      const roundings = by === "wgsl" ? 8 + tokens / 4 : 2;
      return isWithin(found, expected()[0], 2 ** -24 * heads * roundings);
    },
    async device(ctx, own, { data }) {
      const kernel = await ApcContacts.create(ctx);
      const extents = [batch, heads, tokens, tokens];
      const ranges = own(ctx.upload("residues", [batch, 2], residues));
      const perHead = own(ctx.upload("weights", [heads], weights));
      const map = own(ctx.alloc("contacts", [batch, tokens, tokens], "f32"));
      const load = () => own(ctx.upload("pattern", extents, data));
      const first = load(), scratch = own(kernel.alloc(first));
      return {
        ...{ load, first },
        encode: (e, pattern: GpuTensor<"f32">) =>
          kernel.encode(e, pattern, ranges, perHead, map, scratch),
        outputs: [map],
      };
    },
  });
}

export const apcContactsBenches: readonly KernelBench[] = BENCH_CASES.map(apcBench);
