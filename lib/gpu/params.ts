/** Kernel parameters: a layout stated once in TypeScript, and the arena that carries the values. */

export type ParamType = "u32" | "i32" | "f32";
/** Names of a kernel's numbers, in camel case and in order, with their types. */
export type ParamFields = Readonly<Record<string, ParamType>>;
/** A number for each field. */
export type ParamValues<P extends ParamFields> = { readonly [K in keyof P]: number };

const RANGES = { u32: [0, 0xffff_ffff], i32: [-0x8000_0000, 0x7fff_ffff] } as const;

/** 4-byte scalars in order, padded to 16 bytes; the WGSL struct `Params` has the same fields. */
export class ParamLayout<P extends ParamFields = ParamFields> {
  /** Names and types in order. */
  readonly fields: readonly (readonly [name: string, type: ParamType])[];
  /** Bytes of all, padded to 16. */
  readonly sizeBytes: number;

  /** Lays fields out. @param fields in the order of the shader's `struct Params` */
  constructor(fields: P) {
    this.fields = Object.entries(fields);
    this.sizeBytes = Math.max(16, Math.ceil(this.fields.length / 4) * 16);
  }

  /** Writes the values at `offset`. @throws {RangeError} if one does not fit its type */
  pack(view: DataView, offset: number, values: ParamValues<P>): void {
    this.fields.forEach(([name, type], i) => {
      const value = values[name], at = offset + 4 * i;
      if (type === "f32") {
        if (typeof value !== "number") throw misfit(name, "a number", value);
        view.setFloat32(at, value, true);
        return;
      }
      const [least, most] = RANGES[type];
      if (!Number.isInteger(value) || value < least || value > most) {
        throw misfit(name, `an integer in ${least}..${most}`, value);
      }
      // Two's complement makes the unsigned setter right for both.
      view.setUint32(at, value >>> 0, true);
    });
  }
}

function misfit(name: string, requirement: string, value: unknown): RangeError {
  return new RangeError(
    `Cannot pack parameters as ${name} must be ${requirement}: current value is ${value}`,
  );
}

/** Fields of `struct Params` in WGSL text, names as in TypeScript; tests compare it with a layout. */
export function paramFieldsOf(source: string): [name: string, type: string][] {
  const body = source.match(/struct\s+Params\s*\{([^}]*)\}/)?.[1];
  if (body === undefined) throw new Error("Cannot list parameters: there is no struct Params");
  const fields = body.replace(/\/\/.*$/gm, "").matchAll(/(\w+)\s*:\s*(\w+)/g);
  return [...fields].map(([, name, type]) => [
    name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
    type,
  ]);
}

const CHUNK_BYTES = 16384;

/** Uniform memory for the dispatches of one submission; each gets an offset into it. */
export class ParamArena {
  readonly #device: GPUDevice;
  readonly #alignment: number;
  readonly #chunks: { buffer: GPUBuffer; bytes: Uint8Array<ArrayBuffer>; used: number }[] = [];
  #isOpen = false;

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#alignment = device.limits.minUniformBufferOffsetAlignment;
  }

  /** Starts a submission; slots of the one before may be overwritten, as the queue keeps order. */
  open(): void {
    for (const chunk of this.#chunks) chunk.used = 0;
    this.#isOpen = true;
  }

  /** @throws {Error} outside a submission, as the values would never reach the device */
  push<P extends ParamFields>(
    layout: ParamLayout<P>,
    values: ParamValues<P>,
  ): { buffer: GPUBuffer; offset: number } {
    if (!this.#isOpen) {
      throw new Error("Cannot pack parameters as dispatches must be encoded inside submit()");
    }
    const slot = Math.ceil(layout.sizeBytes / this.#alignment) * this.#alignment;
    let chunk = this.#chunks.find(({ used }) => used + slot <= CHUNK_BYTES);
    if (!chunk) this.#chunks.push(chunk = this.#newChunk());
    const offset = chunk.used;
    layout.pack(new DataView(chunk.bytes.buffer), offset, values);
    chunk.used += slot;
    return { buffer: chunk.buffer, offset };
  }

  /** Ends a submission: queues the values ahead of the commands that read them. */
  close(): void {
    this.#isOpen = false;
    for (const { buffer, bytes, used } of this.#chunks) {
      if (used > 0) this.#device.queue.writeBuffer(buffer, 0, bytes, 0, used);
    }
  }

  /** Ends a submission whose encoding failed. */
  abandon(): void {
    this.#isOpen = false;
  }

  dispose(): void {
    for (const { buffer } of this.#chunks) buffer.destroy();
    this.#chunks.length = 0;
  }

  #newChunk() {
    const buffer = this.#device.createBuffer({
      label: `params ${this.#chunks.length}`,
      size: CHUNK_BYTES,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    return { buffer, bytes: new Uint8Array(CHUNK_BYTES), used: 0 };
  }
}
