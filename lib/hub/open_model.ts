/** Opens the checkpoint a person asked for, or the embedded demonstration model. */
import { adapted, adaptedName, type Adapter, readAdapter } from "../adapter/mod.ts";
import { type Checkpoint, openCheckpoint } from "../checkpoint/mod.ts";
import { configText } from "../checkpoint/config.ts";
import { showAs } from "../display.ts";
import { EMBEDDED_NAME, openEmbedded } from "./embedded.ts";
import type { FetchOptions } from "./fetch_model.ts";
import { repositoryName } from "./local.ts";
import { findModel } from "./manifest.ts";
import { resolveFolder, resolveModel } from "./resolve.ts";

/** A checkpoint and where it is from. */
export interface OpenedModel extends Disposable {
  /** What people call it; with an adapter, both names. */
  readonly name: string;
  /** Its tensors, with the adapter's in them; disposing of the model closes it. */
  readonly checkpoint: Checkpoint;
  /** Whether it is the demonstration model. */
  readonly embedded: boolean;
  /** What changes it, and the model as it is without. */
  readonly adapter?: { readonly adapter: Adapter; readonly base: Checkpoint };
}

/** How a model is opened. */
export interface OpenOptions extends FetchOptions {
  /** Folder of an adapter in PEFT's form, which is merged into the model. @default none */
  adapter?: string;
}

/**
 * Opens a model by name (fetched on demand), folder or file; without one, the embedded model, or that which
 * the adapter says it was made for.
 *
 * @throws {UserError} if there is no such model, or its files or the adapter's are damaged, or do not fit
 */
export async function openModel(
  spec: string | undefined,
  options: OpenOptions = {},
): Promise<OpenedModel> {
  if (options.adapter === undefined) return await openBase(spec, options);
  const adapter = await openAdapter(options.adapter);
  const base = await openBase(spec ?? findModel(adapter.config.baseModel)?.name, options);
  return withAdapter(base, adapter, options);
}

/** Reads an adapter's folder, or that of a repository in Hugging Face's cache. @throws {UserError} */
export async function openAdapter(spec: string): Promise<Adapter> {
  const folder = await resolveFolder(spec);
  return await readAdapter(folder, repositoryName(folder));
}

/**
 * The model with an adapter merged into it; disposing of it closes the model.
 *
 * @throws {UserError} if the adapter does not fit, and then the model is closed
 */
export function withAdapter(
  base: OpenedModel,
  adapter: Adapter,
  options: Pick<FetchOptions, "note">,
): OpenedModel {
  try {
    const { name, checkpoint, embedded } = base;
    const found = adapted(checkpoint, adapter, name);
    for (const note of found.notes.slice(checkpoint.notes.length)) options.note?.(note);
    const changed = { adapter, base: checkpoint };
    return opened(adaptedName(name, adapter), found, embedded, changed, base);
  } catch (error) {
    base[Symbol.dispose]();
    throw error;
  }
}

async function openBase(spec: string | undefined, options: FetchOptions): Promise<OpenedModel> {
  const embedded = spec === undefined || spec === EMBEDDED_NAME;
  if (embedded) return opened(EMBEDDED_NAME, await openEmbedded(options.signal), true);
  const { name, path } = await resolveModel(spec, options);
  return opened(name, await openCheckpoint(path), false);
}

function opened(
  name: string,
  checkpoint: Checkpoint,
  embedded: boolean,
  adapter?: OpenedModel["adapter"],
  owner: Disposable = checkpoint,
): OpenedModel {
  const model = {
    name,
    checkpoint,
    embedded,
    ...(adapter && { adapter }),
    [Symbol.dispose]: () => owner[Symbol.dispose](),
  };
  return showAs(model, {
    text: () => `Model ${name}: ${configText(checkpoint.config)}${embedded ? "; embedded" : ""}`,
  });
}

/** Said once by every command that runs the embedded model. */
export const EMBEDDED_NOTE =
  `${EMBEDDED_NAME} is a small demonstration model (1.2 million parameters, trained for this ` +
  "project; it knows what 20 families of domains conserve, and little of other proteins): do not " +
  "draw biological conclusions from it. " +
  "--model esm2_t33_650M_UR50D runs the published ESM-2 (2.6 GB, fetched once).";
