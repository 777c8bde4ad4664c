/** adapter_config.json of PEFT (`peft/tuners/lora/config.py`, releases 0.3 to 0.21). */
import { quote, shown, UserError } from "../errors.ts";

/** What an adapter was trained for, where its configuration says it. */
export const TASK_TYPES = [
  "SEQ_CLS",
  "TOKEN_CLS",
  "FEATURE_EXTRACTION",
  "CAUSAL_LM",
  "SEQ_2_SEQ_LM",
  "QUESTION_ANS",
] as const;
/** One of {@linkcode TASK_TYPES}. */
export type TaskType = typeof TASK_TYPES[number];

/** Which biases are saved beside the matrices. */
export type BiasMode = "none" | "all" | "lora_only";

/** An adapter's configuration. */
export interface AdapterConfig {
  readonly task: TaskType | null;
  /** Class of the model that it was trained in, where the file names it: `EsmForMaskedLM`. */
  readonly modelClass?: string;
  /** What it was made for: a name, a path, or "". */
  readonly baseModel: string;
  readonly rank: number;
  readonly alpha: number;
  readonly dropout: number;
  /** Whether s is alpha ÷ √r instead of alpha ÷ r. */
  readonly rslora: boolean;
  readonly dora: boolean;
  readonly bias: BiasMode;
  /** Whether `lora_B` has a bias. */
  readonly loraBias: boolean;
  /** Ends of module paths, or a regular expression of whole paths. */
  readonly targets: readonly string[] | string;
  readonly excluded: readonly string[] | string;
  /** Numbers of layers. @default all */
  readonly layers?: readonly number[];
  /** What stands before the number of a layer in a path. @default anything */
  readonly layersPattern: readonly string[];
  /** Ranks of modules whose path ends so (regular expressions), the first that fits. */
  readonly rankPattern: readonly (readonly [pattern: string, rank: number])[];
  readonly alphaPattern: readonly (readonly [pattern: string, alpha: number])[];
  readonly modulesToSave: readonly string[];
  /** All fields as they are in the file. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** What a person should know. */
  readonly notes: readonly string[];
}

/** Options that change what an adapter computes and that are not known here. */
const UNSUPPORTED = [
  "layer_replication",
  "target_parameters",
  "trainable_token_indices",
  "use_qalora",
  "use_bdlora",
  "arrow_config",
  "monteclora_config",
  "velora_config",
  "kasa_config",
  "alora_invocation_tokens",
  "megatron_config",
] as const;

/** Fields that say how an adapter came about, or nothing at all (those of releases before 0.3 included). */
const WITHOUT_EFFECT = new Set([
  ...["auto_mapping", "base_model_name_or_path", "revision", "inference_mode", "peft_type"],
  ...["peft_version", "megatron_core", "qalora_group_size", "runtime_config", "loftq_config"],
  ...["eva_config", "corda_config", "lora_ga_config", "enable_lora", "merge_weights"],
]);

const USED = new Set([
  ...["task_type", "r", "lora_alpha", "lora_dropout", "use_rslora", "use_dora", "bias"],
  ...["lora_bias", "target_modules", "exclude_modules", "layers_to_transform", "layers_pattern"],
  ...["rank_pattern", "alpha_pattern", "modules_to_save", "fan_in_fan_out", "init_lora_weights"],
  ...["ensure_weight_tying", ...UNSUPPORTED],
]);

/** Ways to start that leave the base's weights as they are; the others subtract from them. */
const PLAIN_STARTS: readonly unknown[] = [
  ...[true, false, null, undefined, "gaussian", "eva", "orthogonal"],
];

/** Bounds far above what anybody trains, so that a damaged file cannot ask for terabytes. */
const MOST_RANK = 1 << 16;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether an option is switched off, as null, false and empty ones are. */
const isOff = (value: unknown): boolean =>
  value === undefined || value === null || value === false || value === "" ||
  typeof value === "object" && Object.keys(value as object).length === 0;

/**
 * Reads the fields of adapter_config.json; those that are absent have PEFT's defaults.
 *
 * @param label path for messages
 * @throws {UserError} if it is none of a LoRA adapter, a value is impossible, or an option is not supported
 */
export function adapterConfig(json: unknown, label: string): AdapterConfig {
  const refuse = (rule: string, value: unknown): never => {
    throw new UserError(`Cannot use ${label} as ${rule}: current value is ${shown(value)}`);
  };
  if (!isRecord(json)) {
    throw new UserError(`Cannot read ${label} as it must hold a JSON object`);
  }
  const fields = json, notes: string[] = [];
  const has = (name: string) => fields[name] !== undefined && fields[name] !== null;
  if (fields.peft_type !== "LORA") refuse('peft_type must be "LORA"', fields.peft_type);
  for (const name of UNSUPPORTED) {
    if (!isOff(fields[name])) {
      throw new UserError(
        `Cannot use ${label} as its adapter must do without ${name}, which is not supported: ` +
          `current value is ${shown(fields[name])}`,
      );
    }
  }
  const ignored: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (USED.has(name) || WITHOUT_EFFECT.has(name) || isOff(value)) continue;
    if (value === true || typeof value === "object") {
      throw new UserError(
        `Cannot use ${label} as its options must be known ones of PEFT's LoRA: ` +
          `${quote(name)} is none, and its value is ${shown(value)}`,
      );
    }
    ignored.push(name);
  }
  if (ignored.length > 0) {
    notes.push(`fields of ${label} that are not known are ignored: ${ignored.join(", ")}`);
  }
  const start = fields.init_lora_weights;
  if (!PLAIN_STARTS.includes(start)) {
    refuse(
      "init_lora_weights must leave the base's weights as they are (true, false, gaussian, eva or " +
        "orthogonal; PEFT converts others when it saves with path_initial_model_for_weight_conversion)",
      start,
    );
  }

  const flag = (name: string): boolean => {
    const value = fields[name] ?? false;
    return typeof value === "boolean" ? value : refuse(`${name} must be true or false`, value);
  };
  const number = (name: string, value: unknown, rule: string, fits: (x: number) => boolean) =>
    typeof value === "number" && Number.isFinite(value) && fits(value)
      ? value
      : refuse(`${name} must be ${rule}`, value);
  const isRank = (x: number) => Number.isInteger(x) && x >= 1 && x <= MOST_RANK;
  const rankRule = `a whole number in 1..${MOST_RANK}`;
  const texts = (name: string): readonly string[] | string => {
    const value = fields[name] ?? [];
    if (typeof value === "string") return value;
    const isList = Array.isArray(value) && value.every((one) => typeof one === "string" && one);
    return isList
      ? value
      : refuse(`${name} must be a list of names or a regular expression`, value);
  };
  const list = (name: string): readonly string[] => {
    const value = texts(name);
    return typeof value === "string" ? [value] : value;
  };
  const pattern = (
    name: string,
    rule: string,
    fits: (x: number) => boolean,
  ): (readonly [string, number])[] => {
    const value = fields[name] ?? {};
    if (!isRecord(value)) return refuse(`${name} must be an object of numbers by path`, value);
    return Object.entries(value).map(([path, x]) => {
      expression(`(?:.*\\.)?(?:${path})`, `${name} of ${label}`);
      return [path, number(`${name} of ${quote(path)}`, x, rule, fits)] as const;
    });
  };

  const task = fields.task_type ?? null;
  if (task !== null && !TASK_TYPES.includes(task as TaskType)) {
    refuse(`task_type must be null or one of ${TASK_TYPES.join(", ")}`, task);
  }
  const bias = fields.bias ?? "none";
  if (bias !== "none" && bias !== "all" && bias !== "lora_only") {
    refuse("bias must be none, all or lora_only", bias);
  }
  const named = texts("target_modules");
  const targets = typeof named === "string" && named.toLowerCase() === ALL_LINEAR
    ? ALL_LINEAR
    : named;
  if (targets.length === 0) {
    refuse("target_modules must name what the adapter changes", fields.target_modules);
  }
  const excluded = texts("exclude_modules");
  for (const [name, value] of [["target_modules", targets], ["exclude_modules", excluded]]) {
    if (typeof value === "string" && value !== ALL_LINEAR) {
      expression(value, `${name} of ${label}`);
    }
  }
  const layers = fields.layers_to_transform,
    numbers = typeof layers === "number" ? [layers] : layers;
  if (has("layers_to_transform")) {
    const fits = Array.isArray(numbers) && numbers.every((n) => Number.isInteger(n) && n >= 0);
    if (!fits) refuse("layers_to_transform must be numbers of layers", layers);
    if (typeof targets === "string" && (numbers as number[]).length > 0) {
      refuse("target_modules must be a list where layers_to_transform is given", targets);
    }
  }
  const layersPattern = list("layers_pattern").filter((text) => text !== "");
  for (const text of layersPattern) expression(text, `layers_pattern of ${label}`);
  if (flag("fan_in_fan_out")) {
    notes.push("fan_in_fan_out has no effect on ESM-2, whose layers are no Conv1D");
  }
  const dora = flag("use_dora"), loraBias = flag("lora_bias");
  if (dora && loraBias) refuse("lora_bias must be false where use_dora is true", loraBias);
  const mapping = fields.auto_mapping;
  const modelClass = isRecord(mapping) ? mapping.base_model_class : undefined;
  const baseModel = fields.base_model_name_or_path ?? "";
  if (typeof baseModel !== "string") refuse("base_model_name_or_path must be a text", baseModel);
  return {
    task: task as TaskType | null,
    ...(typeof modelClass === "string" && { modelClass }),
    baseModel: baseModel as string,
    rank: number("r", fields.r ?? 8, rankRule, isRank),
    alpha: number("lora_alpha", fields.lora_alpha ?? 8, "a number", () => true),
    dropout: number("lora_dropout", fields.lora_dropout ?? 0, "in 0..1", (x) => x >= 0 && x <= 1),
    rslora: flag("use_rslora"),
    dora,
    bias: bias as BiasMode,
    loraBias,
    targets,
    excluded,
    ...(Array.isArray(numbers) && numbers.length > 0 && { layers: numbers }),
    layersPattern,
    rankPattern: pattern("rank_pattern", rankRule, isRank),
    alphaPattern: pattern("alpha_pattern", "a number", () => true),
    modulesToSave: list("modules_to_save").filter((text) => text !== ""),
    fields,
    notes,
  };
}

/** What `target_modules` may be instead of a regular expression. */
export const ALL_LINEAR = "all-linear";

/**
 * A regular expression of Python that must match a whole path.
 *
 * @throws {UserError} if it is none, or one that JavaScript has not
 */
export function expression(source: string, where: string): RegExp {
  const translated = source
    .replaceAll("(?P<", "(?<")
    .replace(/\(\?P=(\w+)\)/g, "\\k<$1>")
    .replace(/\\A/g, "^").replace(/\\Z/g, "$");
  try {
    return new RegExp(`^(?:${translated})$`, "s");
  } catch {
    throw new UserError(
      `Cannot use ${where} as it must be a regular expression: current value is ${quote(source)}`,
    );
  }
}

/** What of PEFT's files is said of a new adapter. */
export interface NewAdapter {
  task: TaskType | null;
  /** Of the model that is trained: `EsmForMaskedLM`; needed where there is no task. */
  modelClass?: string;
  baseModel: string;
  rank: number;
  alpha: number;
  dropout?: number;
  rslora?: boolean;
  dora?: boolean;
  bias?: BiasMode;
  targets: readonly string[] | string;
  layers?: readonly number[];
}

/** Release whose files are written. */
const PEFT_VERSION = "0.21.0";

/** The fields that PEFT writes for an adapter. */
export function newFields(
  { task, modelClass, baseModel, rank, alpha, dropout = 0, ...o }: NewAdapter,
): Record<string, unknown> {
  const hasHead = task === "SEQ_CLS" || task === "TOKEN_CLS";
  return {
    alora_invocation_tokens: null,
    alpha_pattern: {},
    arrow_config: null,
    auto_mapping: task === null && modelClass
      ? { base_model_class: modelClass, parent_library: "transformers.models.esm.modeling_esm" }
      : null,
    base_model_name_or_path: baseModel,
    bias: o.bias ?? "none",
    corda_config: null,
    ensure_weight_tying: false,
    eva_config: null,
    exclude_modules: null,
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    kasa_config: null,
    layer_replication: null,
    layers_pattern: o.layers ? "layer" : null,
    layers_to_transform: o.layers ?? null,
    loftq_config: {},
    lora_alpha: alpha,
    lora_bias: false,
    lora_dropout: dropout,
    lora_ga_config: null,
    megatron_config: null,
    megatron_core: "megatron.core",
    modules_to_save: hasHead ? ["classifier", "score"] : null,
    monteclora_config: null,
    peft_type: "LORA",
    peft_version: PEFT_VERSION,
    qalora_group_size: 16,
    r: rank,
    rank_pattern: {},
    revision: null,
    target_modules: o.targets,
    target_parameters: null,
    task_type: task,
    trainable_token_indices: null,
    use_bdlora: null,
    use_dora: o.dora ?? false,
    use_qalora: false,
    use_rslora: o.rslora ?? false,
    velora_config: null,
  };
}

/** Fields that Python keeps as floats, so that a whole number is written with a point. */
const FLOATS = new Set(["lora_dropout"]);

/** The text of adapter_config.json as `json.dumps(fields, indent=2, sort_keys=True)` makes it. */
export function configText(fields: Readonly<Record<string, unknown>>): string {
  const sorted = (value: unknown): unknown =>
    isRecord(value)
      ? Object.fromEntries(
        Object.keys(value).sort().map((name) => [name, sorted(value[name])]),
      )
      : Array.isArray(value)
      ? value.map(sorted)
      : value;
  const text = JSON.stringify(sorted(fields), null, 2);
  return text
    .replace(
      /^( {2}"(\w+)": )(-?\d[\d.e+-]*)(,?)$/gm,
      (line, start, name, digits, end) =>
        FLOATS.has(name) ? `${start}${pythonFloat(Number(digits))}${end}` : line,
    )
    // deno-lint-ignore no-control-regex
    .replace(/[^\x00-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** `repr` of a Python float in 0..1. */
function pythonFloat(x: number): string {
  if (Number.isInteger(x)) return `${x}.0`;
  if (Math.abs(x) >= 1e-4) return `${x}`;
  return x.toExponential().replace(/e-(\d)$/, "e-0$1");
}
