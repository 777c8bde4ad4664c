/** Site baseline: drawing the site sets, evaluating them, and both as the analysis does. */
import {
  drawSiteSets,
  readSiteBaseline,
  siteBaseline,
  SiteBaselineKernel,
  SiteSampler,
  type SiteSetOptions,
} from "../../../kernels/site_baseline/mod.ts";
import { siteBaselineReference } from "../../../kernels/site_baseline/reference.ts";
import {
  BENCH_CASES,
  byPlace,
  bytes,
  flops,
  randomMass,
  type SiteBaselineCase,
  spreadSites,
} from "../../../kernels/site_baseline/site_baseline_cases.ts";
import { agrees, type KernelBench, mustBe } from "./bench.ts";

type Step = "draw" | "evaluate" | "both";

const KERNELS: Record<Step, string> = {
  draw: "site_sets",
  evaluate: "site_baseline",
  both: "site_sets + site_baseline",
};

function siteBench(shape: SiteBaselineCase, step: Step): KernelBench {
  const { heads, columns, setSize, trials } = shape, kernel = KERNELS[step];
  const name = step === "draw" ? `[${trials}, ${setSize}] of ${columns}` : shape.name;
  const sites = spreadSites(columns, setSize);
  const draws: SiteSetOptions = { columns, sites, trials, seed: 0, mode: "uniform" };
  /** Candidates read, sets written; drawing is integer arithmetic, which is not counted. */
  const drawBytes = 4 * (columns - setSize + trials * setSize);
  const draw = step !== "evaluate", evaluate = step !== "draw";
  return {
    kernel,
    shape: name,
    dtype: draw ? "u32" : "f32",
    bytes: (draw ? drawBytes : 0) + (evaluate ? bytes(shape) : 0),
    flops: evaluate ? flops(shape) : 0,
    setBytes: evaluate ? 4 * heads * columns : drawBytes,
    async gpu(ctx, { sets }) {
      const owned = new DisposableStack();
      const sampler = await SiteSampler.create(ctx),
        evaluator = await SiteBaselineKernel.create(ctx);
      const mass = randomMass(heads, columns, 1);
      const drawn = sampler.alloc(draws);
      const siteTensor = ctx.upload("sites", [setSize], sites);
      const inputs = Array.from({ length: sets }, () => ({
        mass: owned.use(ctx.upload("mass", [heads, columns], mass)),
        sites: siteTensor,
        sets: drawn.sets,
      }));
      const outputs = evaluator.alloc(inputs[0]);
      for (const tensor of [siteTensor, ...Object.values(drawn), ...Object.values(outputs)]) {
        owned.use(tensor);
      }
      if (!draw) await ctx.submit("draw", (encoder) => sampler.encode(encoder, drawn, draws));
      return {
        encode(encoder, set) {
          if (draw) sampler.encode(encoder, drawn, draws);
          if (evaluate) evaluator.encode(encoder, inputs[set % sets], outputs);
        },
        async verify() {
          const twinSets = drawSiteSets(draws);
          mustBe(agrees(await ctx.read(drawn.sets), byPlace(twinSets, setSize)), kernel, name);
          if (!evaluate) return;
          const found = await readSiteBaseline(ctx, outputs);
          const twin = siteBaseline(mass, columns, sites, twinSets);
          const isRight = agrees(found.observed, twin.observed) &&
            agrees(found.atLeast, twin.atLeast) && agrees(found.mean, twin.mean, 1e-5) &&
            agrees(found.sd, twin.sd, 1e-4);
          mustBe(isRight, kernel, name);
        },
        [Symbol.dispose]: () => owned.dispose(),
      };
    },
    cpu({ sets }) {
      const masses = Array.from({ length: sets }, () => randomMass(heads, columns, 1));
      const drawn = drawSiteSets(draws);
      if (evaluate) {
        const { mean, sd } = siteBaseline(masses[0], columns, sites, drawn);
        const first = siteBaselineReference(
          masses[0].subarray(0, columns),
          [...sites],
          Array.from(
            { length: trials },
            (_, t) => [...drawn.subarray(t * setSize, (t + 1) * setSize)],
          ),
        );
        // Sums are single precision: at most a rounding per site.
        const isRight = agrees([mean[0], sd[0]], [first.mean, first.sd], setSize * 2 ** -22);
        mustBe(isRight, kernel, name);
      }
      return {
        run(set) {
          const now = draw ? drawSiteSets(draws) : drawn;
          if (evaluate) siteBaseline(masses[set % sets], columns, sites, now);
        },
      };
    },
  };
}

const [few, many] = BENCH_CASES;

export const siteBenches: readonly KernelBench[] = [
  siteBench(few, "draw"),
  siteBench(few, "evaluate"),
  siteBench(many, "evaluate"),
  siteBench(few, "both"),
];
