/** What a checkpoint's pickle may hold, and the few calls it may make: nothing here runs foreign code. */
import { quote } from "../errors.ts";
import type { PickleFault } from "./pickle_fault.ts";

/** A list is a plain array and a tuple a frozen one; a dict is a Map, so that no key is special. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly PickleValue[]
  | Map<PickleValue, PickleValue>
  | PickleGlobal
  | PickleRecord
  | TorchStorage
  | TorchTensor;

/** A function or class that the pickle named and that is on the list of allowed ones. */
export class PickleGlobal {
  constructor(readonly name: string) {}
}

/** An object kept as inert data: argparse.Namespace with its fields, a set, a device. */
export class PickleRecord {
  fields: ReadonlyMap<PickleValue, PickleValue> = new Map();

  constructor(readonly type: string, readonly args: readonly PickleValue[] = []) {}
}

/** A reference to the archive entry `data/<key>`, or to a storage of the older container. */
export class TorchStorage {
  constructor(
    readonly key: string,
    /** Element type in safetensors' vocabulary. */
    readonly dtype: string,
    readonly itemBytes: number,
    readonly length: number,
  ) {}
}

/** A view of a storage; offset and strides count elements. */
export class TorchTensor {
  constructor(
    readonly storage: TorchStorage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** Storage classes of torch: element type and size. */
const STORAGES = new Map<string, [dtype: string, itemBytes: number]>([
  ["torch.DoubleStorage", ["F64", 8]],
  ["torch.FloatStorage", ["F32", 4]],
  ["torch.HalfStorage", ["F16", 2]],
  ["torch.BFloat16Storage", ["BF16", 2]],
  ["torch.LongStorage", ["I64", 8]],
  ["torch.IntStorage", ["I32", 4]],
  ["torch.ShortStorage", ["I16", 2]],
  ["torch.CharStorage", ["I8", 1]],
  ["torch.ByteStorage", ["U8", 1]],
  ["torch.BoolStorage", ["BOOL", 1]],
]);

const CONSTRUCTORS: Record<
  string,
  (args: readonly PickleValue[], fault: PickleFault) => PickleValue
> = {
  "torch._utils._rebuild_tensor_v2": tensor,
  "torch._utils._rebuild_parameter": ([data], fault) =>
    data instanceof TorchTensor ? data : fault.refuse("makes a parameter of no tensor"),
  "collections.OrderedDict": (args, fault) =>
    args.length === 0 ? new Map() : fault.refuse("fills an OrderedDict through its constructor"),
  "argparse.Namespace": (args, fault) =>
    args.length === 0
      ? new PickleRecord("argparse.Namespace")
      : fault.refuse("calls argparse.Namespace with arguments"),
  "torch.Size": ([extents], fault) =>
    Array.isArray(extents) ? extents : fault.refuse("makes a torch.Size of no tuple"),
  // Kept by reference: copying a long list again and again would be a bomb.
  "torch.device": (args) => new PickleRecord("torch.device", args),
  "builtins.set": (args) => new PickleRecord("set", args),
  "__builtin__.set": (args) => new PickleRecord("set", args),
};

/** Containers, nodes and their notes of a configuration that OmegaConf made: kept as inert data. */
const OMEGACONF =
  /^omegaconf\.(dictconfig\.DictConfig|listconfig\.ListConfig|nodes\.\w+Node|base\.(Container)?Metadata)$/;

/** Types that such a configuration names and nothing calls. */
const NAMED_TYPES =
  /^(typing\.(Any|Union|Optional)|(builtins|__builtin__)\.(dict|list|str|int|float|bool))$/;

const DTYPES =
  /^torch\.(float(16|32|64)?|half|double|bfloat16|u?int(8|16|32|64)|short|int|long|bool)$/;

/** Looks a name up among the allowed ones. */
export function allowedGlobal(name: string, fault: PickleFault): PickleGlobal {
  const allowed = Object.hasOwn(CONSTRUCTORS, name) || STORAGES.has(name) ||
    [DTYPES, OMEGACONF, NAMED_TYPES].some((names) => names.test(name));
  return allowed ? new PickleGlobal(name) : fault.refuse(`asks for ${nameText(name)}`);
}

/** The value of calling an allowed global; anything else is refused by name. */
export function construct(
  callee: PickleValue,
  args: PickleValue,
  fault: PickleFault,
): PickleValue {
  if (!(callee instanceof PickleGlobal)) return fault.refuse("calls something that is no class");
  if (!isTuple(args)) return fault.refuse(`calls ${callee.name} without an argument tuple`);
  if (OMEGACONF.test(callee.name)) {
    return args.length === 0
      ? new PickleRecord(callee.name)
      : fault.refuse(`calls ${callee.name} with arguments`);
  }
  if (!Object.hasOwn(CONSTRUCTORS, callee.name)) return fault.refuse(`calls ${callee.name}`);
  return CONSTRUCTORS[callee.name](args, fault);
}

/** Sets an object's state: fields of a Namespace or of a configuration; attributes of a dict are dropped. */
export function build(target: PickleValue, state: PickleValue, fault: PickleFault): void {
  if (!(state instanceof Map)) {
    return fault.refuse("sets attributes by something other than a dict");
  }
  // torch attaches `_metadata` (module versions) to the OrderedDict of a state dict.
  if (target instanceof Map) return;
  const hasFields = target instanceof PickleRecord &&
    (target.type === "argparse.Namespace" || OMEGACONF.test(target.type));
  if (!hasFields) return fault.refuse("sets attributes of something that has none");
  target.fields = state;
}

/**
 * The storage that a persistent id names: ("storage", class, key, location, element count), and before
 * torch 0.4 the part of another storage that it is.
 */
export function persistent(id: PickleValue, fault: PickleFault): TorchStorage {
  if (!isTuple(id) || id[0] !== "storage") return fault.refuse("names an object outside the file");
  const [, type, key, , length, part = null] = id;
  if (part !== null) return fault.refuse("names a part of another storage");
  const storage = type instanceof PickleGlobal ? STORAGES.get(type.name) : undefined;
  if (storage === undefined) return fault.refuse("names a storage without element type");
  if (typeof key !== "string") return fault.refuse("names a storage without key");
  return new TorchStorage(key, ...storage, whole(length, "storage length", fault));
}

function tensor(args: readonly PickleValue[], fault: PickleFault): TorchTensor {
  const [storage, offset, shape, strides] = args;
  if (!(storage instanceof TorchStorage)) return fault.refuse("makes a tensor without storage");
  const view = new TorchTensor(
    storage,
    whole(offset, "tensor offset", fault),
    extents(shape, "tensor shape", fault),
    extents(strides, "tensor stride", fault),
  );
  if (view.shape.length !== view.strides.length) {
    fault.damaged("a tensor has other numbers of strides and dimensions");
  }
  return view;
}

function extents(value: PickleValue, what: string, fault: PickleFault): readonly number[] {
  if (!isTuple(value) || value.length > 8) {
    return fault.damaged(`a ${what} is not at most 8 numbers`);
  }
  return value.map((n) => whole(n, what, fault));
}

function whole(value: PickleValue, what: string, fault: PickleFault): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  return fault.damaged(`a ${what} is not a whole number`);
}

function isTuple(value: PickleValue): value is readonly PickleValue[] {
  return Array.isArray(value) && Object.isFrozen(value);
}

/** A name for one line of text: control characters and endless names are quoted and cut. */
function nameText(name: string): string {
  return /^[\w.]{1,100}$/.test(name) ? name : quote(name, 100);
}
