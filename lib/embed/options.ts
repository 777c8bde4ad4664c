/** The options of `deno task embed`. */
import { ARRAY_FORMATS } from "../checkpoint/write_arrays.ts";
import { flag, option } from "../cli/command.ts";
import * as parse from "../cli/parsers.ts";
import { parseHeads } from "../contacts/parse_heads.ts";
import { TRAINED_LENGTH } from "../esm2/mod.ts";
import { modelOptions, tokenBudgetOption } from "../model_options.ts";
import { outputOptions, runOptions } from "../output_options.ts";
import { proteinsOptions } from "../proteins/options.ts";
import { LONG_CHOICES } from "./embed.ts";
import { MAP_METHODS } from "./map/layout.ts";
import { parsePlaces, parsePools, type PlaceList, type PoolList } from "./places.ts";
import { DTYPES } from "./run.ts";

export const options = {
  ...proteinsOptions,
  table: option({
    placeholder: "file",
    parse: parse.path,
    description: "many proteins: CSV with id and sequence, or fasta_id; other columns are kept",
    group: "Input",
  }),
  ...modelOptions,
  ...tokenBudgetOption,
  layers: option({
    placeholder: "list",
    parse: parsePlaces,
    default: ["last"] as PlaceList,
    defaultText: "last",
    description: "n: the stream after n blocks; last: after the final LayerNorm, as fair-esm and " +
      "Hugging Face count the deepest; all: 0,12,33 or 0-5,last",
    group: "Embedding",
  }),
  pool: option({
    placeholder: "list",
    parse: parsePools,
    default: { pools: ["mean"], residues: false } as PoolList,
    defaultText: "mean",
    description: "mean and max over residues, cls, attention (by what residues receive); none: " +
      "every residue's own",
    group: "Embedding",
  }),
  heads: option({
    placeholder: "list",
    parse: parseHeads,
    description: "heads of --pool attention, layer:head from 0: 5:4,3:1",
    defaultText: "all",
    group: "Embedding",
  }),
  poolHead: option({
    placeholder: "file",
    parse: parse.path,
    description: "trained --pool attention: safetensors with score.weight [1, D], score.bias [1]",
    group: "Embedding",
  }),
  long: option({
    placeholder: "choice",
    parse: parse.choice(...LONG_CHOICES),
    default: LONG_CHOICES[0],
    description:
      "proteins longer than --window: full (as memory allows), windows (residues of the " +
      "most central one), average (of windows), truncate",
    group: "Embedding",
  }),
  window: option({
    placeholder: "residues",
    parse: parse.integer({ min: 16, max: 100_000 }),
    default: TRAINED_LENGTH,
    description: "of --long; windows overlap by half",
    group: "Embedding",
  }),
  contacts: flag({ description: "contact maps too, in the same pass", group: "Embedding" }),
  logits: flag({ description: "logits too, in the same pass", group: "Embedding" }),
  format: option({
    placeholder: "kind",
    parse: parse.choice(...ARRAY_FORMATS),
    default: ARRAY_FORMATS[0],
    description: "of the arrays: npz, safetensors",
    group: "Output",
  }),
  dtype: option({
    placeholder: "type",
    parse: parse.choice(...DTYPES),
    default: DTYPES[0],
    description: "of the arrays: f32, or f16 in half the room",
    group: "Output",
  }),
  perProtein: flag({ description: "a file per protein, named by its id", group: "Output" }),
  csv: flag({ description: "write no embeddings.csv", group: "Output", default: true }),
  map: option({
    placeholder: "method",
    parse: parse.choice(...MAP_METHODS),
    description: "draw the proteins on a plane: umap, tsne (to 10,000 proteins), pca",
    group: "Map and search",
  }),
  colourBy: option({
    placeholder: "column",
    parse: parse.text,
    description: "column of --table that colours the map at first",
    group: "Map and search",
  }),
  search: option({
    placeholder: "file",
    parse: parse.path,
    description: "FASTA of a database: which of it are most like each protein, by cosine",
    group: "Map and search",
  }),
  top: option({
    placeholder: "number",
    parse: parse.positiveInteger(10_000),
    default: 10,
    description: "neighbours of --search for each protein",
    group: "Map and search",
  }),
  seed: option({
    placeholder: "number",
    parse: parse.seed,
    default: 0,
    description: "of --map",
    group: "Map and search",
  }),
  ...outputOptions(
    "embed",
    "embeddings, proteins.csv, run.json, and report.html of a map or search",
  ),
  ...runOptions,
};
