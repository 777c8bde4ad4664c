/** Training steps in a process of their own, for its peak memory; prints one JSON line. */
import process from "node:process";
import { type ShapeName, SHAPES } from "../checkpoint/random.ts";
import { peakMemoryBytes } from "../provenance.ts";
import { openBenchBackend } from "./backends.ts";
import { type TrainingCase, TrainingStep } from "./training_step.ts";

/** What is run. */
export interface TrainingMemoryCase extends Omit<TrainingCase, "config"> {
  shape: ShapeName;
  steps: number;
}

/** What was found. */
export interface TrainingMemory {
  /** Resident bytes before a weight was read. */
  beforeBytes: number;
  /** Largest resident bytes until the end. */
  peakBytes: number;
  trained: number;
  /** Of the last step. */
  stepMs: number;
  norm: number;
}

async function measure({ shape, steps, ...one }: TrainingMemoryCase): Promise<TrainingMemory> {
  await using backend = await openBenchBackend({ name: "cpu" });
  const beforeBytes = process.memoryUsage.rss();
  await using training = await TrainingStep.open(backend, { ...one, config: SHAPES[shape] });
  let stepMs = 0, norm = 0;
  for (let i = 0; i < steps; i++) {
    const begin = performance.now();
    norm = await training.step();
    stepMs = performance.now() - begin;
  }
  return { beforeBytes, peakBytes: peakMemoryBytes(), trained: training.count, stepMs, norm };
}

if (import.meta.main) console.log(JSON.stringify(await measure(JSON.parse(Deno.args[0]))));
