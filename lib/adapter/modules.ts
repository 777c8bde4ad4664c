/** Modules of Hugging Face's ESM-2 that an adapter can change, and which of them a configuration means. */
import { quote, UserError } from "../errors.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { canonicalName, hfName } from "../checkpoint/names.ts";
import { type AdapterConfig, ALL_LINEAR, expression } from "./config.ts";

/**
 * Which model an adapter was trained in: EsmModel itself, with the language-model head, with a head of a
 * sequence or of residues, or one that its files do not tell.
 */
export type AdapterKind = "base" | "mlm" | "sequence" | "token" | "unknown";

/** A linear map. */
export interface LinearModule {
  /** Its path in the model, which targets are matched with: `esm.encoder.layer.0.attention.self.query`. */
  readonly path: string;
  /** By the name of its tensors without `.weight`: `layers.0.self_attn.q_proj`, `classifier.dense`. */
  readonly name: string;
  /** Whether it must have tensors where it is a target; older releases had others, or the class is not known. */
  readonly needed: boolean;
}

const BLOCK_PARTS = ["q_proj", "k_proj", "v_proj", "out_proj"].map((part) => `self_attn.${part}`)
  .concat("fc1", "fc2");

/** Without effect on what is computed here: no state passes through it. */
export const POOLER = "pooler.dense";

/** Every linear map of a model; several kinds' where the kind is not known. */
export function linearModules(
  { layers }: Pick<Esm2Config, "layers">,
  kind: AdapterKind,
): LinearModule[] {
  const found: LinearModule[] = [];
  const prefix = kind === "base" ? "" : "esm.";
  const body = (name: string, needed: boolean) =>
    found.push({ path: pathOf(name, kind), name, needed });
  for (let layer = 0; layer < layers; layer++) {
    for (const part of BLOCK_PARTS) body(`layers.${layer}.${part}`, true);
  }
  body("contact_head.regression", false);
  found.push({ path: `${prefix}${POOLER}`, name: POOLER, needed: false });
  if (kind === "mlm" || kind === "unknown") {
    body("lm_head.dense", kind === "mlm");
    body("lm_head", false);
  }
  const head = (path: string) => found.push({ path, name: path, needed: false });
  if (kind === "sequence" || kind === "unknown") {
    ["classifier.dense", "classifier.out_proj"].map(head);
  }
  if (kind === "token" || kind === "unknown") head("classifier");
  return found;
}

/** Path of a linear map in a model. @param name of its tensors without `.weight` */
export function pathOf(name: string, kind: AdapterKind): string {
  if (/^(classifier|pooler)/.test(name)) {
    return name === POOLER && kind !== "base" ? `esm.${name}` : name;
  }
  const path = hfName(`${name}.weight` as "lm_head.weight").replace(/\.weight$/, "");
  return kind === "base" ? path.replace(/^esm\./, "") : path;
}

/** Name of a module's tensors without `.weight`, by its path with or without `esm.`; undefined for no such one. */
export function nameOfPath(path: string): string | undefined {
  const bare = path.replace(/^esm\./, "");
  if (bare === POOLER || /^classifier(\.dense|\.out_proj)?$/.test(path)) return bare;
  return canonicalName(`${path}.weight`)?.replace(/\.weight$/, "");
}

/** Tells whether a configuration targets a module. */
export function targetMatcher(config: AdapterConfig): (path: string) => boolean {
  const { targets, excluded, layers, layersPattern } = config;
  const included = matcher(targets), without = matcher(excluded);
  const numbered = layersPattern.length > 0 ? layersPattern : ["[^.]*"];
  return (path) => {
    if (without(path) || !included(path)) return false;
    if (!layers) return true;
    for (const pattern of numbered) {
      const found = new RegExp(`^.*\\.${pattern}\\.(\\d+)\\.`).exec(path);
      if (found) return layers.includes(Number(found.at(-1)));
    }
    return false;
  };
}

function matcher(wanted: readonly string[] | string): (path: string) => boolean {
  if (wanted === ALL_LINEAR) return () => true;
  if (typeof wanted === "string") {
    const whole = expression(wanted, "target_modules");
    return (path) => whole.test(path);
  }
  return (path) => wanted.some((end) => path === end || path.endsWith(`.${end}`));
}

/** The value of the first pattern that fits the end of a path. */
export function patternValue(
  patterns: AdapterConfig["rankPattern"],
  path: string,
): number | undefined {
  return patterns.find(([pattern]) =>
    expression(`(?:.*\\.)?(?:${pattern})`, "rank_pattern").test(path)
  )?.[1];
}

/** s of W + s·B·A of a module, of rank `rank`. */
export function scaleOf(config: AdapterConfig, path: string, rank: number): number {
  const alpha = patternValue(config.alphaPattern, path) ?? config.alpha;
  return alpha / (config.rslora ? Math.sqrt(rank) : rank);
}

/** Names of Python classes with a path, which PEFT takes for ends of paths that no module has. */
const CLASS_NAME = /^Esm[A-Z]\w*(\.\w+)*$/;

/**
 * The linear maps that a configuration targets.
 *
 * @param classNames whether names of classes are let pass, which PEFT ignores
 * @throws {UserError} if it targets nothing, or one of its names matches nothing
 */
export function targetsOf(
  config: AdapterConfig,
  modules: readonly LinearModule[],
  label: string,
  classNames: "refused" | "ignored" = "refused",
): { targets: LinearModule[]; ignored: string[] } {
  const isTarget = targetMatcher(config);
  const targets = modules.filter(({ path }) => isTarget(path));
  const ignored: string[] = [];
  if (typeof config.targets !== "string") {
    for (const end of config.targets) {
      if (modules.some(({ path }) => matcher([end])(path))) continue;
      if (classNames === "ignored" && CLASS_NAME.test(end)) {
        ignored.push(end);
        continue;
      }
      throw new UserError(
        `Cannot use ${label} as each of target_modules must be the end of a module's path ` +
          `(${EXAMPLES}): ${quote(end)} matches none`,
      );
    }
  }
  if (targets.length === 0) {
    throw new UserError(
      `Cannot use ${label} as target_modules must match a linear layer of the model ` +
        `(${EXAMPLES}): current value is ${
          typeof config.targets === "string"
            ? quote(config.targets)
            : config.targets.map((end) => quote(end)).join(", ")
        }${config.layers ? ` in layers ${config.layers.join(", ")}` : ""}`,
    );
  }
  return { targets, ignored };
}

const EXAMPLES = "query, key, value, attention.output.dense, intermediate.dense, output.dense";
