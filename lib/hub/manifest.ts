/** The six published ESM-2 checkpoints: what they are, where they are and what they must hash to. */
import manifest from "../../models/manifest.json" with { type: "json" };

export interface ModelFile {
  name: string;
  /** Published SHA-256 in hexadecimal; small files have none. */
  sha256?: string;
}

/** Files of one repository that belong together. */
export interface HubEntry {
  /** Also their folder in the cache. */
  name: string;
  parameters: number;
  /** `owner/name` on the hub. */
  repository: string;
  revision: string;
  files: ModelFile[];
  /** The file that names the weight shards, for checkpoints that have several. */
  index?: string;
}

export interface ModelEntry extends HubEntry {
  layers: number;
  /** Width of the hidden state. */
  d: number;
  heads: number;
  licence: string;
}

/** The known checkpoints, smallest first. */
export const models: readonly ModelEntry[] = manifest.models;

/** The hub's address unless the user names another. */
export const defaultHub: string = manifest.hub;

/** Finds a checkpoint by its name or its `owner/name`. */
export function findModel(spec: string): ModelEntry | undefined {
  return models.find(({ name, repository }) => spec === name || spec === repository);
}

/** Bytes of the float32 weights, from the number of parameters; the file is a few percent larger. */
export function estimateBytes(entry: HubEntry): number {
  return 4 * entry.parameters;
}

/** The known name that the text most likely means, or undefined when none is near. */
export function nearestModel(spec: string): string | undefined {
  const text = spec.toLowerCase().replace(/^.*\//, "");
  const size = /(?:^|[^a-z0-9])(\d+[mb])(?:[^a-z0-9]|$)/.exec(text)?.[1];
  const named = size && models.find(({ name }) => name.toLowerCase().split("_").includes(size));
  if (named) return named.name;
  const ranked = models
    .map(({ name }) => ({ name, distance: editDistance(text, name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  return ranked[0].distance <= 4 ? ranked[0].name : undefined;
}

/** Levenshtein distance: insertions, deletions and substitutions count one each. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
