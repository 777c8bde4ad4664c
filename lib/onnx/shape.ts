/** Shapes with symbolic dimensions, and the little algebra that reshapes need. */

/** A number, or the name of a dimension known only at run time such as "T". */
export type Dim = number | string;
/** Extents of a tensor, row-major. */
export type Shape = readonly Dim[];

export function showShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** Number of elements as a product of a number and named factors. */
export interface Count {
  /** The number. */
  factor: number;
  /** Names in alphabetical order, with repetition. */
  names: string[];
}

/** What is known about symbolic dimensions, such as N = B·T. */
export class SymbolTable {
  #definitions = new Map<string, readonly Dim[]>();

  /** Declares `name` to be the product of `factors`. */
  define(name: string, factors: readonly Dim[]): void {
    this.#definitions.set(name, factors);
  }

  /** Element count of a shape, with defined names replaced by their factors. */
  count(shape: Shape): Count {
    let factor = 1;
    const names: string[] = [];
    const visit = (dim: Dim) => {
      if (typeof dim === "number") factor *= dim;
      else if (this.#definitions.has(dim)) this.#definitions.get(dim)!.forEach(visit);
      else names.push(dim);
    };
    shape.forEach(visit);
    return { factor, names: names.sort() };
  }

  /** Whether two shapes have as many elements, whatever their named extents are. */
  sameCount(a: Shape, b: Shape): boolean {
    const x = this.count(a), y = this.count(b);
    return x.factor === y.factor && sameShape(x.names, y.names);
  }
}

/**
 * Shape of an elementwise operation on `a` and `b` under NumPy broadcasting, or undefined where
 * they do not fit. A symbolic dimension fits itself and 1.
 */
export function broadcast(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const out: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1, y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    out.push(x === 1 ? y : x);
  }
  return out;
}
