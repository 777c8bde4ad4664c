/** The steer command: holds latents at values of one's own and reads what the model then predicts. */
import type { CommandContext } from "../cli/context.ts";
import { formatTable } from "../cli/table.ts";
import { UserError } from "../errors.ts";
import { displayLetters, tokenize } from "../esm2/mod.ts";
import { formatCsv } from "../io/csv.ts";
import { NpzWriter } from "../io/npz.ts";
import { OutputDir } from "../io/output.ts";
import { describeRun, Stopwatch } from "../provenance.ts";
import { describeSae, openSaeSession, type SaeFlags } from "../sae/session.ts";
import { readInputs } from "../variants/inputs.ts";
import { PROTEINGYM_COLUMNS } from "../proteins/options.ts";
import { readBackground } from "./background.ts";
import { captureSequences } from "./capture.ts";
import { dropError } from "./edits.ts";
import { three } from "../cli/figures.ts";
import { LatentSpace } from "./latent_space.ts";
import { placeName, type Places, tokensOf } from "./places.ts";
import {
  checkSteerings,
  steer,
  type Steered,
  steeredLatents,
  type SteeredResidue,
  type Steering,
  steeringEdit,
} from "./steer.ts";
import { steerReport } from "./steer_report.ts";
import { Tail } from "./tail.ts";

export interface SteerFlags extends SaeFlags {
  sequence?: string;
  fasta?: string;
  id?: string;
  offset: number;
  set?: Steering[];
  scale?: Steering[];
  at: Places;
  background?: string;
  error: "keep" | "drop";
  out: string;
  json: boolean;
}

/** Runs the command. @throws {UserError} for anything that the person at the keyboard can mend */
export async function runSteer(o: SteerFlags, ctx: CommandContext): Promise<void> {
  const watch = new Stopwatch();
  watch.stage("read inputs");
  const steerings = [...o.set ?? [], ...o.scale ?? []];
  if (steerings.length === 0) {
    throw new UserError("Cannot steer as --set or --scale must be given: current value is none");
  }
  if (o.at === "mutated") {
    throw new UserError("Cannot steer as --at must be all or residues: current value is mutated");
  }
  const { target, notes } = await readInputs({ ...o, ...PROTEINGYM_COLUMNS });
  const tokens = tokensOf(o.at, target, []);
  const background = o.background === undefined ? [] : await readBackground(o.background);
  using output = OutputDir.open(o.out, "sae steer");
  ctx.onExit(() => output.dispose());

  await using session = await openSaeSession(o, ctx, watch);
  for (const note of notes) ctx.note(note);
  const { esm, coder, sae, model, opened, fidelity } = session;
  const space = new LatentSpace(sae.sae);
  checkSteerings(steerings, space.latents);

  watch.stage("steer");
  const { signal } = ctx;
  const ids = tokenize(target, { maxLength: Infinity });
  const [[own, ...others]] = await captureSequences(esm, [coder], [ids, ...background], { signal });
  const edit = steeringEdit(own, tokens, steerings, others.length > 0 ? others : [own]);
  const capture = o.error === "drop" ? dropError(space, own, tokens) : own;
  await using tail = new Tail(esm, space, { signal });
  const letters = displayLetters(target.residues);
  const steered = await steer(tail, capture, letters, edit);

  watch.stage("write");
  const name = (position: number) => placeName(position, target);
  await output.write("steering.csv", steeringCsv(steered.residues, name));
  await writeLogits(output.temporaryPath("logits.npz"), steered);
  const changed = steered.residues.filter(({ before, after }) => before !== after);
  const sequences = {
    wildType: letters,
    predicted: steered.residues.map(({ before }) => before).join(""),
    steered: steered.residues.map(({ after }) => after).join(""),
  };
  const record = {
    ...await describeRun({ command: "sae steer", args: Deno.args, watch, model, opened }),
    options: o,
    sae: describeSae(sae),
    fidelity,
    protein: target,
    sequences,
    changed: changed.length,
  };
  output.setRecord(record);
  await output.write(
    "report.html",
    steerReport({
      ...{ target, steered, tokens, notes },
      latents: steeredLatents(own, edit, steerings),
      config: sae.sae.config,
      quality: fidelity[o.embedScale],
      error: o.error,
      provenance: record,
    }),
  );
  signal.throwIfAborted();
  const written = output.commit();
  if (o.json) {
    return ctx.print(JSON.stringify({ provenance: record, residues: steered.residues }, null, 2));
  }
  ctx.print(`sequence   ${sequences.wildType}`);
  ctx.print(`predicted  ${sequences.predicted}`);
  ctx.print(`steered    ${sequences.steered}`);
  ctx.print(`\n${changed.length} of ${letters.length} predicted letters change.`);
  ctx.print(`\n${strongestText(steered.residues, name)}`);
  ctx.note(`\nWrote ${written.join(", ")}`);
}

function steeringCsv(
  residues: readonly SteeredResidue[],
  name: (position: number) => string,
): string {
  return formatCsv(
    [
      ...["residue", "letter", "predicted", "steered", "changed", "own_before", "own_after"],
      ...["steered_before", "steered_after", "divergence"],
    ],
    residues.map((row) => ({
      residue: name(row.position),
      letter: row.letter,
      predicted: row.before,
      steered: row.after,
      changed: row.before !== row.after,
      own_before: row.logProbBefore,
      own_after: row.logProbAfter,
      steered_before: row.steeredLogProbBefore,
      steered_after: row.steeredLogProbAfter,
      divergence: row.divergence,
    })),
  );
}

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
