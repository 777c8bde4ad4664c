/** Results in a sentence, with what controls or chance give. */
import { percent, short } from "../../report/client/numbers.js";
import type { Finding } from "../../report/page.ts";
import { spreadOf } from "../../report/spread.ts";
import { effectOf, relativeGap } from "../explain.ts";
import { layersOf } from "../tables.ts";
import { latentTitle, mutationsOf, plural, signed, tokenName } from "./names.ts";
import type {
  AttributionView,
  CircuitView,
  PatchKindView,
  PatchPoint,
  PatchView,
  SteeredView,
  SteeringReport,
} from "./types.ts";

/** What is found of each kind of result, one mutation at one layer or many. */
export const FINDINGS = {
  patch: patchFinding,
  ig: attributionFinding,
  circuit: circuitFinding,
};

const joined = (parts: readonly (string | false | undefined)[]) => parts.filter(Boolean).join(" ");
const median = <R>(results: readonly R[], value: (result: R) => number) =>
  spreadOf(results.map(value)).median;

export const changeOf = ({ patched, baseline }: PatchPoint): number => patched - baseline;

/** The largest size of a change of some patches; 0 of none. */
export const largest = (rows: readonly PatchPoint[]): number =>
  rows.reduce((most, row) => Math.max(most, Math.abs(changeOf(row))), 0);

export const ofKind = ({ rows }: PatchView, kind: PatchKindView): PatchPoint[] =>
  rows.filter((row) => row.kind === kind);

/** Controls that real latents are held against: the most alike of those that were run. */
const RIVALS: readonly [PatchKindView, one: string, many: string][] = [
  ["random", "random control", "random controls"],
  ["displaced", "control that moves as far", "controls that move as far"],
  ["stable", "least changed latent", "least changed latents"],
];

function patchFinding(results: readonly PatchView[], metric: string): Finding {
  const real = results.flatMap((result) =>
    ofKind(result, "real").map((row) => ({ ...row, result }))
  );
  if (real.length === 0) {
    return { answer: "No latent was patched by itself.", method: `The score is ${metric}.` };
  }
  const most = real.reduce((a, b) => Math.abs(changeOf(b)) > Math.abs(changeOf(a)) ? b : a);
  const rival = RIVALS.find(([kind]) => results.some((result) => ofKind(result, kind).length > 0));
  const noop = results.flatMap((result) => ofKind(result, "noop"));
  const where = `${latentTitle(most.latent)} at ${tokenName(most.token, most.result.protein)}`;
  const isOne = results.length === 1;
  const rest = [
    noop.length > 0 && `No change at all moves it by ${short(largest(noop))}.`,
    `The score is ${metric}.`,
  ];
  if (!rival) {
    return {
      answer: `Of ${plural(real.length, "patched latent")} ${where} changes the score ` +
        `${isOne ? "" : `of ${most.result.mutation} `}most, by ${signed(changeOf(most))}.`,
      method: joined(["No controls were run that it could be compared with.", ...rest]),
    };
  }
  const [kind, one, many] = rival;
  // Latents that do not move are not what chosen ones would be by chance.
  const isAlike = kind !== "stable";
  const weak = !isAlike && "They hardly move, so that this is no test against chance.";
  if (isOne) {
    const controls = ofKind(results[0], kind), bar = largest(controls);
    const above = real.filter((row) => Math.abs(changeOf(row)) > bar).length;
    return {
      answer: above === 0
        ? `No latent changes the score more than the ${many} do.`
        : `${above} of ${plural(real.length, "latent")} change${above === 1 ? "s" : ""} the ` +
          `score more than every ${one} does; ${where} most, by ${signed(changeOf(most))}.`,
      method: joined([
        isAlike &&
        `Were they alike, ${(real.length / (controls.length + 1)).toFixed(1)} of ` +
          `${real.length} would.`,
        `The largest change by one of ${controls.length} ${many}: ` +
        `${short(bar)}.`,
        weak,
        above === 0 && `The largest of all, by ${where}: ${signed(changeOf(most))}.`,
        ...rest,
      ]),
    };
  }
  const compared = results.map((result) => ({
    real: ofKind(result, "real"),
    controls: ofKind(result, kind),
  })).filter(({ real, controls }) => real.length > 0 && controls.length > 0);
  const wins = compared.filter(({ real, controls }) => largest(real) > largest(controls)).length;
  const chance = compared.reduce(
    (sum, { real, controls }) => sum + real.length / (real.length + controls.length),
    0,
  );
  const what = layersOf(results).length > 1 ? "mutations at a layer" : "mutations";
  const size = (of: PatchKindView) =>
    short(
      spreadOf(results.flatMap((one) => ofKind(one, of)).map((row) => Math.abs(changeOf(row))))
        .median,
    );
  return {
    answer: `At ${wins === 0 ? "none" : wins} of ${compared.length} ${what} a latent changes the ` +
      `score more than every ${one} does${isAlike ? `; chance gives ${chance.toFixed(1)}` : ""}.`,
    method: joined([
      `Over ${plural(mutationsOf(results), "mutation")}, ${where} changes the score of ` +
      `${most.result.mutation} most, by ${signed(changeOf(most))} (layer ${most.result.layer}).`,
      `Median size of a change: ${size("real")}, by ${many} ${size(kind)}.`,
      weak,
      ...rest,
    ]),
  };
}

/** Nodes whose share is told, and how far two shares differ that are called different. */
const FEW = 20, DIFFERENT = 0.05;

/** Both shares of the first nodes, in words. */
function against(top: number, plain: number): string {
  const gain = top - plain;
  return gain > DIFFERENT
    ? `more than the ${percent(plain)} that movement alone gives`
    : gain < -DIFFERENT
    ? `less than the ${percent(plain)} that movement alone gives`
    : `about what movement alone gives (${percent(plain)})`;
}

function attributionFinding(results: readonly AttributionView[], metric: string): Finding {
  const top = median(results, ({ attributions }) => attributions.top20);
  const plain = median(results, ({ magnitudes }) => magnitudes.top20);
  const moving = median(results, (result) => result.moving);
  const isOne = results.length === 1, sums = results.filter(({ addsUp }) => addsUp).length;
  const [{ nodes, protein, ...first }] = results, [node] = nodes;
  const why = "Movement alone ranks by how far latents move, which asks the model nothing.";
  return {
    answer: moving <= FEW
      ? `${
        isOne ? `Only ${plural(moving, "latent")}` : `A median of ${short(moving)} latents`
      } at ` +
        `residues move${isOne && moving === 1 ? "s" : ""}, so that the share of the first ` +
        `${FEW} says nothing.`
      : isOne
      ? `${FEW} of ${moving} latents at residues hold ${percent(top)} of all attribution, ` +
        `${against(top, plain)}.`
      : `In the median mutation ${FEW} latents at residues hold ${percent(top)} of all ` +
        `attribution, ${against(top, plain)}.`,
    method: joined(
      isOne
        ? [
          first.addsUp
            ? `Attributions add up to the effect, ${signed(effectOf(first))}, with a gap of ` +
              `${percent(relativeGap(first), 1)} (${plural(first.steps, "step")}).`
            : `Attributions do not add up: they sum to ${signed(first.sum)}, and the effect is ` +
              `${signed(effectOf(first))}, a gap of ${percent(relativeGap(first), 1)}.`,
          node && `First: ${latentTitle(node.latent)} at ${tokenName(node.token, protein)}, ` +
            `${signed(node.attribution)}.`,
          moving > FEW && why,
          `The score is ${metric}.`,
        ]
        : [
          `${sums === results.length ? `All ${sums}` : `${sums} of ${results.length}`} ` +
          `explanations of ${plural(mutationsOf(results), "mutation")} add${
            sums === 1 ? "s" : ""
          } up to the effect (median gap ${percent(median(results, relativeGap), 1)}).`,
          moving > FEW && why,
          `The score is ${metric}.`,
        ],
    ),
  };
}

function circuitFinding(results: readonly CircuitView[], metric: string): Finding {
  const share = percent(results[0]?.share ?? NaN), [one] = results, isOne = results.length === 1;
  const [size, candidates, faithfulness, plain, mean, sd, most, rest] = ([
    (r) => r.size,
    (r) => r.candidates,
    (r) => r.faithfulness,
    (r) => r.byMagnitude.size,
    (r) => r.random.mean,
    (r) => r.random.sd,
    (r) => r.random.most,
    (r) => r.completeness,
  ] as ((result: CircuitView) => number)[]).map((value) => median(results, value));
  const byChance = Number.isNaN(mean)
    ? "there is no other choice of as many to compare with"
    : faithfulness <= most
    ? `no more than as many at random (${percent(mean)}, highest ${percent(most)})`
    : `as many at random ${percent(mean)}`;
  const unsteady = results.filter(({ steady }) => !steady).length;
  const reached = results.filter(({ reached }) => reached).length;
  const spread = Number.isNaN(mean)
    ? ""
    : ` Random sets have as many nodes at the same tokens (sd ${percent(sd)}).`;
  return {
    answer: isOne
      ? one.reached
        ? `${plural(size, "node")} of ${candidates} restore${size === 1 ? "s" : ""} ` +
          `${percent(faithfulness)} of the effect, ${byChance}.`
        : `No part of the ${candidates} nodes restores ${share} of the effect and keeps it; only ` +
          "all of them do."
      : `To restore ${share} of the effect takes a median of ${short(size)} of ` +
        `${short(candidates)} nodes${
          Number.isNaN(mean)
            ? ""
            : faithfulness <= most
            ? `, which is no more than chance: as many at random restore up to ${percent(most)}`
            : `; as many at random restore ${percent(mean)}`
        }.`,
    method: joined([
      `Ranked by how far they move alone it takes ${short(plain)}; everything else restores ` +
      `${percent(rest)}.${spread}`,
      !isOne && reached < results.length &&
      `${results.length - reached} of ${results.length} circuits reach it with all nodes only.`,
      unsteady > 0 &&
      (isOne
        ? "The curve overshoots or falls as nodes join, so that the size says little."
        : `${unsteady} of ${results.length} have a curve that overshoots or falls as nodes join, ` +
          "so that their size says little."),
      "Nodes are latents at residues, and error terms.",
      `The score is ${metric}.`,
    ]),
  };
}

/** How often each of the 20 letters is predicted. */
export function countLetters(residues: readonly SteeredView[], letters: string) {
  const count = (key: "letter" | "before" | "after", letter: string) =>
    residues.filter((one) => one[key] === letter).length;
  return [...letters].map((letter) => ({
    letter,
    own: count("letter", letter),
    before: count("before", letter),
    after: count("after", letter),
  }));
}

/** What steering did to the prediction. */
export function steeringFinding(report: SteeringReport): Finding {
  const { residues, protein, tokens, latents } = report;
  const changed = residues.filter(({ before, after }) => before !== after).length;
  const most = residues.reduce((a, b) => b.divergence > a.divergence ? b : a);
  const risen = countLetters(residues, "ACDEFGHIKLMNPQRSTVWY")
    .reduce((a, b) => b.after - b.before > a.after - a.before ? b : a);
  const place = tokenName(most.position, protein);
  const steered = residues.filter(({ position }) => tokens.includes(position)).length;
  const [first] = latents;
  return {
    answer: most.divergence === 0
      ? "Steering changes no prediction at all."
      : `${
        changed === 0
          ? `No residue of ${residues.length} changes its`
          : `${changed} of ${plural(residues.length, "residue")} change${
            changed === 1 ? "s its" : " their"
          }`
      } most probable letter; the prediction moves most at ${place}, by ` +
        `${short(most.divergence)} nats.`,
    method: joined([
      `${plural(latents.length, "latent").replace(/^1 latent/, "One latent")}${
        latents.length === 1 ? ` (${first.latent} ${first.becomes})` : ""
      } ${latents.length === 1 ? "was" : "were"} steered at ${
        steered === residues.length ? "every residue" : `${steered} of ${residues.length} residues`
      }${tokens.includes(0) ? " and at <cls> and <eos>" : ""}.`,
      risen.after > risen.before &&
      `${risen.letter} is predicted at ${plural(risen.after, "residue")}, without steering at ` +
        `${risen.before}.`,
      "No other latent was steered to compare with. Divergence is that of Kullback and Leibler, " +
      "of all 33 tokens, after from before; nothing is masked.",
    ]),
  };
}
