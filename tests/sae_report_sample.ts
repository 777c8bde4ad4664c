/** Made-up results of the size and kind that the sae commands give, for tests of their report. */
import type {
  AttributionView,
  CircuitView,
  ConcentrationView,
  ExplanationView,
  MutationView,
  NodeView,
  PatchPoint,
  PatchView,
  ProteinView,
  SaeReport,
} from "../lib/causal/report/sae_report.ts";
import { random } from "./report_sample.ts";

const LETTERS = "ACDEFGHIKLMNPQRSTVWY";

export interface SaeSampleShape {
  proteins: { id: string; length: number; mutations: number }[];
  layers: number[];
  /** Nodes written per mutation. */
  nodes: number;
  seed: number;
}

export function sampleProteinView(id: string, length: number, next: () => number): ProteinView {
  const residues = Array.from({ length }, () => LETTERS[Math.floor(20 * next())]).join("");
  return { id, residues, offset: 11 };
}

/** Mutations at all layers. */
function* mutations({ proteins, layers }: SaeSampleShape, next: () => number) {
  for (const { id, length, mutations } of proteins) {
    const protein = sampleProteinView(id, length, next);
    for (let m = 0; m < mutations; m++) {
      const token = 1 + Math.floor(next() * length), letter = protein.residues[token - 1];
      const mutation = `${letter}${token + protein.offset - 1}${letter === "W" ? "A" : "W"}`;
      const strength = 8 * next() - 6;
      for (const layer of layers) {
        const view: MutationView = { protein, mutation, tokens: [token], layer };
        yield { view, strength };
      }
    }
  }
}

/** Real effects, controls near zero, no-ops that change nothing at all. */
export function samplePatches(shape: SaeSampleShape): PatchView[] {
  const next = random(shape.seed);
  return [...mutations(shape, next)].map(({ view, strength }) => {
    const row = (kind: PatchPoint["kind"], change: number, delta: number, matches = NaN) => ({
      ...{ kind, matches, delta, baseline: strength, patched: strength + change },
      latents: kind === "all" ? 60 : kind === "set" ? 5 : 1,
      token: kind === "all" || kind === "set" ? NaN : view.tokens[0],
      latent: kind === "all" || kind === "set" ? NaN : Math.floor(4096 * next()),
      wildActivation: Math.max(0, -delta),
      mutantActivation: Math.max(0, delta),
    });
    const real = Array.from({ length: 6 }, (_, i) => {
      const delta = (4 - 0.5 * i) * (next() < 0.5 ? -1 : 1);
      return row("real", delta * (next() - 0.3) * strength / 8, delta);
    });
    const control = (kind: PatchPoint["kind"], size: number) =>
      real.map(({ delta, latent }) => row(kind, size * (next() - 0.5), delta * size, latent));
    return {
      ...view,
      rows: [
        ...real,
        row("set", 0.5 * strength, NaN),
        row("all", 0.9 * strength, NaN),
        ...real.map(({ latent }) => row("noop", 0, 0, latent)),
        ...control("random", 0.4),
        ...control("displaced", 0.5),
        ...control("stable", 1e-5),
      ],
    };
  });
}

function concentrationOf(values: readonly number[]): ConcentrationView {
  const sorted = values.map(Math.abs).sort((a, b) => b - a);
  const total = sorted.reduce((a, b) => a + b, 0);
  const share = (n: number) => sorted.slice(0, n).reduce((a, b) => a + b, 0) / total;
  const counts = [1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 500, 1000];
  return {
    top20: share(20),
    giniMoving: 0.7 + 0.2 * share(20),
    curve: counts.map((count) => [count, share(count)] as const),
  };
}

function explain(
  { protein, tokens }: MutationView,
  strength: number,
  count: number,
  next: () => number,
): ExplanationView & { nodes: NodeView[] } {
  const { length } = protein.residues;
  const latents = Array.from({ length: 40 }, () => Math.floor(4096 * next()));
  const all = Array.from({ length: 4 * count }, (_, i): NodeView => {
    const near = next() < 0.5;
    const token = near
      ? Math.min(length + 1, Math.max(0, tokens[0] + Math.round(6 * (next() - 0.5))))
      : Math.floor(next() * (length + 2));
    const latent = i % 7 === 0 ? -1 : latents[Math.floor(40 * next() ** 2)];
    const attribution = strength * (near ? 0.3 : 0.03) * (next() - 0.3) * next() ** 3;
    return { token, latent, delta: 3 * (next() - 0.5), attribution };
  }).filter(({ token, latent }, i, nodes) =>
    // A latent is at a token once.
    nodes.findIndex((one) => one.token === token && one.latent === latent) === i
  ).sort((a, b) => Math.abs(b.attribution) - Math.abs(a.attribution));
  const own = all.filter(({ latent }) => latent >= 0);
  const sum = all.reduce((s, { attribution }) => s + attribution, 0);
  const gap = next() < 0.9 ? 0.02 : 0.2;
  return {
    baseline: 0.5 * strength,
    input: 0.5 * strength + sum * (1 + gap * (next() - 0.5)),
    sum,
    errorSum: all.reduce((s, node) => node.latent < 0 ? s + node.attribution : s, 0),
    absoluteSum: all.reduce((s, node) => s + Math.abs(node.attribution), 0),
    steps: gap > 0.1 ? 512 : 32,
    moving: own.length,
    addsUp: gap < 0.1,
    attributions: concentrationOf(own.map(({ attribution }) => attribution)),
    magnitudes: concentrationOf(own.map(({ delta }) => delta ** 3)),
    nodes: all.slice(0, count),
  };
}

export function sampleAttributions(shape: SaeSampleShape): AttributionView[] {
  const next = random(shape.seed);
  return [...mutations(shape, next)].map(({ view, strength }) => ({
    ...view,
    ...explain(view, strength, shape.nodes, next),
  }));
}

export function sampleCircuits(shape: SaeSampleShape): CircuitView[] {
  const next = random(shape.seed);
  return [...mutations(shape, next)].map(({ view, strength }) => {
    const explanation = explain(view, strength, shape.nodes, next);
    const candidates = 4 * shape.nodes, size = 1 + Math.floor(30 * next());
    const sizes = [0, 1, 2, 4, 8, 16, 32, 64, 128].filter((nodes) => nodes < candidates);
    const curve = (half: number) => [
      ...sizes.map((nodes) => ({ nodes, faithfulness: nodes / (nodes + half) + 0.05 * next() })),
      { nodes: candidates, faithfulness: 1 },
    ];
    return {
      ...{
        ...view,
        ...explanation,
        size,
        candidates,
        share: 0.7,
        reached: true,
        steady: true,
        highest: 1,
        drop: 0,
      },
      nodes: explanation.nodes.slice(0, size),
      faithfulness: 0.7 + 0.05 * next(),
      completeness: 0.4 * next(),
      random: { mean: 0.1 * next(), sd: 0.03, most: 0.2 },
      curve: curve(8),
      byMagnitude: { size: 3 * size, faithfulness: 0.71, curve: curve(30) },
    };
  });
}

/** One kind of results, as a command has. */
export function sampleSaeReport(
  shape: SaeSampleShape,
  kind: "patch" | "ig" | "circuit",
): SaeReport {
  return {
    notes: [],
    metric: "log p(mutant) − log p(wild type)",
    autoencoders: shape.layers.map((layer) => ({
      ...{ name: "interprot", layer, latents: 4096, k: 64, normalisation: "zscore" },
      quality: { residues: 1234, fvu: 0.21, lossRecovered: 0.973, meanActive: 63.4 },
    })),
    ...(kind === "patch"
      ? { patches: samplePatches(shape) }
      : kind === "ig"
      ? { attributions: sampleAttributions(shape) }
      : { circuits: sampleCircuits(shape) }),
    run: sampleRun(`sae ${kind}`),
  };
}

export const sampleRun = (command: string) => ({
  record: { esmscope: "0.1.0", command, model: { name: "esm2_t33_650M_UR50D" } },
  ...{ input: "made up", options: "none", files: ["run.json"] },
});
