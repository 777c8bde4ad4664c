import { equal, ok } from "../../tests/assert.ts";
import { openCpu } from "../backend/cpu.ts";
import { GemmCeiling, passFlops } from "./gemm_ceiling.ts";

Deno.test("passFlops counts the products of blocks and head, of the rows that are wanted", () => {
  // Two blocks of width 10 on three tokens: 24 D² + 4 T D each; the head has D + 33 outputs.
  const config = { dModel: 10, layers: 2 };
  equal(passFlops(config, 3), 2 * 3 * (2400 + 120) + 3 * 20 * 43);
  // One row of the last block lacks only what two rows do besides keys and values, and their logits.
  equal(passFlops(config, 3) - passFlops(config, 3, 1), 2 * (2000 + 120) + 2 * 20 * 43);
});

Deno.test("GemmCeiling runs a product of the operations that it tells", async () => {
  await using backend = await openCpu({ threads: 1 });
  await using ceiling = await GemmCeiling.open(backend);
  ok(ceiling.flops > 1e9);
  await ceiling.run();
  await ceiling.run();
});
