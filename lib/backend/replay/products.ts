/**
 * Products of matrices among onnxruntime's dispatches, and the kernel that takes their place.
 *
 * onnxruntime's own reach 3 TFLOP/s on a GPU where 60 are possible (NVIDIA H200, `deno task bench`): their
 * loops turn for every multiplication, see kernels/matmul. A dispatch is replaced only where its shader
 * is, statement by statement, one of those known here; every other stays as it is, and every recording is
 * compared with onnxruntime's results before it is used.
 *
 * Weights in half precision, which onnxruntime widens before it multiplies, the kernel reads as they are, and
 * products that read the same rows (queries, keys and values) become one: short sequences then fill a GPU better.
 */
import { type MatmulForm, type MatmulShape, planMatmul } from "../../../kernels/matmul/mod.ts";
import type { GpuContext } from "../../gpu/mod.ts";
import { type Bound, type Command, type LoggedRun, touchedBy, writtenBy } from "./log.ts";
import type { PipelineBook } from "./pipelines.ts";
import type { ProductShader } from "./product_shader.ts";

/** What the pipelines of a log are. */
type Shaders = Pick<PipelineBook, "product" | "widening">;

/** A product among the commands of a log. */
interface Product {
  at: number;
  shape: MatmulShape;
  form: MatmulForm;
  a: Bound;
  b: Bound;
  bias?: Bound;
  c: Bound;
}

/** How many products of the same rows one dispatch makes: queries, keys and values. */
const MOST_TOGETHER = 3;

/** Sizes of a dispatch; undefined if it is a product of another kind. */
function shapeOf({ fields }: ProductShader, uniform: Uint8Array): MatmulShape | undefined {
  const view = new DataView(uniform.buffer, uniform.byteOffset, uniform.byteLength);
  const list = (name: string): number[] | undefined => {
    const field = fields.get(name);
    if (!field || field.offset + 4 * field.count > uniform.length) return undefined;
    return Array.from(
      { length: field.count },
      (_, i) => view.getUint32(field.offset + 4 * i, true),
    );
  };
  const one = (name: string) => list(name)?.[0];
  const m = one("dim_a_outer"), n = one("dim_b_outer"), k = one("dim_inner");
  const left = list("a_shape"), right = list("b_shape");
  if (!m || !n || !k || !left || !right) return undefined;
  const ONE = 0x3f800000;
  if ([one("alpha") ?? ONE, one("beta") ?? ONE].some((factor) => factor !== ONE)) return undefined;
  if ((one("splits_per_batch") ?? 0) > 1) return undefined;
  // The same batch on both sides: nothing is repeated.
  const batch = left.slice(0, -2);
  if (batch.join() !== right.slice(0, -2).join()) return undefined;
  return { batch: batch.reduce((product, extent) => product * extent, 1), m, n, k };
}

/**
 * The run with products of our own in the place of those that are known.
 *
 * @param args buffers of its inputs and outputs
 * @throws {GpuError} if a product does not build
 */
export async function replaceProducts(
  log: LoggedRun,
  args: readonly GPUBuffer[],
  shaders: Shaders,
  gpu: GpuContext,
): Promise<LoggedRun> {
  const apart = keepApart(log.commands, args, shaders);
  const commands: (Command | undefined)[] = [...apart];
  const products = apart.flatMap((_, at) => productAt(apart, at, shaders) ?? []);
  for (const product of products) readAsStored(commands, product, shaders);
  for (const group of together(commands, products, gpu.limits)) {
    const [first, ...others] = group;
    for (const { at } of others) commands[at] = undefined;
    commands[first.at] = await dispatchOf(group, gpu);
  }
  const left = commands.filter((command) => command !== undefined);
  return { commands: left, created: log.created, obstacle: log.obstacle };
}

/**
 * The same commands with a buffer of its own for everything that is written whole: onnxruntime lets one buffer
 * serve many, so that queries must be used up before keys are made.
 */
function keepApart(
  commands: readonly Command[],
  args: readonly GPUBuffer[],
  shaders: Shaders,
): Command[] {
  const now = new Map<GPUBuffer, GPUBuffer>();
  const of = (buffer: GPUBuffer) => now.get(buffer) ?? buffer;
  return commands.map((command, at): Command => {
    if (command.kind === "clear") return { ...command, buffer: of(command.buffer) };
    if (command.kind === "copy") {
      return { ...command, source: of(command.source), target: of(command.target) };
    }
    const whole = productAt(commands, at, shaders)?.c ?? wideningOf(command, shaders)?.single;
    if (whole?.offset === 0 && !args.includes(whole.buffer)) {
      // Recordings know a buffer by its identity and its size.
      now.set(whole.buffer, { size: whole.buffer.size } as GPUBuffer);
    }
    const bound = command.bound.map((one) => ({ ...one, buffer: of(one.buffer) }));
    return { ...command, bound };
  });
}

/** What a dispatch reads and writes that only widens; undefined for others. */
function wideningOf(
  command: Command,
  shaders: Shaders,
): { half: Bound; single: Bound } | undefined {
  const shader = command.kind === "dispatch" ? shaders.widening(command.pipeline) : undefined;
  if (command.kind !== "dispatch" || !shader) return undefined;
  const half = command.bound.find(({ binding }) => binding === shader.half);
  const single = command.bound.find(({ binding }) => binding === shader.single);
  return half && single && { half, single };
}

function productAt(
  commands: readonly Command[],
  at: number,
  shaders: Shaders,
): Product | undefined {
  const command = commands[at];
  const shader = command.kind === "dispatch" ? shaders.product(command.pipeline) : undefined;
  if (command.kind !== "dispatch" || !shader) return undefined;
  const bound = (binding?: number) => command.bound.find((one) => one.binding === binding);
  const uniform = bound(shader.bindings.uniforms)?.uniform;
  const shape = uniform && shapeOf(shader, uniform);
  const [a, b, c] = [shader.bindings.a, shader.bindings.b, shader.bindings.c].map(bound);
  const bias = bound(shader.bindings.bias);
  if (!shape || !a || !b || !c || shader.bias !== (bias !== undefined)) return undefined;
  const { transposed } = shader;
  return { at, shape, form: { transposed, bias: shader.bias }, a, b, bias, c };
}

/** Lets a product read the weights that were widened for it alone as they are stored. */
function readAsStored(
  commands: (Command | undefined)[],
  product: Product,
  shaders: Shaders,
): void {
  const { buffer, offset } = product.b;
  const users = commands.flatMap((command, at) =>
    command && touchedBy(command).includes(buffer) ? [at] : []
  );
  const [first] = users, found = first < product.at && wideningOf(commands[first]!, shaders);
  if (!found || users.length !== 2 || found.single.buffer !== buffer || offset !== 0) return;
  const isChanged = commands.slice(first, product.at).some((command) =>
    command && writtenBy(command).includes(found.half.buffer)
  );
  if (isChanged) return;
  product.b = found.half;
  product.form = { ...product.form, half: true };
  commands[first] = undefined;
}

/** Products by the dispatch that makes them, which stands where the first of them did. */
function together(
  commands: readonly (Command | undefined)[],
  products: readonly Product[],
  limits: GPUSupportedLimits,
): Product[][] {
  const groups: Product[][] = [];
  for (const product of products) {
    const group = groups.find(([first]) => first.a.buffer === product.a.buffer);
    const bindings = (one: Product) => 1 + MOST_TOGETHER * (one.bias ? 3 : 2);
    const fits = group && group.length < MOST_TOGETHER &&
      bindings(product) <= limits.maxStorageBuffersPerShaderStage &&
      isAlike(group[0], product) && canMove(commands, group, product);
    if (fits) group.push(product);
    else groups.unshift([product]);
  }
  return groups;
}

function isAlike(one: Product, other: Product): boolean {
  const key = ({ shape: { batch, m, n, k }, form, a }: Product) =>
    [batch, m, n, k, form.transposed, form.bias, form.half ?? false, a.offset, a.size].join();
  return key(one) === key(other);
}

/** Whether a product gives the same where the group's first stands: nothing between touches what it needs. */
function canMove(
  commands: readonly (Command | undefined)[],
  group: readonly Product[],
  { at, a, b, bias, c }: Product,
): boolean {
  const own = new Set(group.map((one) => one.at));
  const between = commands.slice(group[0].at, at).flatMap((command, i) =>
    command && !own.has(group[0].at + i) ? [command] : []
  );
  const inputs = [a, b, ...(bias ? [bias] : [])].map(({ buffer }) => buffer);
  const all = group.flatMap((one) => [one.a, one.b, one.c, ...(one.bias ? [one.bias] : [])]);
  return between.every((command) =>
    !touchedBy(command).includes(c.buffer) &&
    !writtenBy(command).some((buffer) => inputs.includes(buffer))
  ) && all.every(({ buffer }) => buffer !== c.buffer) &&
    group.every((one) => !inputs.includes(one.c.buffer));
}

async function dispatchOf(group: readonly Product[], gpu: GpuContext): Promise<Command> {
  const [{ shape, form, a }] = group;
  const plan = planMatmul(shape, { ...form, products: group.length }, gpu.limits);
  const { built } = await gpu.kernel(plan.spec);
  const bytes = new Uint8Array(plan.spec.params.sizeBytes);
  plan.spec.params.pack(new DataView(bytes.buffer), 0, plan.params);
  const tensors = group.flatMap(({ b, bias, c }) => bias ? [b, bias, c] : [b, c]);
  return {
    kind: "dispatch",
    pipeline: built.pipeline,
    layout: built.tensorLayout,
    bound: [a, ...tensors].map((one, binding) => ({ ...one, binding })),
    groups: plan.grid,
    params: { layout: built.paramLayout, bytes },
  };
}
