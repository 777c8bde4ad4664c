import { deepEqual, equal, match, throws } from "../../tests/assert.ts";
import { choice, positiveInteger } from "../cli/parsers.ts";
import { listOf } from "./options.ts";
import { HOST_SHAPES } from "./host_rows.ts";
import { planBench } from "./plan.ts";
import { SHAPES } from "../checkpoint/random.ts";

const small = { cores: 2, hasGpu: false };

Deno.test("planBench() takes WebGPU only on a real GPU, and 1 and all threads of the CPU", () => {
  const names = (options: Parameters<typeof planBench>[0], machine = small) =>
    planBench(options, machine).backends.map(({ name, threads }) => `${name}${threads ?? ""}`);
  deepEqual(names({ quick: false }), ["cpu1", "cpu2", "wasm"]);
  deepEqual(names({ quick: true }), ["cpu1", "cpu2"]);
  deepEqual(names({ quick: true }, { cores: 1, hasGpu: true }), ["webgpu", "cpu1"]);
  deepEqual(names({ quick: false, backend: ["webgpu"] }), ["webgpu"]);
  deepEqual(names({ quick: true, threads: [4, 4, 8] }), ["cpu4", "cpu8"]);
});

Deno.test("planBench() leaves out threads unless they are asked for", () => {
  deepEqual(planBench({ quick: true }, small).sections, [
    "kernels",
    "models",
    "host",
    "memory",
    "analyses",
  ]);
  deepEqual(planBench({ quick: true, only: ["threads"] }, small).sections, ["threads"]);
});

Deno.test("planBench() measures peers alone where they are asked for, on sizes and lengths of their own", () => {
  deepEqual(planBench({ quick: true, peers: true }, small).sections, ["peers"]);
  deepEqual(planBench({ quick: true, peers: true, only: ["host"] }, small).sections, [
    "host",
    "peers",
  ]);
  const { peers } = planBench({ quick: false, peers: true }, small);
  deepEqual(peers.map(({ shape, threads }) => `${shape} ${threads}`), [
    ...["8M 1", "8M 2", "35M 1", "35M 2", "150M 1", "150M 2"],
  ]);
  deepEqual(peers[0].tokens, [32, 66, 258, 414, 1022]);
  const named = planBench({ quick: false, shapes: ["35M"], lengths: [7], threads: [1] }, small);
  deepEqual(named.peers.map(({ shape, tokens }) => ({ shape, tokens })), [
    { shape: "35M", tokens: [9] },
  ]);
});

Deno.test("planBench() leaves out large default cases and says so, but no case that was named", () => {
  const plan = planBench({ quick: false, shapes: ["8M"] }, small);
  const cases = plan.models.cpu.map(({ residues, batch }) => `${batch}x${residues}`);
  deepEqual(cases, ["1x64", "8x64", "32x64", "1x256", "8x256", "1x412", "1x1022"]);
  match(plan.notes[0], /models on cpu: 5 of 12 cases of more than 2200 tokens/);
  const named = planBench({ quick: true, lengths: [1022], batches: [32] }, small);
  deepEqual(named.models.cpu, [{ shape: "8M", residues: 1022, batch: 32 }]);
  deepEqual(named.notes, []);
});

Deno.test("planBench() measures a few residues on a GPU, where only the host has work", () => {
  const { models } = planBench({ quick: false }, { cores: 2, hasGpu: true });
  equal(models.webgpu[0].residues, 6);
  equal(models.cpu[0].residues, 64);
});

Deno.test("planBench() measures the host's time with as many blocks as 650M has, GPU or not", () => {
  const shapes = (options: Parameters<typeof planBench>[0], hasGpu: boolean) =>
    planBench(options, { cores: 2, hasGpu }).host.map(({ shape, residues }) =>
      `${shape} ${residues}`
    );
  deepEqual(shapes({ quick: true }, false), ["8M 64", "33 blocks of 8M 64"]);
  deepEqual(shapes({ quick: false }, true), ["8M 64", "8M 412", "35M 64", "35M 412"]);
  deepEqual(shapes({ quick: false, shapes: ["650M"], lengths: [7] }, true), ["650M 7"]);
  equal(HOST_SHAPES["33 blocks of 8M"].layers, SHAPES["650M"].layers);
});

Deno.test("planBench() measures memory of the cpu backend only", () => {
  deepEqual(planBench({ quick: true }, small).memory.map(({ tokens }) => tokens), [1024]);
  deepEqual(planBench({ quick: true, backend: ["wasm"] }, small).memory, []);
});

Deno.test("listOf() reads each value once and names the flag of a wrong one", () => {
  deepEqual(listOf(positiveInteger())("8, 1,8", "--batches"), [8, 1]);
  throws(() => listOf(positiveInteger())("8,,1", "--batches"), /Cannot read --batches .*"8,,1"/);
  throws(() => listOf(choice("8M"))("8M,3B", "--shapes"), /--shapes .*one of 8M.*"3B"/);
});
