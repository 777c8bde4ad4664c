/** The options by which every command that runs a model chooses the model and where to run it. */
import { BACKEND_CHOICES } from "./backend/mod.ts";
import { flag, option } from "./cli/command.ts";
import * as parse from "./cli/parsers.ts";
import type { Precision } from "./esm2/mod.ts";
import { type OpenedModel, openModel, type OpenOptions } from "./hub/open_model.ts";

const PRECISIONS = ["f32", "int8", "f16"] as const satisfies readonly Precision[];

export const modelOptions = {
  model: option({
    placeholder: "name|folder|file",
    parse: parse.nameOrPath,
    description: "ESM-2 by name (esm2_t6_8M_UR50D …), Hugging Face folder, or fair-esm .pt",
    defaultText: "the small embedded model",
    group: "Model",
  }),
  adapter: option({
    placeholder: "folder",
    parse: parse.path,
    description:
      "LoRA or DoRA adapter as PEFT writes it (adapter_config.json and weights), merged into the model",
    defaultText: "none; with one, --model is what it was made for where it names a known ESM-2",
    group: "Model",
  }),
  backend: option({
    placeholder: "name",
    parse: parse.choice(...BACKEND_CHOICES),
    default: "auto" as const,
    description: `where to compute: ${BACKEND_CHOICES.join(", ")}`,
    group: "Model",
  }),
  lowMemory: flag({
    description: "read each block's weights when it runs instead of keeping all",
    group: "Model",
  }),
  precision: option({
    placeholder: "name",
    parse: parse.choice(...PRECISIONS),
    description:
      "f32, or int8 on the cpu (faster, weights in a quarter of the memory), or f16 on a GPU (half of it); " +
      "what it changes on a few proteins is printed",
    defaultText: "f32",
    group: "Model",
  }),
};

export const tokenBudgetOption = {
  tokenBudget: option({
    placeholder: "tokens",
    parse: parse.positiveInteger(1_000_000),
    description: "tokens that run together, padding included",
    defaultText: "1024, or 2048 in long runs, on the CPU; 8192 on a GPU",
    group: "Model",
  }),
};

/** What the options choose of a model. */
export interface ModelFlags {
  readonly model?: string;
  readonly adapter?: string;
  readonly precision?: Precision;
}

/** Opens the model that the options name, with its adapter. @throws {UserError} as {@linkcode openModel} */
export const openChosen = (
  { model, adapter }: ModelFlags,
  options: OpenOptions,
): Promise<OpenedModel> => openModel(model, { ...options, adapter });
