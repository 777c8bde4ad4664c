/** Forward passes beside other programs' on the same weights, in turn: for comparison, no dependency. */
import type { Backend } from "../backend/mod.ts";
import { randomCheckpoint, type ShapeName, SHAPES } from "../checkpoint/random.ts";
import { Esm2, type PlannedBatch } from "../esm2/mod.ts";
import { wholeGraphOfIds } from "../esm2/whole_graph.ts";
import { serialize } from "../onnx/serialize.ts";
import { openBenchBackend, openTunedCpu } from "./backends.ts";
import { interleave, type Variant } from "./interleave.ts";
import { LineProcess, PYTHONS } from "./line_process.ts";
import { enginePass, relativeDifference } from "./passes.ts";
import { writeRandomCheckpoint } from "./random_folder.ts";
import { randomBatch } from "./sequences.ts";
import { pairedRatio, spreadOf } from "./statistics.ts";
import torchScript from "./torch_forward.py" with { type: "text" };
import type { PeerAnswer, PeerRequest, TransformersSpec } from "./transformers_child.ts";
import type { PeerName, PeerRow } from "./types.ts";
import { WholeModel } from "./whole_model.ts";

export interface PeerCase {
  shape: ShapeName;
  threads: number;
  /** Tokens of the one sequence. */
  tokens: readonly number[];
  /** Time for each length. */
  budgetMs: number;
}

export interface PeerRowsOptions {
  /** Which, where they are here. @default all */
  peers?: readonly PeerName[];
  signal?: AbortSignal;
  /** A length is measured. */
  onRows?(rows: readonly PeerRow[]): void;
}

/** Threads that spin would slow down whoever is next; OpenBLAS's, of PyTorch, do for tens of milliseconds. */
const PAUSE_MS = 150;

/** Passes follow one another for so long, as in a command: threads that sleep are woken by the first. */
const BURST_MS = 120;
const MOST_PASSES = 16;

/** Other programs work in another order: as far as single precision may lead them apart. */
const MOST_DIFFERENCE = 1e-3;

/** Opens one of them with the weights of a folder. */
type Open = (root: string, shape: ShapeName, threads: number) => Promise<Peer | Missing>;

const OPEN: Record<PeerName, Open> = {
  "whole graph": openWhole,
  "transformers.js": openTransformers,
  "PyTorch": openTorch,
};

interface Peer extends AsyncDisposable {
  name: PeerName;
  version: string;
  /** A pass of these tokens. */
  logits(batch: PlannedBatch): Promise<Float32Array>;
  /** Another pass of the same. @returns its milliseconds, where the peer measures them itself */
  pass(batch: PlannedBatch): Promise<number | void>;
}

/** One row per peer and length; notes tell which peers are not here. */
export async function peerRows(
  cases: readonly PeerCase[],
  { peers = Object.keys(OPEN) as PeerName[], signal, onRows }: PeerRowsOptions = {},
): Promise<{ rows: PeerRow[]; notes: string[] }> {
  const rows: PeerRow[] = [], notes = new Set<string>();
  for (const shape of new Set(cases.map((one) => one.shape))) {
    const root = await Deno.makeTempDir({ prefix: "esmscope-peers-" });
    try {
      await writeModel(root, shape, Math.max(...cases.flatMap(({ tokens }) => tokens)));
      for (const one of cases.filter((one) => one.shape === shape)) {
        await using opened = await openAll(root, one, peers, (note) => notes.add(note));
        for (const tokens of one.tokens) {
          signal?.throwIfAborted();
          const found = await rowsOf(opened, one, tokens, signal);
          rows.push(...found);
          onRows?.(found);
        }
      }
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  }
  return { rows, notes: [...notes] };
}

/** The weights as the peers read them: a Hugging Face folder that holds an ONNX file too. */
async function writeModel(root: string, shape: ShapeName, mostTokens: number): Promise<void> {
  const dir = `${root}/${shape}`, config = SHAPES[shape];
  await writeRandomCheckpoint(dir, config);
  using checkpoint = randomCheckpoint(shape, config);
  await Deno.mkdir(`${dir}/onnx`);
  await Deno.writeFile(
    `${dir}/onnx/model.onnx`,
    serialize(await wholeGraphOfIds(checkpoint, 1, mostTokens)) as Uint8Array<ArrayBuffer>,
  );
}

interface Opened extends AsyncDisposable {
  engine: Esm2;
  peers: Peer[];
}

async function openAll(
  root: string,
  { shape, threads }: PeerCase,
  names: readonly PeerName[],
  onNote: (note: string) => void,
): Promise<Opened> {
  await using owned = new AsyncDisposableStack();
  const backend = owned.use(await openBenchBackend({ name: "cpu", threads }));
  // As commands open it that run as often.
  const engine = owned.use(
    await Esm2.open(randomCheckpoint(shape, SHAPES[shape]), backend, { prepack: {} }),
  );
  const peers: Peer[] = [];
  for (const name of names) {
    const peer = await OPEN[name](root, shape, threads);
    if ("missing" in peer) onNote(peer.missing);
    else peers.push(owned.use(peer));
  }
  const all = owned.move();
  return { engine, peers, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

interface Missing {
  missing: string;
}

/** onnxruntime's session of the whole model, with its own settings but the threads. */
async function openWhole(_: string, shape: ShapeName, threads: number): Promise<Peer> {
  const backend: Backend = await openTunedCpu("onnxruntime-node", { intraOpNumThreads: threads });
  const model = await WholeModel.open(randomCheckpoint(shape, SHAPES[shape]), backend, 1, false);
  return {
    ...{ name: "whole graph", version: "" },
    logits: (batch) => model.run(batch),
    pass: async (batch) => void await model.run(batch),
    async [Symbol.asyncDispose]() {
      await model[Symbol.asyncDispose]();
      await backend[Symbol.asyncDispose]();
    },
  };
}

async function openTransformers(
  root: string,
  shape: ShapeName,
  threads: number,
): Promise<Peer | Missing> {
  const spec: TransformersSpec = { root, model: shape, threads };
  const rights = ["read", "write", "env", "ffi", "sys"].map((name) => `--allow-${name}`);
  const child = new URL("transformers_child.ts", import.meta.url);
  const process = await LineProcess.start<{ version: string }>(Deno.execPath(), [
    // A package that the lock does not know: it is no dependency.
    ...["run", "--quiet", "--no-prompt", "--no-lock", ...rights, child.href],
    JSON.stringify(spec),
  ], { ORT_DISABLE_TELEMETRY: "1" });
  return process
    ? ofProcess("transformers.js", process, root)
    : { missing: "no rows of transformers.js: it could not be fetched or does not run here" };
}

async function openTorch(root: string, shape: ShapeName, threads: number): Promise<Peer | Missing> {
  const { layers, dModel: width, heads } = SHAPES[shape];
  const spec = { layers, width, heads, threads, file: `${root}/${shape}/model.safetensors` };
  for (const python of PYTHONS) {
    const args = ["-c", torchScript, JSON.stringify(spec)];
    const process = await LineProcess.start<{ version: string }>(python, args);
    if (process) return ofProcess("PyTorch", process, root);
  }
  return { missing: "no rows of PyTorch: no python3 with torch was found" };
}

function ofProcess(
  name: PeerName,
  process: LineProcess<{ version: string }>,
  root: string,
): Peer {
  const ask = (request: PeerRequest) => process.ask<PeerAnswer>(JSON.stringify(request));
  return {
    ...{ name, version: process.hello.version },
    async logits({ ids, size, width }) {
      const path = `${root}/logits.f32`;
      const rows = Array.from(
        { length: size },
        (_, b) => [...ids.subarray(b * width).subarray(0, width)],
      );
      await ask({ ids: rows, logits: path });
      return new Float32Array((await Deno.readFile(path)).buffer);
    },
    pass: async () => (await ask({})).ms,
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

async function rowsOf(
  { engine, peers }: Opened,
  { shape, threads, budgetMs }: PeerCase,
  tokens: number,
  signal?: AbortSignal,
): Promise<PeerRow[]> {
  const batch = randomBatch(tokens - 2, 1);
  const own = await enginePass(engine, batch, "none");
  // A wrong result has no speed.
  for (const peer of peers) {
    const difference = relativeDifference(own!, await peer.logits(batch));
    if (!(difference < MOST_DIFFERENCE)) {
      throw new Error(
        `Cannot time ${shape} beside ${peer.name} as its logits must be ours: they differ by ${difference}`,
      );
    }
  }
  const passes = {
    ours: async () => void await enginePass(engine, batch, "none"),
    ...Object.fromEntries(peers.map((peer) => [peer.name, () => peer.pass(batch)])),
  };
  const begin = performance.now();
  await passes.ours();
  const burst = Math.max(
    1,
    Math.min(MOST_PASSES, Math.round(BURST_MS / (performance.now() - begin))),
  );
  const variants = Object.entries(passes).map(([name, pass]): Variant => ({
    name,
    async run() {
      const start = performance.now();
      let own = 0;
      for (let i = 0; i < burst; i++) own += await pass() ?? NaN;
      return (Number.isNaN(own) ? performance.now() - start : own) / burst;
    },
  }));
  const ms = await interleave(variants, {
    ...{ budgetMs, least: 5, most: 60, pauseMs: threads > 1 ? PAUSE_MS : 0, signal },
  });
  return peers.map(({ name, version }): PeerRow => ({
    ...{ shape, threads, tokens, peer: name, ...(version && { version }) },
    ...{ oursMs: spreadOf(ms.ours), theirsMs: spreadOf(ms[name]) },
    ratio: pairedRatio(ms[name], ms.ours),
  }));
}
