/** Activation patching: which latents, given other values, change what the model answers. */
import {
  type Control,
  displacedControls,
  type Draw,
  randomControls,
  stableControls,
} from "./controls.ts";
import {
  type Candidate,
  candidatesOf,
  donorEdit,
  dropError,
  editOf,
  meanEdit,
  type Replacement,
  resampleEdit,
  zeroEdit,
} from "./edits.ts";
import type { LatentSpace } from "./latent_space.ts";
import type { Metric } from "./metric.ts";
import { activation } from "./sparse.ts";
import type { Tail } from "./tail.ts";
import type { Capture, Edit, ErrorTerm } from "./types.ts";

/** What is patched where. */
export interface PatchSettings {
  /** What latents are replaced by. */
  replacement: Replacement;
  /** What is done with the reconstruction error. */
  error: ErrorTerm;
  /** How many latents are patched one at a time: those that change most. */
  top: number;
  /** Sizes of sets of the latents that change most, patched together. */
  sets: readonly number[];
  /** Whether to patch all latents together, with the error term where it is patched. */
  whole: boolean;
  /** Controls beside each latent. */
  controls: readonly Control[];
}

/** A mutation with what is known of it where the autoencoder reads. */
export interface PatchSubject {
  /** The run that is patched. */
  base: Capture;
  /** The wild type's run. */
  wild: Capture;
  /** The mutant's run. */
  mutant: Capture;
  /** Whose latents are patched in. */
  donor: Capture;
  /** Tokens to patch. */
  tokens: readonly number[];
  /** What is read of the outcome. */
  metric: Metric;
  /** f64[F], for `mean`. */
  means?: Float64Array;
  /** What is drawn at random depends on it. */
  draw: Draw;
}

/** What a row's latents are: chosen for their change, the set of those, all, or a control. */
export type PatchKind = "real" | "set" | "all" | Control;
export const PATCH_KINDS: readonly PatchKind[] = [
  ...["real", "set", "all", "noop", "random", "displaced", "stable"] as const,
];

/** One patch and what it did. */
export interface PatchRow {
  /** What the row is. */
  kind: PatchKind;
  /** How many latents are patched together. */
  latents: number;
  /** Token and latent of a patch of one latent; NaN of several. */
  token: number;
  /** The latent of a patch of one; NaN of several. */
  latent: number;
  /** The latent that a control stands beside; NaN of others. */
  matches: number;
  /** How far the latent moves, activation. */
  delta: number;
  /** Activation in the wild type's run. */
  wildActivation: number;
  /** Activation in the mutant's run. */
  mutantActivation: number;
  /** Activation that is patched in. */
  patchedActivation: number;
  /** Length of the residual stream's move over all tokens. */
  displacement: number;
  /** The metric without the patch. */
  baseline: number;
  /** The metric with it. */
  patched: number;
}

interface Planned {
  kind: PatchKind;
  edit: Edit;
  one?: Candidate;
  of?: Candidate;
  latents: number;
}

/** Patches subjects; those that share a base run together. */
export async function patchSubjects(
  tail: Tail,
  subjects: readonly PatchSubject[],
  settings: PatchSettings,
): Promise<PatchRow[][]> {
  const { space } = tail;
  const work = subjects.map((subject) => ({
    subject,
    base: settings.error === "drop" ? dropError(space, subject.base, subject.tokens) : subject.base,
    planned: plan(space, subject, settings),
    rows: [] as PatchRow[],
  }));
  for (const base of new Set(work.map((each) => each.base))) {
    const together = work.filter((each) => each.base === base);
    const { baseline, edited } = await tail.measure(
      base,
      together.flatMap(({ subject: { metric }, planned }) =>
        planned.map(({ edit }) => ({ edit, metric }))
      ),
    );
    let job = 0;
    for (const each of together) {
      each.rows = each.planned.map((patch) => ({
        ...describe(space, each.subject, patch),
        baseline: baseline[job],
        patched: edited[job++],
      }));
    }
  }
  return work.map(({ rows }) => rows);
}

/** The edit that makes every replacement at once. */
function replacementEdit(
  space: LatentSpace,
  { base, donor, tokens, means, draw }: PatchSubject,
  { replacement, error }: Pick<PatchSettings, "replacement" | "error">,
): Edit {
  if (replacement === "zero") return zeroEdit(base, tokens);
  if (replacement === "mean") return meanEdit(base, tokens, means!);
  if (replacement === "resample") return resampleEdit(base, tokens, draw.seed, draw.trial);
  return donorEdit(space, base, donor, tokens, error === "patch");
}

function plan(space: LatentSpace, subject: PatchSubject, settings: PatchSettings): Planned[] {
  const full = replacementEdit(space, subject, settings);
  const candidates = candidatesOf(full);
  const moving = candidates.filter(({ delta }) => delta !== 0);
  const chosen = moving.slice(0, settings.top);
  const single = (kind: PatchKind, one: Candidate, of?: Candidate): Planned => ({
    kind,
    edit: editOf([one]),
    one,
    of,
    latents: 1,
  });
  const found = chosen.map((one) => single("real", one));
  for (const size of settings.sets) {
    if (moving.length < size) continue;
    found.push({ kind: "set", edit: editOf(moving.slice(0, size)), latents: size });
  }
  if (settings.whole) found.push({ kind: "all", edit: full, latents: moving.length });
  for (const control of settings.controls) {
    if (control === "noop") {
      found.push(...chosen.map((of) => single(control, { ...of, delta: 0 }, of)));
      continue;
    }
    const matched = control === "random"
      ? randomControls(candidates, chosen, subject.draw)
      : control === "stable"
      ? stableControls(candidates, chosen)
      : displacedControls(space, chosen, subject.draw);
    found.push(...matched.map((one) => single(control, one, one.of)));
  }
  return found;
}

function describe(
  space: LatentSpace,
  { base, wild, mutant }: PatchSubject,
  { kind, edit, one, of, latents }: Planned,
): Omit<PatchRow, "baseline" | "patched"> {
  const at = (capture: Capture) => one ? activation(capture.latents, one.token, one.latent) : NaN;
  let squares = 0;
  for (const part of edit) {
    for (const moved of space.displacement(base, part)) squares += moved * moved;
  }
  return {
    kind,
    latents,
    token: one?.token ?? NaN,
    latent: one?.latent ?? NaN,
    matches: of?.latent ?? NaN,
    delta: one?.delta ?? NaN,
    wildActivation: at(wild),
    mutantActivation: at(mutant),
    patchedActivation: one ? at(base) + one.delta : NaN,
    displacement: Math.sqrt(squares),
  };
}
