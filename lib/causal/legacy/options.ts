/** Options of commands that can run as the published tool does. */
import { option } from "../../cli/command.ts";
import * as parse from "../../cli/parsers.ts";
import { LEGACY_MODES } from "./mode.ts";
import { LEGACY_COLUMNS } from "./tables.ts";

export const legacyOptions = {
  /** Known only with the mode: 0, or the published tool's. */
  seed: option({
    placeholder: "number",
    parse: parse.seed,
    description: "of everything that is drawn",
    defaultText: "0; 42 with --legacy",
    group: "Input",
  }),
  legacy: option({
    placeholder: "tool",
    parse: parse.choice(...LEGACY_MODES),
    description:
      "compute what that tool computes, mistakes included: sae_mutation_effect runs every " +
      "token alone, keeps 32 latents, and takes the 50 single mutations measured lowest (ig: 100 of " +
      "those below -3, drawn with seed 42)",
    group: "Legacy",
  }),
};

export const legacyColumns = option({
  placeholder: "kind",
  parse: parse.choice(...LEGACY_COLUMNS),
  default: LEGACY_COLUMNS[0],
  description:
    "columns and order of rows with --legacy: of the shipped results, or of the tool's " +
    "current code (--sample draws as that does)",
  group: "Legacy",
});
