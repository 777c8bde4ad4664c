/** Parameters in arrays of the host: native CPU and WebAssembly. */
import type { Backend, Tensor } from "../backend/types.ts";
import { elementCount } from "../backend/types.ts";
import { adamw, type Optimiser } from "./adamw.ts";
import { clipByGlobalNorm, zerosLike } from "./arrays.ts";
import { Muon } from "./muon.ts";
import type {
  NamedArrays,
  OptimiserSettings,
  ParameterMemory,
  ParameterReport,
  Parameters,
  ParameterStep,
  Shapes,
} from "./parameters.ts";

export class HostParameters implements Parameters {
  readonly #weights: NamedArrays;
  readonly #memory: ParameterMemory;
  readonly #adam: Optimiser;
  readonly #muon?: Muon;
  readonly #tensors = new Map<string, Tensor>();
  /** Sums of gradients; those of the names in `#added` are of this step. */
  readonly #sums: NamedArrays = {};
  readonly #added = new Set<string>();

  constructor(
    readonly backend: Backend,
    readonly shapes: Shapes,
    arrays: Readonly<NamedArrays>,
    readonly settings: OptimiserSettings,
  ) {
    const { muon, average } = settings;
    this.#weights = chosenArrays(shapes, arrays);
    const matrices = new Map([...shapes].filter(([name, shape]) => muon?.moves(name, shape)));
    this.#adam = adamw(settings);
    if (muon && matrices.size > 0) this.#muon = new Muon(matrices, backend, muon);
    const rest = this.#adamOnly(this.#weights);
    this.#memory = {
      weights: this.#weights,
      ...this.#adam.init(rest),
      momentum: this.#muon?.init(this.#muonOnly(this.#weights)) ?? {},
      average: average === undefined ? {} : copiesOf(this.#weights),
    };
  }

  tensor(name: string): Tensor {
    let tensor = this.#tensors.get(name);
    if (!tensor) {
      const shape = shapeOf(this.shapes, name);
      tensor = this.backend.upload(name, shape, this.#weights[name]);
      this.#tensors.set(name, tensor);
    }
    return tensor;
  }

  add(gradients: Readonly<Record<string, Tensor>>): void {
    for (const [name, tensor] of Object.entries(gradients)) this.addArray(name, tensor.peek()!);
  }

  addArray(name: string, values: Float32Array): void {
    const count = elementCount(shapeOf(this.shapes, name));
    if (values.length !== count) throw misfit(name, count, values.length);
    const sum = this.#sums[name] ??= new Float32Array(count);
    if (!this.#added.has(name)) {
      sum.set(values);
      this.#added.add(name);
      return;
    }
    for (let i = 0; i < values.length; i++) sum[i] += values[i];
  }

  async step(
    { step, rate, matrixRate = rate, clip = Infinity, alongside = [] }: ParameterStep,
  ): Promise<ParameterReport> {
    const gradients: NamedArrays = {};
    // In the order of the shapes, whatever the order of the backward pass.
    for (const name of this.shapes.keys()) {
      if (this.#added.has(name)) gradients[name] = this.#sums[name];
    }
    const norm = clipByGlobalNorm(gradients, clip, CLIP_EPSILON);
    const { first, second, momentum } = this.#memory;
    this.#adam.update(this.#weights, this.#adamOnly(gradients), { first, second }, {
      step,
      learningRate: rate,
    });
    await this.#muon?.update(this.#weights, this.#muonOnly(gradients), momentum, {
      step,
      learningRate: matrixRate,
    });
    this.#average();
    this.#added.clear();
    return { norm, alongside: await Promise.all(alongside.map((tensor) => tensor.read())) };
  }

  read(): Promise<NamedArrays> {
    return Promise.resolve(this.#weights);
  }

  readAverage(): Promise<NamedArrays> {
    const isKept = this.settings.average !== undefined;
    return Promise.resolve(isKept ? this.#memory.average : this.#weights);
  }

  memory(): Promise<ParameterMemory> {
    return Promise.resolve(this.#memory);
  }

  load(memory: ParameterMemory): void {
    checkMemory(this.#memory, memory);
    for (const [group, arrays] of Object.entries(this.#memory)) {
      for (const [name, array] of Object.entries(arrays)) array.set(memory[group][name]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const tensor of this.#tensors.values()) tensor[Symbol.dispose]();
    this.#tensors.clear();
    await this.#muon?.[Symbol.asyncDispose]();
  }

  #average(): void {
    const { average } = this.#memory, { average: kept } = this.settings;
    for (const [name, mean] of Object.entries(average)) {
      const weights = this.#weights[name];
      for (let i = 0; i < mean.length; i++) mean[i] += (1 - kept!) * (weights[i] - mean[i]);
    }
  }

  #adamOnly = (arrays: NamedArrays): NamedArrays => this.#pick(arrays, false);
  #muonOnly = (arrays: NamedArrays): NamedArrays => this.#pick(arrays, true);

  #pick(arrays: NamedArrays, isMuon: boolean): NamedArrays {
    return Object.fromEntries(
      Object.entries(arrays).filter(([name]) => (this.#muon?.shapes.has(name) ?? false) === isMuon),
    );
  }
}

/** Added to the length before it divides, as torch has it. */
export const CLIP_EPSILON = 1e-6;

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

/** @throws {RangeError} if groups, names or lengths differ */
export function checkMemory(own: ParameterMemory, given: ParameterMemory): void {
  for (const [group, arrays] of Object.entries(own)) {
    for (const [name, { length }] of Object.entries(arrays)) {
      const found = given[group]?.[name]?.length;
      if (found !== length) throw misfit(`${group} of ${name}`, length, found);
    }
  }
}

export function misfit(name: string, count: number, found: number | undefined): RangeError {
  return new RangeError(
    `Cannot train "${name}" as it must have ${count} elements: current count is ${found ?? "none"}`,
  );
}

const copiesOf = (arrays: NamedArrays): NamedArrays => {
  const copies = zerosLike(arrays);
  for (const [name, array] of Object.entries(arrays)) copies[name].set(array);
  return copies;
};
