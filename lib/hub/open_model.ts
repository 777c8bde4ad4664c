/** Opens the checkpoint a person asked for, or the embedded demonstration model. */
import { type Checkpoint, openCheckpoint } from "../checkpoint/mod.ts";
import { configText } from "../checkpoint/config.ts";
import { showAs } from "../display.ts";
import { EMBEDDED_NAME, openEmbedded } from "./embedded.ts";
import type { FetchOptions } from "./fetch_model.ts";
import { resolveModel } from "./resolve.ts";

/** A checkpoint and where it is from. */
export interface OpenedModel extends Disposable {
  /** What people call it. */
  readonly name: string;
  /** Its tensors; disposing of the model closes it. */
  readonly checkpoint: Checkpoint;
  /** Whether it is the demonstration model. */
  readonly embedded: boolean;
}

/**
 * Opens a model by name (fetched on demand), folder or file; without one, the embedded model.
 *
 * @throws {UserError} if there is no such model or its files are damaged
 */
export async function openModel(
  spec: string | undefined,
  options: FetchOptions = {},
): Promise<OpenedModel> {
  const embedded = spec === undefined || spec === EMBEDDED_NAME;
  if (embedded) return opened(EMBEDDED_NAME, await openEmbedded(options.signal), true);
  const { name, path } = await resolveModel(spec, options);
  return opened(name, await openCheckpoint(path), false);
}

function opened(name: string, checkpoint: Checkpoint, embedded: boolean): OpenedModel {
  const model = {
    name,
    checkpoint,
    embedded,
    [Symbol.dispose]: () => checkpoint[Symbol.dispose](),
  };
  return showAs(model, {
    text: () => `Model ${name}: ${configText(checkpoint.config)}${embedded ? "; embedded" : ""}`,
  });
}

/** Said once by every command that runs the embedded model. */
export const EMBEDDED_NOTE =
  `${EMBEDDED_NAME} is a small demonstration model (0.8 million parameters, trained for this ` +
  "project): do not draw biological conclusions from it. " +
  "--model esm2_t33_650M_UR50D runs the published ESM-2 (2.6 GB, fetched once).";
