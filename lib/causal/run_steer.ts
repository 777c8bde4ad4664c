/** The `sae steer` command: holds latents at values of one's own and reads what the model then predicts. */
import type { CommandContext } from "../cli/context.ts";
import { three } from "../cli/figures.ts";
import { formatTable } from "../cli/table.ts";
import { UserError } from "../errors.ts";
import { displayLetters, requireF32, tokenize } from "../esm2/mod.ts";
import { columnsOf, type TableOf } from "../io/columns.ts";
import { NpzWriter } from "../io/npz.ts";
import type { Provenance } from "../provenance.ts";
import { packUnit, unpackUnit } from "../run/codec.ts";
import { type Finished, runAnalysis } from "../run/run.ts";
import { type Fidelities, type SaeFlags, withSaes } from "../sae/session.ts";
import type { SaeConfig } from "../sae/types.ts";
import { PROTEINGYM_COLUMNS } from "../proteins/options.ts";
import { readShape, type StructureFlags } from "../proteins/structure.ts";
import type { Shape } from "../structure/shape.ts";
import { readInputs } from "../variants/inputs.ts";
import type { Target } from "../variants/types.ts";
import { readBackground } from "./background.ts";
import { captureSequences } from "./capture.ts";
import { dropError } from "./edits.ts";
import { LatentSpace } from "./latent_space.ts";
import { placeName, type Places, tokensOf } from "./places.ts";
import {
  checkSteerings,
  steer,
  type Steered,
  type SteeredLatent,
  steeredLatents,
  type SteeredResidue,
  type Steering,
  steeringEdit,
} from "./steer.ts";
import { steerReport } from "./report.ts";
import { Tail } from "./tail.ts";

export interface SteerFlags extends SaeFlags, StructureFlags {
  layer?: number;
  sequence?: string;
  fasta?: string;
  id?: string;
  offset: number;
  set?: Steering[];
  scale?: Steering[];
  at: Places;
  background?: string;
  tokenBudget?: number;
  error: "keep" | "drop";
}

/** What is to be done, read. */
interface SteerInputs {
  target: Target;
  tokens: number[];
  /** Sequences over which a maximum is taken. */
  background: Int32Array[];
  /** To draw the result on. */
  shape?: Shape;
  notes: string[];
}

/** What a run leaves. */
interface SteerUnit {
  steered: Steered;
  latents: SteeredLatent[];
}

/** Runs the command. @throws {UserError} for anything that the person at the keyboard can mend */
export async function runSteer(o: SteerFlags, ctx: CommandContext): Promise<void> {
  requireF32(o.precision, "steer");
  const { error, at, tokenBudget } = o, { signal } = ctx;
  const steerings = [...o.set ?? [], ...o.scale ?? []];
  const asked = { layers: [o.layer], layerOption: "--layer" } as const;
  const analysis = withSaes<SteerInputs>(o, asked, ctx, {
    command: "sae steer",
    async read() {
      if (steerings.length === 0) {
        throw new UserError(
          "Cannot steer as --set or --scale must be given: current value is none",
        );
      }
      if (at === "mutated") {
        throw new UserError(
          "Cannot steer as --at must be all or residues: current value is mutated",
        );
      }
      const { target, notes } = await readInputs({ ...o, ...PROTEINGYM_COLUMNS });
      const tokens = tokensOf(at, target, []);
      const background = o.background === undefined ? [] : await readBackground(o.background);
      const shape = await readShape(o, target, notes);
      return { target, tokens, background, shape, notes };
    },
    plan(inputs, [{ sae }]) {
      const { target, tokens, background } = inputs;
      checkSteerings(steerings, sae.config.latents);
      return {
        settings: { target, steerings, tokens, background, error, tokenBudget },
        label: target.id,
        unit: "tokens",
        open({ esm, stack }, [{ coder }]) {
          const ids = tokenize(target, { maxLength: Infinity });
          const space = new LatentSpace(sae);
          const tail = stack.use(new Tail(esm, space, { tokenBudget, signal }));
          return {
            pieces: [[0]],
            weightOf: () => ids.length,
            async compute(_, put) {
              const rows = [ids, ...background];
              const [[own, ...others]] = await captureSequences(esm, [coder], rows, {
                tokenBudget,
                signal,
              });
              const reference = others.length > 0 ? others : [own];
              const edit = steeringEdit(own, tokens, steerings, reference);
              const capture = error === "drop" ? dropError(space, own, tokens) : own;
              const steered = await steer(tail, capture, displayLetters(target.residues), edit);
              const latents = steeredLatents(own, edit, steerings);
              put(0, packUnit({ steered, latents } satisfies SteerUnit));
            },
          };
        },
        finish: (finished) => writeResults(o, inputs, sae.config, finished),
      };
    },
  });
  await runAnalysis(o, ctx, analysis);
}

async function writeResults(
  { error, embedScale, report }: SteerFlags,
  { target, tokens, shape, notes }: SteerInputs,
  config: SaeConfig,
  { read, output, results, provenance, print }: Finished,
): Promise<void> {
  const { steered, latents } = unpackUnit<SteerUnit>(read(0)), { residues } = steered;
  await results.write(STEERING, residues.map((row) => ({ ...row, target })));
  await writeLogits(output.temporaryPath("logits.npz"), steered);
  const changed = residues.filter(({ before, after }) => before !== after).length;
  const sequences = {
    wildType: displayLetters(target.residues),
    predicted: residues.map(({ before }) => before).join(""),
    steered: residues.map(({ after }) => after).join(""),
  };
  Object.assign(provenance, { protein: target, sequences, changed });
  if (report) {
    const { [embedScale]: quality } = provenance.fidelity as Fidelities;
    const page = await steerReport({
      ...{ target, steered, tokens, shape, notes, latents, config, quality, error },
      files: output.files(),
      provenance: provenance as Provenance & typeof provenance,
    });
    await output.write("report.html", page);
  }
  print(`sequence   ${sequences.wildType}`);
  print(`predicted  ${sequences.predicted}`);
  print(`steered    ${sequences.steered}`);
  print(`\n${changed} of ${residues.length} predicted letters change.`);
  print(`\n${strongestText(residues, (position) => placeName(position, target))}`);
}

type SteeringRow = SteeredResidue & { target: Target };
const { text, number, flag } = columnsOf<SteeringRow>();
const NATS = { unit: "nats" };

export const STEERING: TableOf<SteeringRow> = {
  name: "steering",
  rows: "one row per residue",
  columns: [
    text(
      "residue",
      "as the input numbers it (--offset)",
      (row) => placeName(row.position, row.target),
    ),
    text("letter", "the sequence's", "letter"),
    text("predicted", "the most probable letter before", "before"),
    text("steered", "and after", "after"),
    flag("changed", "whether they differ", ({ before, after }) => before !== after),
    number("own_before", "log p of the sequence's letter", "logProbBefore", NATS),
    number("own_after", "the same when steered", "logProbAfter", NATS),
    number("steered_before", "log p of the letter steered", "steeredLogProbBefore", NATS),
    number("steered_after", "the same when steered", "steeredLogProbAfter", NATS),
    number(
      "divergence",
      "Kullback–Leibler divergence of the prediction after from that before",
      "divergence",
      NATS,
    ),
  ],
};

/** logits.npz: f32[T, 33] each, `<cls>` and `<eos>` included. */
async function writeLogits(path: string, steered: Steered): Promise<void> {
  const shape = [steered.logitsBefore.length / 33, 33];
  await using npz = await NpzWriter.create(path);
  await npz.add("logits", { shape, data: steered.logitsBefore });
  await npz.add("logits_steered", { shape, data: steered.logitsAfter });
  await npz.close();
}

function strongestText(
  residues: readonly SteeredResidue[],
  name: (position: number) => string,
  most = 10,
): string {
  return formatTable(
    [
      ...["residue", "predicted", "steered"].map((header) => ({ header })),
      { header: "its log p before", format: three },
      { header: "after", format: three },
      { header: "divergence", format: three },
    ],
    residues.toSorted((a, b) => b.divergence - a.divergence).slice(0, most).map((row) => [
      `${row.letter}${name(row.position)}`,
      row.before,
      row.after,
      row.steeredLogProbBefore,
      row.steeredLogProbAfter,
      row.divergence,
    ]),
  );
}
