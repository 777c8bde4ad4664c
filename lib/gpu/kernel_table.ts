/**
 * A kernel as one table: what it binds, of which type and shape, and its numbers. Layout, checks, outputs and
 * parameters follow from it.
 */
import type { GpuContext } from "./context.ts";
import { planGrid } from "./grid.ts";
import type { Access, Kernel, KernelSpec } from "./kernel.ts";
import { ParamLayout, type ParamType } from "./params.ts";
import type { ElementType, GpuTensor } from "./tensor.ts";

/**
 * Access, element type and shape of a tensor: numbers, and letters for extents, which must be the same
 * wherever a letter stands (`B H T T`); `*` takes any shape.
 */
export type Binding = readonly [access: Access, dtype: ElementType, shape: string];

/** Of group 0, by the name of the shader's variable: inputs in signature order, then outputs. */
export type KernelBindings = Readonly<Record<string, Binding>>;

/** Fields of `struct Params` by name in order: the type of a number that is given, or the letter of an extent, a u32. */
export type KernelNumbers = Readonly<Record<string, string>>;
/** Types of the numbers. */
export type ParamFieldsOf<P extends KernelNumbers> = {
  readonly [K in keyof P]: P[K] extends ParamType ? P[K] : "u32";
};

/** A tensor for each binding. */
export type TensorsOf<B extends KernelBindings> = { readonly [K in keyof B]: GpuTensor<B[K][1]> };

/** The numbers that are no extents. */
export type GivenOf<P extends KernelNumbers> = {
  readonly [K in keyof P as P[K] extends ParamType ? K : never]: number;
};

/** Extents by letter. */
export type Extents = Readonly<Record<string, number>>;

/** What a kernel is, said once. */
export interface KernelRows<B extends KernelBindings, P extends KernelNumbers> {
  /** What it is called in messages. */
  readonly label: string;
  /** What cannot be done with what does not fit, for messages: `decode`. */
  readonly action: string;
  /** WGSL text; its variables and the fields of its `struct Params` have the names below, in this order. */
  readonly source: string;
  /** Of group 0: inputs in signature order, then outputs. */
  readonly bindings: B;
  /** Fields of `struct Params`. */
  readonly params: P;
}

const isType = (text: string): text is ParamType => /^[uif]32$/.test(text);

/** Makes nothing by itself; `build` does, for a device and constants. */
export class KernelTable<const B extends KernelBindings, const P extends KernelNumbers> {
  readonly #shapes: readonly (readonly [name: keyof B & string, axes: readonly string[]])[];
  readonly #layout: ParamLayout<ParamFieldsOf<P>>;

  /** Reads the rows. @param rows what the kernel is */
  constructor(readonly rows: KernelRows<B, P>) {
    this.#shapes = Object.entries(rows.bindings).map(([name, [, , shape]]) =>
      [name, shape.split(" ")] as const
    );
    const fields = Object.entries(rows.params).map(([name, of]) => [name, isType(of) ? of : "u32"]);
    this.#layout = new ParamLayout(Object.fromEntries(fields) as ParamFieldsOf<P>);
  }

  /** What a pipeline is made of, with values of `override` constants. */
  spec(
    constants: Readonly<Record<string, number>> = {},
    entryPoint?: string,
  ): KernelSpec<ParamFieldsOf<P>> {
    const { label, source, bindings } = this.rows;
    const access = Object.values(bindings).map(([access]) => access);
    return { label, source, entryPoint, bindings: access, params: this.#layout, constants };
  }

  /** Builds the kernel. @throws {GpuError} if the device refuses it */
  async build(
    ctx: GpuContext,
    constants: Readonly<Record<string, number>> = {},
    entryPoint?: string,
  ): Promise<TableKernel<B, P>> {
    return new TableKernel(ctx, this, await ctx.kernel(this.spec(constants, entryPoint)));
  }

  /**
   * The extents that tensors have, as far as these tell.
   *
   * @param known extents that are decided already
   * @throws {RangeError} for the first tensor, in the order of bindings, whose type or shape does not fit
   */
  extents(tensors: Partial<TensorsOf<B>>, known: Extents = {}): Extents {
    const { action, bindings } = this.rows, found: Record<string, number> = { ...known };
    for (const [name, axes] of this.#shapes) {
      const tensor = tensors[name];
      if (!tensor) continue;
      const { label, shape, dtype } = tensor;
      const refuse = (wanted: string, current: string) => {
        throw new RangeError(
          `Cannot ${action} as "${label}" must be ${wanted}: current value is ${current}`,
        );
      };
      if (dtype !== bindings[name][1]) refuse(bindings[name][1], dtype);
      if (axes[0] === "*") continue;
      const isRank = axes.length === shape.length;
      if (isRank) {
        axes.forEach((axis, i) => found[axis] ??= /^\d+$/.test(axis) ? Number(axis) : shape[i]);
      }
      if (isRank && axes.every((axis, i) => found[axis] === shape[i])) continue;
      const wanted = axes.map((axis) => found[axis] ?? axis);
      refuse(`[${wanted.join(", ")}]`, `[${shape.join(", ")}]`);
    }
    return found;
  }

  /** Makes a tensor for a binding; whoever called frees it. */
  alloc<K extends keyof B & string>(
    ctx: GpuContext,
    name: K,
    extents: Extents,
  ): GpuTensor<B[K][1]> {
    const [, dtype, shape] = this.rows.bindings[name];
    const axes = shape.split(" ").map((axis) => extents[axis] ?? Number(axis));
    return ctx.alloc(`${this.rows.label} ${name}`, axes, dtype);
  }
}

/** What {@linkcode KernelTable.build} makes of a table. */
export type KernelOf<T> = T extends KernelTable<infer B, infer P> ? TableKernel<B, P> : never;

/** A built kernel of a table. */
export class TableKernel<B extends KernelBindings, P extends KernelNumbers> {
  /** For {@linkcode KernelTable.build}. */
  constructor(
    readonly ctx: GpuContext,
    readonly table: KernelTable<B, P>,
    readonly kernel: Kernel<ParamFieldsOf<P>>,
  ) {}

  /**
   * Encodes one dispatch of so many workgroups.
   *
   * @throws {RangeError} if a tensor does not fit, or a number its type
   */
  encode(
    encoder: GPUCommandEncoder,
    tensors: TensorsOf<B>,
    given: GivenOf<P>,
    groups: (extents: Extents) => number,
  ): void {
    const { bindings, params } = this.table.rows;
    const extents = this.table.extents(tensors);
    const numbers = Object.entries(params).map(([name, of]) => [
      name,
      isType(of) ? (given as Record<string, number>)[name] : extents[of],
    ]);
    this.kernel.dispatch(encoder, {
      tensors: Object.keys(bindings).map((name) => tensors[name]),
      params: Object.fromEntries(numbers),
      grid: planGrid(groups(extents), this.ctx.limits),
    });
  }
}
