/**
 * Parameters on a GPU: sums of gradients, moments and weights stay there, and only the gradient's length
 * is read.
 *
 * Tensors stand one behind another in pages, a few buffers that hold all, so that a step is a few
 * dispatches whatever the number of tensors. Graphs read whole buffers, so each weight has one of its own
 * too, copied from its page after a step.
 */
import { adamNumbers, AdamW, BLOCK, DECAYS, MOVES } from "../../kernels/adamw/mod.ts";
import { MuonStep } from "../../kernels/muon/mod.ts";
import type { Backend, Tensor } from "../backend/types.ts";
import { elementCount } from "../backend/types.ts";
import type { ElementType, GpuContext, GpuTensor } from "../gpu/mod.ts";
import {
  checkMemory,
  checkNorm,
  chosenArrays,
  GROUPS,
  type MemoryGroup,
  misfit,
  shapeOf,
} from "./memory.ts";
import { type MatrixGroup, matrixGroups, NewtonSchulz, numbersOf } from "./muon.ts";
import type {
  NamedArrays,
  OptimiserSettings,
  ParameterMemory,
  ParameterReport,
  Parameters,
  ParameterStep,
  Shapes,
} from "./parameters.ts";

/** Largest page: buffers are read through memory of the same size. */
const PAGE_BYTES = 256 * 2 ** 20;

const VECTOR = 4;
const BYTES = 4;
const roundUp = (count: number, unit: number) => Math.ceil(count / unit) * unit;

/** Where a tensor stands. */
interface Place {
  readonly page: Page;
  /** First element, and elements. */
  readonly begin: number;
  readonly count: number;
  /** Number of the block or matrix it begins with, and how many it takes, of the page's flags. */
  readonly unit: number;
  readonly units: number;
}

/** What is moved by AdamW, or matrices of one shape that are Muon's. */
interface Page {
  /** Elements, padding included. */
  readonly size: number;
  readonly matrices?: MatrixGroup;
  readonly sums: GpuTensor<"f32">;
  readonly groups: Readonly<Partial<Record<MemoryGroup, GpuTensor<"f32">>>>;
  /** Of each block or matrix. */
  readonly flags: GpuTensor<"u32">;
  readonly flagValues: Uint32Array<ArrayBuffer>;
  /** First of its partial sums. */
  readonly firstPartial: number;
}

export class DeviceParameters implements Parameters {
  readonly #owned = new AsyncDisposableStack();
  readonly #places = new Map<string, Place>();
  readonly #pages: Page[] = [];
  readonly #tensors = new Map<string, Tensor>();
  readonly #newtonSchulz: NewtonSchulz;
  readonly #partials: GpuTensor<"f32">;
  /** Length of the gradient, and what it is multiplied by. */
  readonly #clip: GpuTensor<"f32">;
  readonly #added = new Set<string>();
  /** For which names the flags on the device stand. */
  #flagged = "";
  #staging?: GpuTensor<"f32">;

  private constructor(
    readonly backend: Backend,
    readonly gpu: GpuContext,
    readonly shapes: Shapes,
    arrays: NamedArrays,
    readonly settings: OptimiserSettings,
    readonly adamw: AdamW,
    readonly muon: MuonStep,
  ) {
    this.#newtonSchulz = this.#owned.use(new NewtonSchulz(backend));
    this.#layOut();
    const partials = this.#pages.reduce((sum, { size }) => sum + adamw.partialsOf(size), 0);
    this.#partials = this.#alloc("partial sums", partials, "f32");
    this.#clip = this.#alloc("clip", 2, "f32");
    for (const [name, array] of Object.entries(arrays)) {
      this.#tensors.set(name, this.#owned.use(backend.upload(name, shapes.get(name)!, array)));
      for (const group of ["weights", "average"] as const) this.#write(group, name, array);
    }
  }

  /** Builds the kernels, and the graphs that turn matrices. */
  static async open(
    backend: Backend,
    gpu: GpuContext,
    shapes: Shapes,
    arrays: Readonly<NamedArrays>,
    settings: OptimiserSettings,
  ): Promise<DeviceParameters> {
    const chosen = chosenArrays(shapes, arrays);
    const kernels = await Promise.all([AdamW.create(gpu), MuonStep.create(gpu)]);
    const made = new DeviceParameters(backend, gpu, shapes, chosen, settings, ...kernels);
    for (const { matrices } of made.#pages) {
      if (matrices) await made.#newtonSchulz.prepare([matrices.names.length, ...matrices.shape]);
    }
    return made;
  }

  tensor(name: string): Tensor {
    shapeOf(this.shapes, name);
    return this.#tensors.get(name)!;
  }

  /** Encodes before it waits: the tensors need to be valid only until it returns. */
  async add(gradients: Readonly<Record<string, Tensor>>): Promise<void> {
    const found = Object.entries(gradients).map(([name, tensor]) => {
      const { count } = this.#placeOf(name), own = elementCount(tensor.shape);
      if (own !== count) throw misfit(name, count, own);
      return [name, tensor.gpu as GpuTensor<"f32">] as const;
    });
    const again = found.filter(([name]) => this.#added.has(name));
    const runs = this.#runsOf(again.map(([name]) => name));
    const staging = this.#stagingOf(runs.reduce((sum, { size }) => sum + size, 0));
    await this.gpu.submit("gradients", (encoder) => {
      const copy = (name: string, to: GpuTensor, at: number) => {
        const { buffer } = gradients[name].gpu!, { count } = this.#placeOf(name);
        encoder.copyBufferToBuffer(buffer, 0, to.buffer, at * BYTES, count * BYTES);
      };
      for (const [name] of found) {
        if (this.#added.has(name)) continue;
        const { page, begin } = this.#placeOf(name);
        copy(name, page.sums, begin);
        this.#added.add(name);
      }
      if (!staging) return;
      // Padding between tensors stays zero.
      encoder.clearBuffer(staging.buffer);
      let at = 0;
      for (const { page, begin, size, names } of runs) {
        for (const name of names) copy(name, staging, at + this.#placeOf(name).begin - begin);
        this.adamw.add(encoder, staging, page.sums, begin, { begin: at, count: size });
        at += size;
      }
    });
  }

  async addArray(name: string, values: Float32Array): Promise<void> {
    const { count } = this.#placeOf(name);
    if (values.length !== count) throw misfit(name, count, values.length);
    using tensor = this.backend.upload(name, this.shapes.get(name)!, values);
    await this.add({ [name]: tensor });
  }

  async step(
    { step, rate, matrixRate = rate, clip, alongside = [] }: ParameterStep,
  ): Promise<ParameterReport> {
    this.#setFlags();
    const { betas = [0.9, 0.999], epsilon = 1e-8, decay = 0, muon = {} } = this.settings;
    const numbers = adamNumbers({ betas, epsilon, decay }, { step, rate });
    using owned = new DisposableStack();
    const ahead = new Map<Page, Tensor>();
    await this.gpu.submit("optimiser", (encoder) => {
      for (const { sums, firstPartial } of this.#pages) {
        this.adamw.norm(encoder, sums, this.#partials, firstPartial);
      }
      this.adamw.clip(encoder, this.#partials, this.#clip, clip);
      for (const page of this.#pages) {
        const { matrices, sums: gradients, flags, groups } = page, clip = this.#clip;
        if (!matrices) {
          const { weights, first, second } = groups as Required<typeof groups>;
          const tensors = { gradients, flags, clip, weights, first, second };
          this.adamw.step(encoder, tensors, numbers);
          continue;
        }
        const { names, shape } = matrices;
        const own = owned.use(this.backend.output("ahead", [names.length, ...shape]));
        const momentum = groups.momentum!, of = numbersOf(muon, matrixRate, shape);
        const view = own.gpu as GpuTensor<"f32">;
        this.muon.momentum(encoder, { gradients, flags, clip, momentum, ahead: view }, of);
        ahead.set(page, own);
      }
    });
    const turned = new Map<Page, Tensor>();
    for (const [page, own] of ahead) {
      turned.set(page, owned.use(await this.#newtonSchulz.turn(own)));
    }
    await this.gpu.submit("weights", (encoder) => {
      for (const page of this.#pages) {
        const { matrices, flags, sums, groups: { weights, average } } = page;
        if (matrices) {
          const own = turned.get(page)!.gpu as GpuTensor<"f32">;
          const of = numbersOf(muon, matrixRate, matrices.shape);
          this.muon.turn(encoder, { turned: own, flags, weights: weights! }, of);
        }
        if (average) {
          this.adamw.average(encoder, weights!, average, 1 - this.settings.average!);
        }
        encoder.clearBuffer(sums.buffer);
      }
      for (const name of this.#added) this.#copyOut(encoder, name);
    });
    this.#added.clear();
    const read = await this.gpu.readAll([
      this.#clip,
      ...alongside.map(({ gpu }) => gpu as GpuTensor<"f32">),
    ]);
    const [[norm], ...others] = read as Float32Array[];
    checkNorm(norm);
    return { norm, alongside: others };
  }

  async read(): Promise<NamedArrays> {
    return (await this.memory()).weights;
  }

  async readAverage(): Promise<NamedArrays> {
    const { weights, average } = await this.memory();
    return this.settings.average === undefined ? weights : average;
  }

  async memory(): Promise<ParameterMemory> {
    const found = new Map<Page, Partial<Record<MemoryGroup, Float32Array>>>();
    // A page at a time: what is read stands in memory twice.
    for (const page of this.#pages) {
      const own: Partial<Record<MemoryGroup, Float32Array>> = {};
      for (const group of GROUPS) {
        const tensor = page.groups[group];
        if (tensor) own[group] = await this.gpu.read(tensor);
      }
      found.set(page, own);
    }
    const arraysOf = (group: MemoryGroup): NamedArrays =>
      Object.fromEntries(
        [...this.#places].flatMap(([name, { page, begin, count }]) => {
          const all = found.get(page)![group];
          return all ? [[name, all.slice(begin, begin + count)]] : [];
        }),
      );
    return {
      weights: arraysOf("weights"),
      first: arraysOf("first"),
      second: arraysOf("second"),
      momentum: arraysOf("momentum"),
      average: arraysOf("average"),
    };
  }

  async load(memory: ParameterMemory): Promise<void> {
    checkMemory(this.shapes, (group, name) => {
      const { page: { groups }, count } = this.#placeOf(name);
      return groups[group] && count;
    }, memory);
    for (const group of GROUPS) {
      for (const [name, array] of Object.entries(memory[group])) this.#write(group, name, array);
    }
    await this.gpu.submit("load", (encoder) => {
      for (const name of this.shapes.keys()) this.#copyOut(encoder, name);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#staging?.[Symbol.dispose]();
    await this.#owned.disposeAsync();
  }

  #placeOf(name: string): Place {
    shapeOf(this.shapes, name);
    return this.#places.get(name)!;
  }

  #alloc<D extends ElementType>(label: string, count: number, dtype: D): GpuTensor<D> {
    return this.#owned.use(this.gpu.alloc(label, [count], dtype));
  }

  /** Decides where every tensor stands, and makes the pages. */
  #layOut(): void {
    const { limits } = this.gpu, { muon } = this.settings;
    const binding = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
    const matrices = new Map([...this.shapes].filter(([name, shape]) => muon?.moves(name, shape)));
    for (const group of matrixGroups(matrices, Math.min(binding, this.backend.tensorLimit.bytes))) {
      const each = group.shape[0] * group.shape[1];
      const page = this.#page(roundUp(each * group.names.length, VECTOR), group);
      group.names.forEach((name, i) =>
        this.#places.set(name, { page, begin: i * each, count: each, unit: i, units: 1 })
      );
    }
    const most = Math.floor(Math.min(PAGE_BYTES, binding) / BYTES);
    let open: { name: string; count: number; begin: number }[] = [], size = 0;
    const close = () => {
      if (open.length === 0) return;
      const page = this.#page(size);
      for (const { name, count, begin } of open) {
        const units = Math.ceil(count / BLOCK);
        this.#places.set(name, { page, begin, count, unit: begin / BLOCK, units });
      }
      open = [];
      size = 0;
    };
    for (const [name, shape] of this.shapes) {
      if (matrices.has(name)) continue;
      const count = elementCount(shape), padded = roundUp(count, BLOCK);
      if (size + padded > most) close();
      open.push({ name, count, begin: size });
      size += padded;
    }
    close();
    // State files name arrays in the order of the shapes.
    const places = [...this.shapes.keys()].map((name) => [name, this.#places.get(name)!] as const);
    this.#places.clear();
    for (const [name, place] of places) this.#places.set(name, place);
  }

  #page(size: number, matrices?: MatrixGroup): Page {
    const names: MemoryGroup[] = [
      "weights",
      ...(matrices ? ["momentum" as const] : ["first" as const, "second" as const]),
      ...(this.settings.average === undefined ? [] : ["average" as const]),
    ];
    const units = matrices?.names.length ?? size / BLOCK;
    const last = this.#pages.at(-1);
    const page: Page = {
      size,
      matrices,
      sums: this.#alloc("sums of gradients", size, "f32"),
      groups: Object.fromEntries(names.map((name) => [name, this.#alloc(name, size, "f32")])),
      flags: this.#alloc("flags", units, "u32"),
      flagValues: new Uint32Array(units),
      firstPartial: last ? last.firstPartial + this.adamw.partialsOf(last.size) : 0,
    };
    this.#pages.push(page);
    return page;
  }

  /** Says on the device which tensors got a gradient, where they are others than before. */
  #setFlags(): void {
    const names = [...this.#places.keys()].filter((name) => this.#added.has(name)).join();
    if (names === this.#flagged) return;
    this.#flagged = names;
    const { decays = () => true } = this.settings;
    for (const { flagValues } of this.#pages) flagValues.fill(0);
    for (const name of this.#added) {
      const { page: { flagValues, matrices }, unit, units } = this.#placeOf(name);
      const flag = matrices ? MOVES : MOVES | (decays(name) ? DECAYS : 0);
      flagValues.fill(flag, unit, unit + units);
    }
    for (const { flags, flagValues } of this.#pages) {
      this.gpu.device.queue.writeBuffer(flags.buffer, 0, flagValues);
    }
  }

  /** Stretches of pages that tensors fill without a gap but padding. */
  #runsOf(names: readonly string[]): Run[] {
    const runs: Run[] = [];
    const sorted = names.map((name) => [name, this.#placeOf(name)] as const)
      .sort(([, a], [, b]) =>
        this.#pages.indexOf(a.page) - this.#pages.indexOf(b.page) || a.begin - b.begin
      );
    for (const [name, { page, begin, count }] of sorted) {
      const last = runs.at(-1), unit = page.matrices ? 1 : BLOCK;
      if (last?.page === page && roundUp(last.end, unit) === begin) {
        last.end = begin + count;
        last.names.push(name);
      } else runs.push({ page, begin, end: begin + count, size: 0, names: [name] });
    }
    // Whole vectors: a matrix may begin anywhere.
    return runs.map((run) => {
      const begin = Math.floor(run.begin / VECTOR) * VECTOR;
      return { ...run, begin, size: roundUp(run.end - begin, VECTOR) };
    });
  }

  #stagingOf(size: number): GpuTensor<"f32"> | undefined {
    if (size === 0) return undefined;
    if (!this.#staging || this.#staging.length < size) {
      this.#staging?.[Symbol.dispose]();
      this.#staging = this.gpu.alloc("added gradients", [size], "f32");
    }
    return this.#staging;
  }

  /** Fills a tensor's part of a page, where the page has such a group. */
  #write(group: MemoryGroup, name: string, array: Float32Array): void {
    const { page, begin } = this.#placeOf(name), target = page.groups[group];
    if (!target) return;
    const { buffer, byteOffset, byteLength } = array;
    this.gpu.device.queue.writeBuffer(
      target.buffer,
      begin * BYTES,
      buffer as ArrayBuffer,
      byteOffset,
      byteLength,
    );
  }

  /** From its page to the buffer that graphs read. */
  #copyOut(encoder: GPUCommandEncoder, name: string): void {
    const { page, begin, count } = this.#placeOf(name), { buffer } = page.groups.weights!;
    const target = this.#tensors.get(name)!.gpu!;
    encoder.copyBufferToBuffer(buffer, begin * BYTES, target.buffer, 0, count * BYTES);
  }
}

/** A stretch of a page, and what fills it. */
interface Run {
  readonly page: Page;
  /** First element, a multiple of four. */
  readonly begin: number;
  end: number;
  /** Elements, a multiple of four. */
  readonly size: number;
  readonly names: string[];
}
