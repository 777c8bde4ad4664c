/** Collects scored, measured variants by group while rows stream past. */
import { NO_LABEL, type Samples } from "./evaluate.ts";
import type { Regions } from "./regions.ts";
import { isVariant } from "./scan.ts";
import type { ScoredRow } from "./score.ts";
import type { Variant } from "./types.ts";

/** A scored, measured variant as a picture shows it. */
export interface Point {
  /** As its source writes it; empty where that gives the sequence only. */
  name: string;
  kind: Kind;
  score: number;
  measured: number;
  /** Of a single substitution: where, counted from 1 along the target, and the new letter. */
  position?: number;
  to?: string;
}

/** Most points of a kind that a picture is given: all single substitutions of a long protein. */
const MOST_POINTS: Record<Kind, number> = {
  single: 60_000,
  ...{ multiple: 5000, synonymous: 0, indel: 5000 },
};

/** Evenly spaced ones of a stream whose length nobody knows, at most `most`. */
class Thinned<T> {
  items: T[] = [];
  #every = 1;
  #count = 0;

  constructor(readonly most: number) {}

  add(item: () => T): void {
    if (this.most === 0 || this.#count++ % this.#every !== 0) return;
    this.items.push(item());
    if (this.items.length <= this.most) return;
    this.items = this.items.filter((_, i) => i % 2 === 0);
    this.#every *= 2;
  }
}

/** Groups by what a variant is, in the order of tables. */
const KINDS = ["single", "multiple", "synonymous", "indel"] as const;
/** What a variant is. */
export type Kind = typeof KINDS[number];

/** The score of indels that proteins of different lengths can be compared by. */
const PER_RESIDUE = "indel_per_residue";

/** Names that the groups of statistics have already. */
export const GROUPS: readonly string[] = ["all", ...KINDS, PER_RESIDUE];

/** What a variant is; a protein that stays as it is counts as synonymous. */
export function kindOf({ substitutions, indel }: Variant): Kind {
  if (indel !== undefined) return "indel";
  const changed = substitutions.filter(({ from, to }) => from !== to).length;
  return changed === 0 ? "synonymous" : changed === 1 ? "single" : "multiple";
}

/** Variants with the numbers that statistics compare. */
class Column {
  readonly scores: number[] = [];
  readonly measured: number[] = [];
  readonly functional: number[] = [];

  add(score: number, measured: number, functional: boolean | undefined): number {
    this.measured.push(measured);
    this.functional.push(functional === undefined ? NO_LABEL : functional ? 1 : 0);
    return this.scores.push(score) - 1;
  }

  pick(rows?: readonly number[]): Samples {
    const take = (values: readonly number[]) => rows ? rows.map((i) => values[i]) : values;
    const functional = take(this.functional);
    return {
      scores: take(this.scores),
      measured: take(this.measured),
      ...(!functional.every(Number.isNaN) && { functional }),
    };
  }
}

export class SampleCollector {
  /** By kind, for pictures. */
  readonly #points = new Map(KINDS.map((kind) => [kind, new Thinned<Point>(MOST_POINTS[kind])]));
  /** Those that the headline is of: substitutions. */
  readonly #substitutions = new Column();
  readonly #others = { synonymous: new Column(), indel: new Column(), [PER_RESIDUE]: new Column() };
  /** Row numbers (of the substitutions) by group, in the order of tables. */
  readonly #groups = new Map<string, number[]>();

  constructor(readonly regions?: Regions) {
    for (const name of ["single", "multiple", ...(regions?.names ?? [])]) {
      this.#groups.set(name, []);
    }
  }

  /** Takes a row; one without a score or a measured value takes no part. */
  add({ row, reading, score, perResidue }: ScoredRow): void {
    const { measured = NaN, functional } = row;
    if (!isVariant(reading) || Number.isNaN(measured) || Number.isNaN(score)) return;
    const kind = kindOf(reading);
    this.#points.get(kind)!.add(() => {
      const changed = reading.substitutions.find(({ from, to }) => from !== to);
      const place = kind === "single" && { position: changed!.position, to: changed!.to };
      return { name: row.text, kind, score, measured, ...place };
    });
    if (kind === "indel" || kind === "synonymous") {
      this.#others[kind].add(score, measured, functional);
      if (kind === "indel") this.#others[PER_RESIDUE].add(perResidue, measured, functional);
      return;
    }
    const i = this.#substitutions.add(score, measured, functional);
    this.#groups.get(kind)!.push(i);
    for (const name of this.regions?.of(reading) ?? []) this.#groups.get(name)!.push(i);
  }

  /**
   * What the headline is of: all substitutions, or all indels where there is nothing else. Scores of
   * proteins of other lengths are on another scale, and synonymous variants all score 0.
   */
  get headline(): Samples {
    return (this.#isIndels ? this.#others.indel : this.#substitutions).pick();
  }

  /** How many variants of a kind have both values. */
  count(kind: Kind): number {
    if (kind === "indel" || kind === "synonymous") return this.#others[kind].scores.length;
    return this.#groups.get(kind)!.length;
  }

  /** Variants to draw, in the order of kinds; of very many of a kind evenly spaced ones. */
  get points(): Point[] {
    return [...this.#points.values()].flatMap(({ items }) => items);
  }

  get #isIndels(): boolean {
    return this.#substitutions.scores.length === 0 && this.#others.indel.scores.length > 0;
  }

  /**
   * The headline as "all", then its parts, and every region; then what is not in it: synonymous
   * variants and indels.
   */
  *groups(): Generator<{ name: string; samples: Samples }> {
    yield { name: "all", samples: this.headline };
    for (const [name, rows] of this.#groups) {
      const isPart = rows.length > 0 && rows.length < this.#substitutions.scores.length;
      if (isPart || this.regions?.names.includes(name)) {
        yield { name, samples: this.#substitutions.pick(rows) };
      }
    }
    for (const [name, column] of Object.entries(this.#others)) {
      if (column.scores.length === 0 || name === "indel" && this.#isIndels) continue;
      yield { name, samples: column.pick() };
    }
  }
}
