/** Parameters in arrays of the host: native CPU and WebAssembly. */
import type { Backend, Tensor } from "../backend/types.ts";
import { elementCount } from "../backend/types.ts";
import { addOnto, averageStep, clipFactor, squareSum } from "../../kernels/adamw/mod.ts";
import { adamw, type Optimiser } from "./adamw.ts";
import { zerosLike } from "./arrays.ts";
import { checkMemory, checkNorm, chosenArrays, GROUPS, misfit, shapeOf } from "./memory.ts";
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

  async add(gradients: Readonly<Record<string, Tensor>>): Promise<void> {
    for (const [name, tensor] of Object.entries(gradients)) {
      await this.addArray(name, tensor.peek()!);
    }
  }

  // deno-lint-ignore require-await -- throws by rejecting
  async addArray(name: string, values: Float32Array): Promise<void> {
    const count = elementCount(shapeOf(this.shapes, name));
    if (values.length !== count) throw misfit(name, count, values.length);
    const sum = this.#sums[name] ??= new Float32Array(count);
    if (this.#added.has(name)) addOnto(sum, values);
    else sum.set(values);
    this.#added.add(name);
  }

  async step(
    { step, rate, matrixRate = rate, clip = Infinity, alongside = [] }: ParameterStep,
  ): Promise<ParameterReport> {
    // In the order of the shapes, whatever the order of the backward pass.
    const gradients = Object.fromEntries(
      [...this.shapes.keys()].filter((name) => this.#added.has(name))
        .map((name) => [name, this.#sums[name]]),
    );
    const squares = Object.values(gradients).reduce((sum, array) => sum + squareSum(array), 0);
    const norm = Math.sqrt(squares), factor = clipFactor(norm, clip);
    checkNorm(norm);
    const { first, second, momentum } = this.#memory, adam = this.#adamOnly(gradients);
    const own = { step, learningRate: rate }, matrices = { step, learningRate: matrixRate };
    this.#adam.update(this.#weights, adam, { first, second }, own, factor);
    await this.#muon?.update(
      ...[this.#weights, this.#muonOnly(gradients), momentum, matrices, factor] as const,
    );
    for (const [name, mean] of Object.entries(this.#memory.average)) {
      averageStep(mean, this.#weights[name], 1 - this.settings.average!);
    }
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

  // deno-lint-ignore require-await -- throws by rejecting
  async load(memory: ParameterMemory): Promise<void> {
    checkMemory(this.shapes, (group, name) => this.#memory[group][name]?.length, memory);
    for (const group of GROUPS) {
      for (const [name, array] of Object.entries(this.#memory[group])) {
        array.set(memory[group][name]);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const tensor of this.#tensors.values()) tensor[Symbol.dispose]();
    this.#tensors.clear();
    await this.#muon?.[Symbol.asyncDispose]();
  }

  #adamOnly = (arrays: NamedArrays): NamedArrays => this.#pick(arrays, false);
  #muonOnly = (arrays: NamedArrays): NamedArrays => this.#pick(arrays, true);

  #pick(arrays: NamedArrays, isMuon: boolean): NamedArrays {
    return Object.fromEntries(
      Object.entries(arrays).filter(([name]) => (this.#muon?.shapes.has(name) ?? false) === isMuon),
    );
  }
}

const copiesOf = (arrays: NamedArrays): NamedArrays => {
  const copies = zerosLike(arrays);
  for (const [name, array] of Object.entries(arrays)) copies[name].set(array);
  return copies;
};
