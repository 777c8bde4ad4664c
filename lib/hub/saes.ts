/** Published sparse autoencoders by name: `interprot:l24`, `interplm-8m:l3`. */
import manifest from "../../models/manifest.json" with { type: "json" };
import { quote, UserError } from "../errors.ts";
import type { HubEntry } from "./manifest.ts";

interface SaeSeries {
  name: string;
  /** What tells files of one layer apart, after the layer in a name. */
  variant?: string;
  /** The model that they were trained on. */
  model: string;
  /** Its width. */
  d: number;
  latents: number;
  layers: number[];
  licence: string;
  repository: string;
  revision: string;
  /** Path in the repository with `{layer}` for the layer. */
  file: string;
}

const series: readonly SaeSeries[] = manifest.saes;

/** A published SAE, ready to be fetched. */
export interface SaeEntry extends HubEntry {
  /** Its whole name: `interprot:l24_100k`. */
  spec: string;
  layer: number;
  /** The model that it was trained on. */
  model: string;
  /** Width of the residual stream that it reads. */
  dModel: number;
}

/** Series and layers for help and messages: `interprot:l4 (or 8, 12 …)`. */
export function describeSaes(): string {
  return series.map(({ name, variant, layers }) =>
    `${name}:l{${layers.join(",")}}${variant ? `_${variant}` : ""}`
  ).join(", ");
}

/**
 * Finds a published SAE by name, or by the name of its series when the layer is given apart; undefined
 * when the text names no series.
 *
 * @param option by which the layer was given
 * @throws {UserError} if the series has no such layer or variant, or none is given
 */
export function findSae(
  spec: string,
  layer?: number,
  option = "--layer",
): SaeEntry | undefined {
  const parts = /^([a-z0-9-]+)(?::(?:l(\d{1,3}))?(?:_?(\w+))?)?$/.exec(spec);
  const named = parts ? series.filter(({ name }) => name === parts[1]) : [];
  if (!parts || named.length === 0) return undefined;
  const [, name, own, variant] = parts;
  if (own !== undefined && layer !== undefined && Number(own) !== layer) {
    throw new UserError(
      `Cannot use ${option} ${layer} with --sae ${spec} as only one of them may name the layer`,
    );
  }
  const wanted = own === undefined ? layer : Number(own);
  const found = named.find((each) => each.variant === variant);
  if (!found || wanted === undefined || !found.layers.includes(wanted)) {
    throw new UserError(
      `Cannot fetch ${name} as a layer that is published must be named, as in one of ` +
        `${describeSaes()}: current value is ${quote(spec)}`,
    );
  }
  const { model, repository, revision, d, latents, file } = found;
  return {
    spec: `${name}:l${wanted}${variant ? `_${variant}` : ""}`,
    name: `sae/${name}`,
    layer: wanted,
    model,
    dModel: d,
    repository,
    revision,
    parameters: 2 * d * latents + d + latents,
    files: [{ name: file.replace("{layer}", String(wanted)) }],
  };
}
