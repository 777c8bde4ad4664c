/** Labelled proteins as a model is taught them. */
import { UserError } from "../errors.ts";
import { EOS } from "../esm2/alphabet.ts";
import { tokenize } from "../esm2/mod.ts";
import { quote } from "../errors.ts";
import type { Truth } from "../probe/evaluate.ts";
import { balancedWeights } from "../probe/logistic.ts";
import { type LabelFlags, readProblem } from "../probe/read_labels.ts";
import { type SplitOptions, splitProblem, type SplitWatch } from "../probe/split.ts";
import { type Problem, type SetName, SETS, type SplitProblem } from "../probe/types.ts";
import type { LossSpec } from "./loss.ts";
import type { Example, Task } from "./types.ts";

/** Weights of classes: none, so that all weigh the same together, or by name. */
export type ClassWeights = "none" | "balanced" | Readonly<Record<string, number>>;

/** The options that decide what is taught. */
export interface DataFlags extends Omit<LabelFlags, "per" | "as" | "learner">, SplitOptions {
  task?: Task;
  /** Residues of a protein that are read; the rest is left out. */
  maxLength: number;
  classWeights: ClassWeights;
}

/** What numbers are divided by when they are learnt, so that one learning rate fits all units. */
export interface Scale {
  readonly mean: number;
  readonly sd: number;
}

/** Examples of every set. */
export interface Lesson {
  readonly task: Task;
  readonly problem: SplitProblem;
  /** Of every protein of the problem; numbers have mean 0 and deviation 1 over the training set. */
  readonly examples: readonly Example[];
  /** Numbers of the proteins of each set that have something to be learnt or told. */
  readonly sets: Readonly<Record<SetName, readonly number[]>>;
  /** Rows of each set: proteins, or residues with a label. */
  readonly counts: Readonly<Record<SetName, number>>;
  readonly loss: LossSpec;
  /** Of numbers: of the training set. */
  readonly scale: Scale;
}

/** How a task's labels are read. */
const READ_AS: Readonly<Record<Task, Pick<LabelFlags, "as" | "per">>> = {
  sequence: { as: "classes" },
  residue: { as: "classes", per: "residue" },
  regression: { as: "numbers" },
  multilabel: { as: "sets" },
};

/**
 * Reads and splits what is to be learnt.
 *
 * @throws {UserError} for anything wrong in files and options
 */
export async function readLesson(
  o: DataFlags,
  notes: string[],
  watch: SplitWatch = {},
): Promise<Lesson> {
  const asked = o.task ? READ_AS[o.task] : {};
  const read = await readProblem({ ...o, ...asked, learner: "a model" }, notes);
  const task = o.task ?? taskOf(read);
  const per = task === "residue" ? "residue" : "protein";
  if (read.per !== per) {
    throw new UserError(
      `Cannot use --task ${task} as its labels must be of ${per}s: those of ${
        quote(read.label)
      } are of ${read.per}s`,
    );
  }
  const problem = await splitProblem(read, o, notes, watch);
  return lessonOf(problem, task, o, notes);
}

const taskOf = ({ per, kind }: Problem): Task =>
  per === "residue" ? "residue" : kind === "numbers" ? "regression" : "sequence";

/** The examples of a split problem. */
export function lessonOf(
  problem: SplitProblem,
  task: Task,
  { maxLength, classWeights }: Pick<DataFlags, "maxLength" | "classWeights">,
  notes: string[],
): Lesson {
  const { proteins, sets, classes } = problem;
  const scale = task === "regression"
    ? scaleOf(proteins.filter((_, p) => sets[p] === "train").map(({ labels: [value] }) => value))
    : { mean: 0, sd: 1 };
  const examples = proteins.map(({ id, residues, labels }): Example => ({
    ids: tokensOf({ id, residues }, maxLength),
    targets: task === "residue"
      ? labels.subarray(0, maxLength)
      : labels.map((label) => (label - scale.mean) / scale.sd),
  }));
  const long = examples.filter(({ ids }, p) => ids.length - 2 < proteins[p].residues.length).length;
  if (long > 0) {
    notes.push(
      `${long} of ${proteins.length} proteins are longer than ${maxLength} residues: the rest is ` +
        "left out (--max-length).",
    );
  }
  const own = Object.fromEntries(SETS.map((set) => [set, [] as number[]])) as Record<
    SetName,
    number[]
  >;
  const counts = { train: 0, validation: 0, test: 0 };
  examples.forEach((example, p) => {
    const rows = task === "residue" ? labelledResidues(example).length : 1;
    if (rows === 0) return;
    own[sets[p]].push(p);
    counts[sets[p]] += rows;
  });
  const empty = SETS.find((set) => counts[set] === 0);
  if (empty !== undefined) {
    throw new UserError(
      `Cannot train a model as the ${empty} set must have a residue with a label within ` +
        `--max-length: current count is 0`,
    );
  }
  const outputs = task === "regression" ? 1 : classes.length;
  const learnt = own.train.map((p) => examples[p]);
  return {
    ...{ task, problem, examples, sets: own, counts, scale },
    loss: {
      ...{ task, outputs },
      ...(classWeights !== "none" && {
        classWeights: weightsOf(classWeights, task, classes, learnt),
      }),
    },
  };
}

/** Tokens of a protein, of no more residues than are read. */
export function tokensOf(protein: { id: string; residues: string }, maxLength: number): Int32Array {
  const ids = tokenize(protein, { maxLength: Infinity });
  if (ids.length - 2 <= maxLength) return ids;
  const read = ids.slice(0, maxLength + 2);
  read[maxLength + 1] = EOS;
  return read;
}

/** 0-based residues that have a label. */
export const labelledResidues = ({ targets }: Example): number[] =>
  Array.from(targets.keys()).filter((i) => !Number.isNaN(targets[i]));

function scaleOf(values: readonly number[]): Scale {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const sd = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
  return { mean, sd: sd > 0 ? sd : 1 };
}

function weightsOf(
  weights: Exclude<ClassWeights, "none">,
  task: Task,
  classes: readonly string[],
  examples: readonly Example[],
): Float64Array {
  if (task === "regression") {
    throw new UserError("Cannot use --class-weights as labels must be classes: these are numbers");
  }
  if (weights !== "balanced") {
    const unknown = Object.keys(weights).find((name) => !classes.includes(name));
    if (unknown !== undefined) {
      throw new UserError(
        `Cannot use --class-weights as it must name classes, ${
          classes.join(", ").slice(0, 200)
        }: current value is ${quote(unknown)}`,
      );
    }
    return Float64Array.from(classes, (name) => weights[name] ?? 1);
  }
  if (task === "multilabel") {
    // Members of each class weigh what the others do together.
    return Float64Array.from(classes, (_, k) => {
      const members = examples.filter(({ targets }) => targets[k] === 1).length;
      return members === 0 ? 1 : (examples.length - members) / members;
    });
  }
  const labels = examples.flatMap((example) =>
    task === "residue"
      ? labelledResidues(example).map((i) => example.targets[i])
      : [example.targets[0]]
  );
  return balancedWeights(classes.length, labels);
}

/** The truth of a set, as statistics read it. */
export function truthOf({ task, problem, examples, sets }: Lesson, set: SetName): Truth {
  const isResidue = task === "residue", isSets = task === "multilabel";
  const targets = sets[set].map((p) => {
    const { labels } = problem.proteins[p];
    return isResidue ? labelledResidues(examples[p]).map((i) => labels[i]) : [...labels];
  });
  return {
    labels: Float64Array.from(targets.flat()),
    rows: targets.map(({ length }) => isResidue ? length : 1),
    classes: task === "regression" ? 0 : problem.classes.length,
    ...{ isResidue, isSets },
  };
}
