/** What parameters of every kind check. */
import { UserError } from "../errors.ts";
import { elementCount } from "../backend/types.ts";
import type { NamedArrays, ParameterMemory, Shapes } from "./parameters.ts";

/** Groups of what a training goes on from. */
export const GROUPS = ["weights", "first", "second", "momentum", "average"] as const;
export type MemoryGroup = typeof GROUPS[number];

/** The arrays that have a shape. @throws {RangeError} if one is missing or of another length */
export function chosenArrays(shapes: Shapes, arrays: Readonly<NamedArrays>): NamedArrays {
  return Object.fromEntries(
    [...shapes].map(([name, shape]) => {
      const array = arrays[name], count = elementCount(shape);
      if (array?.length !== count) throw misfit(name, count, array?.length);
      return [name, array];
    }),
  );
}

/** @throws {RangeError} if nothing is trained under this name */
export function shapeOf(shapes: Shapes, name: string): readonly number[] {
  const shape = shapes.get(name);
  if (!shape) {
    throw new RangeError(
      `Cannot train "${name}" as it must be one of the parameters: there are ${shapes.size} others`,
    );
  }
  return shape;
}

/**
 * @param expected elements of a name in a group, undefined where it is not one of the group's
 * @throws {RangeError} if names or lengths differ
 */
export function checkMemory(
  shapes: Shapes,
  expected: (group: MemoryGroup, name: string) => number | undefined,
  given: ParameterMemory,
): void {
  for (const group of GROUPS) {
    for (const name of new Set([...shapes.keys(), ...Object.keys(given[group])])) {
      const count = shapes.has(name) ? expected(group, name) : undefined;
      const found = given[group][name]?.length;
      if (found !== count) throw misfit(`${group} of ${name}`, count ?? 0, found);
    }
  }
}

/** @throws {UserError} if the length of a gradient is no finite number */
export function checkNorm(norm: number): void {
  if (Number.isFinite(norm)) return;
  throw new UserError(
    `Cannot go on with the training as its gradient must be finite: its length is ${norm}; ` +
      "a lower learning rate may help",
  );
}

export function misfit(name: string, count: number, found: number | undefined): RangeError {
  return new RangeError(
    `Cannot train "${name}" as it must have ${count} elements: current count is ${found ?? "none"}`,
  );
}
