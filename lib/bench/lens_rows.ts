/** Layers read and mutants compared, on top of forward passes of the same tokens. */
import { examples } from "../../data/examples.ts";
import type { Backend } from "../backend/mod.ts";
import { Esm2, padBatch, planBatches, tokenize } from "../esm2/mod.ts";
import { identityLens, LensReader } from "../lens/mod.ts";
import { analyzeMutants } from "../sites/mutants.ts";
import { parseSites } from "../sites/parse_sites.ts";
import { enginePass } from "./passes.ts";
import { randomCheckpoint, SHAPES } from "../checkpoint/random.ts";
import { randomBatch } from "./sequences.ts";
import type { AnalysisRow } from "./types.ts";
import { warmAnalysis, type WarmOptions } from "./warm_analysis.ts";

const MASK = 32;

/** Both lenses at every hidden residue against plain passes of the same sequences. */
export const warmLensRow = (backend: Backend, options: WarmOptions): Promise<AnalysisRow> =>
  lensRow(backend, options, 66, true);

/** Both lenses at all residues of one run, most of what they can cost. */
export const warmSeenLensRow = (backend: Backend, options: WarmOptions): Promise<AnalysisRow> =>
  lensRow(backend, options, 412, false);

async function lensRow(
  backend: Backend,
  options: WarmOptions,
  residues: number,
  masked: boolean,
): Promise<AnalysisRow> {
  using checkpoint = randomCheckpoint("8M", SHAPES["8M"]);
  await using model = await Esm2.open(checkpoint, backend);
  const { config: { layers, dModel } } = model, { ids } = randomBatch(residues, 1);
  const tuned = identityLens(layers, dModel), { signal } = options;
  using reader = new LensReader(model, { tuned, tokenBudget: 1024, signal });
  const tokens = Array.from({ length: residues }, (_, r) => r + 1);
  const passes = masked
    ? tokens.map((token) => {
      const hidden = ids.slice();
      hidden[token] = MASK;
      return { ids: hidden, tokens: [token] };
    })
    : [{ ids, tokens }];
  const rows = passes.map(({ ids }) => ids);
  const plain = planBatches(rows, model.config, backend.tensorLimit, 1024);
  return await warmAnalysis(backend, {
    command: masked ? "lens" : "lens --unmasked",
    subject: `8M shape, ${residues} residues, logit and tuned lens`,
    yardstick: { config: model.config, tokens: Math.min(1024, rows.length * (residues + 2)) },
    async plain() {
      for (const batch of plain) await enginePass(model, batch, "none");
    },
    analysis: () => reader.read(passes),
  }, options);
}

/** A mutation of the A2A example with its 18 controls against a plain pass of each of the 20 sequences. */
export async function warmMutantRow(
  backend: Backend,
  options: WarmOptions,
): Promise<AnalysisRow> {
  const { a2a } = examples;
  using checkpoint = randomCheckpoint("8M", SHAPES["8M"]);
  await using model = await Esm2.open(checkpoint, backend);
  const row = tokenize(a2a),
    batch = { ...padBatch([row]), members: [0] },
    columns = a2a.residues.length;
  const sites = Uint32Array.from(
    parseSites(a2a.siteSets.published.sites.join(), a2a, "published"),
    ({ residue }) => residue - 1,
  );
  const layers = Array.from({ length: model.config.layers }, (_, layer) => layer);
  const mutant = { name: "W246A", position: 246, from: "W", to: "A" };
  return await warmAnalysis(backend, {
    command: "analyze --mutant",
    subject: "8M shape, A2A, 412 residues, 20 sequences",
    yardstick: { config: model.config, tokens: batch.width },
    async plain() {
      for (let i = 0; i < 20; i++) await enginePass(model, batch, "none");
    },
    analysis: () =>
      analyzeMutants(model, row, [mutant], {
        ...{ layers, setup: { columns, sites, specials: false }, signal: options.signal },
      }),
  }, options);
}
