/** Collects scored, measured variants by group while rows stream past. */
import type { Samples } from "./evaluate.ts";
import type { Regions } from "./regions.ts";
import type { Variant, VariantRow } from "./types.ts";

/** At most this many points keep their names, for the report's scatter. */
const NAMED_POINTS = 5000;

export class SampleCollector {
  readonly scores: number[] = [];
  readonly measured: number[] = [];
  readonly functional: number[] = [];
  readonly names: string[] = [];
  /** Row numbers (of the arrays above) by group, in order of tables. */
  readonly #groups = new Map<string, number[]>();

  constructor(readonly hasFunctional: boolean, readonly regions?: Regions) {
    for (const name of ["single", "multiple", "indel", ...(regions?.names ?? [])]) {
      this.#groups.set(name, []);
    }
  }

  /** Takes a row; one without a measured value takes no part. */
  add(row: VariantRow, variant: Variant, score: number): void {
    const { measured = NaN, functional } = row;
    if (Number.isNaN(measured) || Number.isNaN(score)) return;
    if (this.hasFunctional && functional === undefined) return;
    const i = this.scores.push(score) - 1;
    this.measured.push(measured);
    if (this.hasFunctional) this.functional.push(functional ? 1 : 0);
    if (i < NAMED_POINTS) this.names.push(row.text);
    const { substitutions, indel } = variant;
    if (indel !== undefined) this.#groups.get("indel")!.push(i);
    else if (substitutions.length === 1) this.#groups.get("single")!.push(i);
    else if (substitutions.length > 1) this.#groups.get("multiple")!.push(i);
    for (const name of this.regions?.of(variant) ?? []) this.#groups.get(name)!.push(i);
  }

  /** All variants, then the groups that some but not all of them are in, and every region. */
  *groups(): Generator<{ name: string; samples: Samples }> {
    yield { name: "all", samples: this.#pick() };
    for (const [name, rows] of this.#groups) {
      const isPart = rows.length > 0 && rows.length < this.scores.length;
      if (isPart || this.regions?.names.includes(name)) yield { name, samples: this.#pick(rows) };
    }
  }

  #pick(rows?: readonly number[]): Samples {
    const take = (values: readonly number[]) => rows ? rows.map((i) => values[i]) : values;
    return {
      scores: take(this.scores),
      measured: take(this.measured),
      ...(this.hasFunctional && { functional: take(this.functional) }),
    };
  }
}
