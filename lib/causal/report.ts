/** Results as report.html. */
import { EMBEDDED_NOTE } from "../hub/open_model.ts";
import { renderSaeReport } from "./report/sae_report.ts";
import { LETTERS, renderSteeringReport } from "./report/steering_report.ts";
import type {
  AutoencoderView,
  ConcentrationView,
  ExplanationView,
  MutationView,
  QualityView,
} from "./report/types.ts";
import { isSteady, shapeOf } from "./circuit.ts";
import type { CircuitResult } from "./circuit_tables.ts";
import { CURVE_COUNTS } from "./concentration.ts";
import { addsUp } from "./explain.ts";
import type { Concentration, ExplanationRecord } from "./explain_record.ts";
import type { IgResult } from "./ig_tables.ts";
import type { MetricKind } from "./metric.ts";
import type { PatchResult } from "./patch_tables.ts";
import type { Provenance } from "../provenance.ts";
import type { Finished } from "../run/run.ts";
import type { SaeConfig } from "../sae/types.ts";
import type { Explained, SurveyFlags } from "./survey.ts";
import { fitCautions } from "../sae/fidelity_text.ts";
import type { Shape } from "../structure/shape.ts";
import type { Target } from "../variants/types.ts";
import { letterLogProbs, type Steered, type SteeredLatent, type Steering } from "./steer.ts";
import type { Places } from "./places.ts";
import type { RunKind } from "./types.ts";
import type { CausalProtein } from "./variants.ts";

/** What one command found. */
export interface CausalResults {
  patches?: readonly PatchResult[];
  attributions?: readonly IgResult[];
  circuits?: readonly CircuitResult[];
  /** Share of the effect that circuits had to restore. */
  share?: number;
  /** Warnings that the reader must see first. */
  notes?: readonly string[];
}

/** Records of proteins in the report at most; run.json has all. */
const MOST_PROTEINS = 10;

const RUN_NAMES: Record<RunKind, string> = {
  "wild-type": "the mutant’s latents in the wild type’s run",
  mutant: "the wild type’s latents in the mutant’s run",
  masked: "the mutant’s latents in the run with the mutated residues masked",
};

/** Writes the page of a finished survey. */
export async function writeReport(
  { run, metric, embedScale, at, seed }: SurveyFlags,
  { configs, proteins, shapes, shown }: {
    configs: readonly SaeConfig[];
    proteins: readonly CausalProtein[];
    /** Structures to draw the results on, by the protein's name. */
    shapes: ReadonlyMap<string, Shape>;
    shown: CausalResults;
  },
  { output, provenance: record }: Finished,
): Promise<void> {
  const provenance = record as Provenance & typeof record;
  const { patches, attributions, circuits, share = NaN, notes = [] } = shown;
  const qualities = (provenance.saes ?? []) as { fidelity?: Record<string, QualityView> }[];
  const autoencoders = configs.map((config, l) =>
    autoencoderView(config, qualities[l]?.fidelity?.[embedScale])
  );
  const [{ target: { id } }] = proteins;
  const mutations = proteins.reduce((sum, { variants }) => sum + variants.length, 0);
  const page = await renderSaeReport({
    notes: [
      ...(provenance.model.embedded ? [EMBEDDED_NOTE] : []),
      ...autoencoders.flatMap(({ quality, layer }) => fitCautions(quality, layer)),
      ...notes,
      ...(provenance.notes ?? []) as string[],
    ],
    metric: metricName(metric),
    ...{ autoencoders, shapes },
    patches: patches?.map((result) => ({ ...mutationOf(result), rows: result.rows })),
    attributions: attributions?.map((result) => ({
      ...mutationOf(result),
      ...explanationOf(result.record),
      nodes: result.record.nodes,
    })),
    circuits: circuits?.map((result) => {
      const { explanation, circuit, ...rest } = result.record;
      return {
        ...mutationOf(result),
        ...explanationOf(explanation),
        ...circuit,
        ...rest,
        ...shapeOf(circuit.curve),
        steady: isSteady(shapeOf(circuit.curve)),
        share,
        nodes: explanation.nodes,
      };
    }),
    run: {
      record: {
        ...lasting(provenance),
        saes: (provenance.saes as readonly unknown[]).map(lastingSae),
        proteins: listed(provenance.proteins as readonly unknown[]),
      },
      input: `${proteins.length === 1 ? id : `${proteins.length} proteins`}, ${mutations} mutation${
        mutations === 1 ? "" : "s"
      }`,
      options: [RUN_NAMES[run], `score ${metricName(metric)}`, placesText(at), `seed ${seed}`]
        .join("; "),
      files: output.files(),
    },
  });
  await output.write("report.html", page);
}

function mutationOf({ protein: { target }, variant, layer }: Explained): MutationView {
  const { id, residues, offset } = target;
  return {
    protein: { id, residues, offset },
    mutation: variant.name,
    tokens: variant.substitutions.map(({ position }) => position),
    layer,
  };
}

function explanationOf(
  { tokens: _count, nodes: _nodes, ...record }: ExplanationRecord,
): ExplanationView {
  const concentration = ({ curve, ...rest }: Concentration): ConcentrationView => ({
    ...rest,
    curve: CURVE_COUNTS.map((count, i) => [count, curve[i]] as const)
      .filter(([, share]) => !Number.isNaN(share)),
  });
  return {
    ...record,
    addsUp: addsUp(record),
    attributions: concentration(record.attributions),
    magnitudes: concentration(record.magnitudes),
  };
}

function metricName(metric: MetricKind): string {
  if (metric.kind === "pair") return `log p(${metric.plus}) − log p(${metric.minus})`;
  if (metric.kind === "wild-type") return "log p(wild type)";
  return metric.kind === "mutant" ? "log p(mutant)" : "log p(mutant) − log p(wild type)";
}

/** Which latents may change. */
const placesText = (at: Places) =>
  at === "all" ? "at all tokens" : at === "mutated" ? "at the mutated residues" : `at ${at.join()}`;

/** Proteins, or how many they are. */
const listed = (proteins: readonly unknown[]) =>
  proteins.length <= MOST_PROTEINS ? proteins : proteins.length;

/** @param quality where it was measured */
function autoencoderView(
  { depth: layer, name, latents, k, normalisation }: SaeConfig,
  quality?: QualityView,
): AutoencoderView {
  return { name, layer, latents, k, normalisation, quality };
}

/** A warning of an autoencoder whose latents say little about the model. */
/**
 * What of a run's record decides its numbers, autoencoders aside: a run in parts, or one that was
 * interrupted, has other times.
 */
function lasting(
  { esmscope, command, model, backend, options }: Provenance & Record<string, unknown>,
): Record<string, unknown> {
  const { out: _out, json: _json, shard: _shard, report: _report, ...asked } = options as Record<
    string,
    unknown
  >;
  return {
    ...{ esmscope, command, model },
    backend: { name: backend.name },
    options: Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)),
  };
}

/** An autoencoder of a run's record: what training wrote into the file is in run.json, its sum here. */
function lastingSae(sae: unknown): Record<string, unknown> {
  const { metadata: _metadata, ...rest } = sae as Record<string, unknown>;
  return rest;
}

/** What of a run the page shows. */
export interface SteeredRun {
  target: Target;
  steered: Steered;
  latents: readonly SteeredLatent[];
  tokens: readonly number[];
  config: SaeConfig;
  quality?: QualityView;
  /** To draw the result on. */
  shape?: Shape;
  /** Names of the files beside the page. */
  files: readonly string[];
  /** Whether the error term stays. */
  error: "keep" | "drop";
  /** What the reader should know of the inputs. */
  notes: readonly string[];
  provenance: Provenance & Record<string, unknown>;
}

/** Latents that the options name at most. */
const NAMED = 4;

/** The page. */
export async function steerReport(run: SteeredRun): Promise<string> {
  const { target: { id, residues, offset }, steered, latents, shape, files } = run;
  const { provenance: { model } } = run, autoencoder = autoencoderView(run.config, run.quality);
  const named = latents.slice(0, NAMED).map((one) => `latent ${one.latent} ${phraseOf(one)}`);
  if (latents.length > NAMED) named.push(`and ${latents.length - NAMED} more`);
  if (run.error === "drop") named.push("without what the latents do not explain");
  return await renderSteeringReport({
    notes: [
      ...(model.embedded ? [EMBEDDED_NOTE] : []),
      ...fitCautions(autoencoder.quality, autoencoder.layer),
      ...run.notes,
    ],
    ...{ protein: { id, residues, offset }, shape, residues: steered.residues },
    logProbs: {
      before: letterLogProbs(steered.logitsBefore, LETTERS),
      after: letterLogProbs(steered.logitsAfter, LETTERS),
    },
    latents: latents.map((one) => ({ ...one, becomes: phraseOf(one) })),
    tokens: run.tokens,
    autoencoder,
    run: {
      record: { ...lasting(run.provenance), sae: lastingSae(run.provenance.sae) },
      input: `${id}, ${residues.length} residues`,
      options: named.join(", "),
      files,
    },
  });
}

function phraseOf({ kind, amount }: Steering): string {
  if (kind === "value") return `at ${amount}`;
  if (kind === "max") return `at ${amount} × its maximum`;
  return amount === 0 ? "switched off" : `times ${amount}`;
}
