/** Which proteins teach, which choose, and which are tested with. */
import { quote, UserError } from "../errors.ts";
import { permutation, STREAMS } from "./random.ts";
import { similarityGroups } from "./similarity.ts";
import {
  cannotTrain,
  type LabelledProtein,
  type Problem,
  type SetName,
  SETS,
  type SplitProblem,
} from "./types.ts";

/** How proteins are parted: as the input says, at random, or so that no group is on both sides. */
export const SPLITS = ["given", "random", "grouped"] as const;

/** The options of a split. */
export interface SplitOptions {
  /** How. @default given where the input has sets, random of variants of one protein, else grouped */
  split?: typeof SPLITS[number];
  /** Share of the proteins to be tested with. */
  test: number;
  /** Share of the proteins that choose settings and the layer. */
  validation: number;
  /** Share of identical residues from which proteins are one group, where none are given. */
  identity: number;
  /** Whether the input names groups: none are made then. */
  group?: string;
  /** Of everything that is drawn. */
  seed: number;
}

/** What a long search for similar proteins needs. */
export interface SplitWatch {
  /** Stops the search when it fires. */
  signal?: AbortSignal;
  /** Hears how many proteins have been compared with those before them. */
  onProgress?(done: number): void;
}

/**
 * Puts every protein into a set.
 *
 * @throws {UserError} if the input's sets lack one, part a group, or leave the training set without a class
 */
export async function splitProblem(
  problem: Problem,
  options: SplitOptions,
  notes: string[],
  watch: SplitWatch = {},
): Promise<SplitProblem> {
  const { proteins } = problem, hasSets = proteins.some(({ set }) => set !== undefined);
  const isVariants = problem.isAssay && !proteins.some(({ group }) => group !== undefined);
  const usual = hasSets ? "given" : isVariants ? "random" : "grouped";
  const kind = options.split ?? usual;
  if (options.split === undefined && usual === "random") {
    notes.push(
      "Variants of one protein are split at random: other variants of the same residues are learnt from.",
    );
  }
  if (kind === "given" && !hasSets) {
    throw new UserError(
      "Cannot use --split given as the input must name sets: a column set (--set-column), or SET= " +
        "in headers of FASTA",
    );
  }
  const found = kind === "given" ? givenSplit(problem, options, notes) : kind === "random"
    ? {
      proteins,
      sets: stratified(problem, proteins.map((_, i) => i), options),
      split: `random, seed ${options.seed}`,
    }
    : await groupedSplit(problem, options, notes, watch);
  const split = { ...problem, ...found };
  checkSets(split, notes);
  return split;
}

function givenSplit(
  problem: Problem,
  options: SplitOptions,
  notes: string[],
): Pick<SplitProblem, "proteins" | "sets" | "split"> {
  const proteins = problem.proteins.filter(({ set }) => set !== undefined);
  const left = problem.proteins.length - proteins.length;
  if (left > 0) notes.push(`${left} proteins are in no set of the given split: left out.`);
  const sets = proteins.map(({ set }) => set!);
  if (!sets.includes("validation") && sets.includes("train")) {
    // Drawn of the training set, by its groups where there are some.
    const inner = proteins.flatMap((_, i) => sets[i] === "train" ? [i] : []);
    const own = { ...problem, proteins: inner.map((i) => proteins[i]) };
    const groups = groupNumbers(own.proteins, inner);
    const drawn = stratified(own, groups, { ...options, test: 0 });
    drawn.forEach((set, k) => sets[inner[k]] = set);
    notes.push(
      `The given split has no validation set: ${
        drawn.filter((set) => set === "validation").length
      } proteins of the training set, drawn at random, are it.`,
    );
  }
  checkGroups(proteins, sets);
  checkSame(proteins, sets, notes);
  return { proteins, sets, split: "given" };
}

/** Number of each protein's group; one without a group is a group of its own. */
function groupNumbers(proteins: readonly LabelledProtein[], own: readonly number[]): number[] {
  const known = new Map<string, number>();
  return proteins.map(({ group }, i) => {
    if (group === undefined) return own[i];
    if (!known.has(group)) known.set(group, own[i]);
    return known.get(group)!;
  });
}

async function groupedSplit(
  problem: Problem,
  options: SplitOptions,
  notes: string[],
  { signal, onProgress }: SplitWatch,
): Promise<Pick<SplitProblem, "proteins" | "sets" | "split">> {
  const { proteins } = problem, isGiven = proteins.some(({ group }) => group !== undefined);
  const indices = proteins.map((_, i) => i);
  let groups: ArrayLike<number>;
  if (isGiven) {
    const without = proteins.filter(({ group }) => group === undefined).length;
    if (without > 0) notes.push(`${without} proteins have no group: each is one of its own.`);
    groups = groupNumbers(proteins, indices);
  } else {
    groups = await similarityGroups(proteins.map(({ residues }) => residues), {
      identity: options.identity,
      async onProgress(done) {
        onProgress?.(done);
        // Ctrl-C is heard only when the event loop turns.
        await new Promise((resolve) => setTimeout(resolve));
        signal?.throwIfAborted();
      },
    });
  }
  const sizes = new Map<number, number>();
  for (const i of indices) sizes.set(groups[i], (sizes.get(groups[i]) ?? 0) + 1);
  const largest = Math.max(...sizes.values());
  const made = `${sizes.size} groups of ${proteins.length} proteins, the largest of ${largest}`;
  const percent = `${Math.round(100 * options.identity)} %`;
  if (!isGiven) {
    notes.push(
      `No groups were given (--group): proteins that an alignment over half of the shorter one ` +
        `links with ${percent} identical residues or more are one, ${made}. More distant relatives ` +
        "may stand on both sides.",
    );
  }
  if (sizes.size < SETS.length) {
    throw new UserError(
      `Cannot split by groups as there must be at least ${SETS.length}: current count is ${sizes.size}`,
    );
  }
  return {
    proteins,
    sets: stratified(problem, groups, options),
    split: isGiven
      ? `grouped by ${options.group ?? "group"}: ${made}, seed ${options.seed}`
      : `grouped by ${percent} identity: ${made}, seed ${options.seed}`,
  };
}

/**
 * Whole groups into sets, the largest first, each where its classes are most wanted: classes keep about
 * the shares that the sets have. Groups of a size come in random order.
 */
function stratified(
  { proteins, per, kind, classes }: Problem,
  groups: ArrayLike<number>,
  { test, validation, seed }: Pick<SplitOptions, "test" | "validation" | "seed">,
): SetName[] {
  const strata = kind === "classes" && per === "protein" ? classes.length : 1;
  const stratumOf = (i: number) => strata === 1 ? 0 : proteins[i].labels[0];
  const members = new Map<number, number[]>();
  proteins.forEach((_, i) => members.set(groups[i], [...members.get(groups[i]) ?? [], i]));
  const all = [...members.values()], order = permutation(all.length, seed, STREAMS.split);
  const queue = Array.from(order, (g) => all[g]).sort((a, b) => b.length - a.length);
  const totals = new Float64Array(strata);
  proteins.forEach((_, i) => totals[stratumOf(i)]++);
  const shares: Record<SetName, number> = { train: 1 - test - validation, validation, test };
  const wanted = SETS.filter((set) => shares[set] > 0);
  // What a set still wants of each stratum.
  const lacks = new Map(wanted.map((set) => [set, totals.map((total) => total * shares[set])]));
  const sets: SetName[] = Array(proteins.length);
  for (const group of queue) {
    const of = new Float64Array(strata);
    for (const i of group) of[stratumOf(i)]++;
    let best = wanted[0], most = -Infinity;
    for (const set of wanted) {
      // Shares of what was wanted, so that small sets and rare classes are heard as well.
      const lack = lacks.get(set)!;
      const need = of.reduce(
        (sum, count, s) => count === 0 ? sum : sum + count * lack[s] / (totals[s] * shares[set]),
        0,
      );
      if (need > most) [best, most] = [set, need];
    }
    const lack = lacks.get(best)!;
    of.forEach((count, s) => lack[s] -= count);
    for (const i of group) sets[i] = best;
  }
  return sets;
}

/** @throws {UserError} if a group of the input is on both sides */
function checkGroups(proteins: readonly LabelledProtein[], sets: readonly SetName[]): void {
  const first = new Map<string, number>();
  proteins.forEach(({ id, group }, i) => {
    if (group === undefined) return;
    const other = first.get(group);
    if (other === undefined) first.set(group, i);
    else if (sets[other] !== sets[i]) {
      throw new UserError(
        `Cannot use the given split as a group must be on one side: ${quote(group)} has ` +
          `${quote(proteins[other].id)} in ${sets[other]} and ${quote(id)} in ${sets[i]}`,
      );
    }
  });
}

/** Says how many proteins of the test set were learnt from letter by letter. */
function checkSame(
  proteins: readonly LabelledProtein[],
  sets: readonly SetName[],
  notes: string[],
): void {
  const learnt = new Set<string>();
  proteins.forEach(({ residues }, i) => sets[i] !== "test" && learnt.add(residues));
  const same = proteins.filter(({ residues }, i) => sets[i] === "test" && learnt.has(residues));
  if (same.length === 0) return;
  notes.push(
    `Warning: ${same.length} protein${
      same.length === 1 ? " of the test set is" : "s of the test set are"
    } in the training or validation set, too, letter by letter.`,
  );
}

function checkSets(split: SplitProblem, notes: string[]): void {
  const { proteins, sets, classes, kind } = split;
  for (const set of SETS) {
    if (!sets.includes(set)) {
      throw new UserError(
        `${cannotTrain(split)} the ${set} set must have a protein: current count is 0 of ` +
          `${proteins.length} (${split.split})`,
      );
    }
  }
  if (kind === "numbers") return;
  const isSets = kind === "sets";
  const count = new Map(SETS.map((set) => [set, new Float64Array(classes.length)]));
  proteins.forEach(({ labels }, i) => {
    const own = isSets ? classes.keys().filter((k) => labels[k] === 1) : new Set(labels);
    for (const k of own) if (!Number.isNaN(k)) count.get(sets[i])![k]++;
  });
  const [train, , test] = SETS.map((set) => count.get(set)!);
  classes.forEach((name, k) => {
    if (train[k] === 0) {
      throw new UserError(
        `${cannotTrain(split)} every class must be in the training set: ${
          quote(name)
        } is in none ` +
          `of its proteins, in ${test[k]} of the test set (${split.split})`,
      );
    }
  });
  const untested = classes.filter((_, k) => test[k] === 0);
  if (untested.length > 0) {
    notes.push(`No protein of the test set has ${untested.join(", ")}: nothing is known of them.`);
  }
}
