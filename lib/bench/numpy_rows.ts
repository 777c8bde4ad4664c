/** The same work in NumPy, where Python has it: rows for comparison, no dependency. */
import { bytes as columnMassBytes } from "../../kernels/attention_column_mass/attention_column_mass_cases.ts";
import {
  BENCH_CASES,
  bytes as siteBytes,
} from "../../kernels/site_baseline/site_baseline_cases.ts";
import { PYTHONS } from "./line_process.ts";
import script from "./numpy_loop.py" with { type: "text" };
import { spreadOf } from "./statistics.ts";
import type { Implementation, KernelRow } from "./types.ts";

const BLOCKS = 33, BLOCK_HEADS = 20, TOKENS = 414, SAMPLED_HEADS = 8, SAMPLED_TRIALS = 50;
const sites = BENCH_CASES[0];

interface Measured {
  numpy: string;
  column_mass: number[];
  site_baseline: number[];
  published_form: number[];
}

/** Rows of the shapes that the twins are timed at; none, with a note, where there is no NumPy. */
export async function numpyRows(
  samples: number,
  signal?: AbortSignal,
): Promise<{ rows: KernelRow[]; note?: string }> {
  const spec = {
    heads: sites.heads,
    columns: sites.columns,
    set_size: sites.setSize,
    trials: sites.trials,
    tokens: TOKENS,
    blocks: BLOCKS,
    block_heads: BLOCK_HEADS,
    theta: 0.3,
    sampled_heads: SAMPLED_HEADS,
    sampled_trials: SAMPLED_TRIALS,
    samples,
  };
  for (const python of PYTHONS) {
    const found = await runPython(python, JSON.stringify(spec), signal);
    if (found) return { rows: rowsOf(found) };
  }
  return { rows: [], note: "no NumPy rows: no python3 with numpy was found" };
}

async function runPython(
  python: string,
  spec: string,
  signal?: AbortSignal,
): Promise<Measured | undefined> {
  try {
    const child = new Deno.Command(python, {
      args: ["-c", script, spec],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
      signal,
    });
    const { code, stdout } = await child.output();
    return code === 0 ? JSON.parse(new TextDecoder().decode(stdout)) : undefined;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) {
      return undefined;
    }
    throw error;
  }
}

function rowsOf({ numpy, ...times }: Measured): KernelRow[] {
  const pattern = { batch: 1, heads: BLOCK_HEADS, tokens: TOKENS };
  const row = (
    kernel: string,
    shape: string,
    us: number[],
    bytes: number,
    { implementation = "numpy", note }: { implementation?: Implementation; note?: string } = {},
  ): KernelRow => {
    const spread = spreadOf(us);
    return {
      kernel,
      shape,
      dtype: "f32",
      implementation,
      processor: "cpu",
      clock: "wall",
      us: spread,
      bytes,
      flops: 0,
      gbps: bytes / spread.median / 1e3,
      gflops: 0,
      note: `NumPy ${numpy}${note ? `; ${note}` : ""}`,
    };
  };
  const done = SAMPLED_HEADS * SAMPLED_TRIALS, all = sites.heads * sites.trials;
  const blocks = `${BLOCKS} × [1, ${BLOCK_HEADS}, ${TOKENS}, ${TOKENS}]`;
  return [
    row("attention_column_mass", blocks, times.column_mass, BLOCKS * columnMassBytes(pattern)),
    row("site_sets + site_baseline", sites.name, times.site_baseline, siteBytes(sites)),
    row(
      "whole site analysis",
      `${blocks}, ${sites.setSize} sites, ${sites.trials} trials`,
      times.published_form.map((us) => us * all / done),
      0,
      {
        implementation: "published form",
        note:
          `${done} of ${all} head-trials, scaled: attention[:, drawn][attention > θ].sum() each`,
      },
    ),
  ];
}
