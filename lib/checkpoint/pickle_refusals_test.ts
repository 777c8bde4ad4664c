import { throws } from "../../tests/assert.ts";
import { readPickle } from "./pickle.ts";
import { ascii, pickle, type Py, tensor, tuple } from "./testing/pickle_writer.ts";

const code = (...ops: (number | string)[]) =>
  Uint8Array.from(ops.flatMap((op) => typeof op === "string" ? ascii(op) : [op]));

const refusal = (what: string) =>
  `Cannot read m.pt as its pickle ${what}, and a checkpoint may only hold tensors and containers`;
const rebuild = { global: "torch._utils _rebuild_tensor_v2" };

const malicious: [what: string, bytes: Uint8Array, message: string][] = [
  [
    "a configuration's class that is not data",
    pickle({ call: "omegaconf.omegaconf OmegaConf", args: [] }),
    refusal("asks for omegaconf.omegaconf.OmegaConf"),
  ],
  [
    "a configuration made by its constructor",
    pickle({ call: "omegaconf.dictconfig DictConfig", args: [{ dict: [] }] }),
    refusal("calls omegaconf.dictconfig.DictConfig with arguments"),
  ],
  ["a type that is called", pickle({ call: "typing Any", args: [] }), refusal("calls typing.Any")],
  [
    "os.system",
    pickle({ call: "os system", args: ["touch /tmp/owned"] }),
    refusal("asks for os.system"),
  ],
  [
    "posix.system",
    pickle({ call: "posix system", args: ["id"] }),
    refusal("asks for posix.system"),
  ],
  [
    "builtins.eval",
    pickle({ call: "builtins eval", args: ["1"] }),
    refusal("asks for builtins.eval"),
  ],
  [
    "__builtin__.getattr",
    pickle({ call: "__builtin__ getattr", args: [] }),
    refusal("asks for __builtin__.getattr"),
  ],
  [
    "a nested call inside allowed ones",
    pickle({ ordered: [["a", [tuple(1, { call: "subprocess Popen", args: [["id"]] })]]] }),
    refusal("asks for subprocess.Popen"),
  ],
  [
    "torch functions that load more",
    pickle({ call: "torch.storage _load_from_bytes", args: ["x"] }),
    refusal("asks for torch.storage._load_from_bytes"),
  ],
  [
    "an attribute path in a name",
    pickle({ call: "torch Size.__init__.__globals__", args: [] }),
    refusal("asks for torch.Size.__init__.__globals__"),
  ],
  [
    "names of JavaScript's own objects",
    pickle({ global: "constructor constructor" }),
    refusal("asks for constructor.constructor"),
  ],
  [
    "a name with line-breaking characters",
    pickle({ global: "os sys\u001b[2J\rtem" }),
    refusal('asks for "os.sys\\u001b[2J\\rtem"'),
  ],
  [
    "STACK_GLOBAL",
    code(0x80, 4, 0x8c, 2, "os", 0x8c, 6, "system", 0x93, 0x8c, 2, "id", 0x85, "R."),
    refusal("asks for os.system"),
  ],
  [
    "POP",
    code(0x80, 4, 0x8c, 2, "os", 0x94, "0", 0x8c, 6, "system", 0x94, "h", 0, "h", 1, 0x93, "."),
    refusal("uses opcode 0x30"),
  ],
  [
    "STACK_GLOBAL through the memo",
    code(
      0x80,
      4,
      "]",
      0x8c,
      2,
      "os",
      0x94,
      "a",
      0x8c,
      6,
      "system",
      0x94,
      "a",
      "h",
      0,
      "h",
      1,
      0x93,
    ),
    refusal("asks for os.system"),
  ],
  [
    "a global called through the memo",
    code(0x80, 2, "cbuiltins\nexec\nq", 0, "h", 0, ")R."),
    refusal("asks for builtins.exec"),
  ],
  ["INST", code(0x80, 2, "(ios\nsystem\n."), refusal("uses opcode 0x69")],
  ["OBJ", code(0x80, 2, "(cos\nsystem\no."), refusal("asks for os.system")],
  ["EXT1", code(0x80, 2, 0x82, 1, "."), refusal("uses opcode 0x82")],
  ["NEWOBJ_EX", code(0x80, 4, ")}", 0x92, "."), refusal("uses opcode 0x92")],
  [
    "BUILD that sets attributes of a class",
    pickle({ build: rebuild, state: { dict: [["__call__", 1]] } }),
    refusal("sets attributes of something that has none"),
  ],
  [
    "BUILD with slots, which calls setattr",
    pickle({ build: { namespace: [] }, state: tuple(null, { dict: [["x", 1]] }) }),
    refusal("sets attributes by something other than a dict"),
  ],
  [
    "BUILD of a tensor",
    pickle({
      build: tensor({ key: "0", type: "FloatStorage", length: 1, shape: [1] }),
      state: { dict: [] },
    }),
    refusal("sets attributes of something that has none"),
  ],
  [
    "a call of a text",
    code(0x80, 2, "X", 2, 0, 0, 0, "os", ")R."),
    refusal("calls something that is no class"),
  ],
  ["a call of a number", code(0x80, 2, "K", 1, ")R."), refusal("calls something that is no class")],
  [
    "a call of a dtype",
    pickle({ call: "torch float32", args: [] }),
    refusal("calls torch.float32"),
  ],
  [
    "a call without tuple",
    code(0x80, 2, "ccollections\nOrderedDict\n]R."),
    refusal("calls collections.OrderedDict without an argument tuple"),
  ],
  [
    "a persistent id that is no storage",
    pickle({ persistent: tuple("module", 1) }),
    refusal("names an object outside the file"),
  ],
  [
    "a storage of an unlisted type",
    pickle({ persistent: tuple("storage", { global: "torch QUInt8Storage" }, "0", "cpu", 1) }),
    refusal("asks for torch.QUInt8Storage"),
  ],
  [
    "a list used as dict",
    code(0x80, 2, "]K", 1, "K", 2, "s."),
    refusal("sets items of something that is no dict"),
  ],
  [
    "a tuple used as list",
    code(0x80, 2, ")K", 1, "a."),
    refusal("appends to something that is no list"),
  ],
  ["protocol 1", code(0x80, 1, "N."), refusal("is of protocol 1 where torch writes 2")],
];

for (const [what, bytes, message] of malicious) {
  Deno.test(`readPickle refuses ${what}`, () => {
    throws(() => readPickle(bytes, "m.pt"), { name: "UserError", message });
  });
}

const damage = (what: string) => `Cannot read m.pt as its pickle must be undamaged: ${what}`;
const badTensor = (offset: Py, shape: Py, strides: Py): Uint8Array => {
  const storage: Py = {
    persistent: tuple("storage", { global: "torch FloatStorage" }, "0", "cpu", 4),
  };
  return pickle({
    call: "torch._utils _rebuild_tensor_v2",
    args: [storage, offset, shape, strides, false, { ordered: [] }],
  });
};

const malformed: [what: string, bytes: Uint8Array, message: string][] = [
  ["an empty pickle", new Uint8Array(0), damage("it ends early")],
  ["a missing end", pickle([1, 2]).slice(0, -1), damage("it ends early")],
  ["text beyond the end", code(0x80, 2, "X", 255, 255, 255, 255, "abc."), damage("it ends early")],
  ["a global without end of line", code(0x80, 2, "ctorch"), damage("it ends early")],
  ["an empty stack", code(0x80, 2, "."), damage("0 values are left at its end")],
  ["two values", code(0x80, 2, "NN."), damage("2 values are left at its end")],
  ["an open mark", code(0x80, 2, "N(."), damage("1 values are left at its end")],
  ["too few values for a tuple", code(0x80, 2, "N", 0x86, "."), damage("its stack runs empty")],
  ["values taken from below a mark", code(0x80, 2, "]N(a."), damage("its stack runs empty")],
  ["a tuple without mark", code(0x80, 2, "Nt."), damage("a container has no mark")],
  ["a dict with half an item", code(0x80, 2, "}(Nu."), damage("a dict has a key without value")],
  ["an unset memo", code(0x80, 2, "h", 3, "."), damage("memo 3 is used before it is set")],
  [
    "a far memo",
    code(0x80, 2, "j", 255, 255, 255, 255, "."),
    damage("memo 4294967295 is used before it is set"),
  ],
  [
    "a global of numbers",
    code(0x80, 4, "K", 1, "K", 2, 0x93, "."),
    damage("a global is not named by two texts"),
  ],
  [
    "a negative offset",
    badTensor(-1, tuple(1), tuple(1)),
    damage("a tensor offset is not a whole number"),
  ],
  [
    "a fractional extent",
    badTensor(0, tuple({ float: 1.5 }), tuple(1)),
    damage("a tensor shape is not a whole number"),
  ],
  [
    "a list as shape",
    badTensor(0, [1], tuple(1)),
    damage("a tensor shape is not at most 8 numbers"),
  ],
  [
    "nine dimensions",
    badTensor(0, tuple(1, 1, 1, 1, 1, 1, 1, 1, 1), tuple()),
    damage("a tensor shape is not at most 8 numbers"),
  ],
  [
    "missing strides",
    badTensor(0, tuple(2, 2), tuple(1)),
    damage("a tensor has other numbers of strides and dimensions"),
  ],
];

for (const [what, bytes, message] of malformed) {
  Deno.test(`readPickle refuses ${what} as damaged`, () => {
    throws(() => readPickle(bytes, "m.pt"), { name: "UserError", message });
  });
}
