/** Downloads ESM-2 checkpoints, ESMFold and sparse autoencoders to the model cache, or lists them. */
import { defineCommand, flag, option } from "../lib/cli/command.ts";
import { about } from "../lib/cli/commands.ts";
import { runCommand } from "../lib/cli/main.ts";
import * as parse from "../lib/cli/parsers.ts";
import { formatTable } from "../lib/cli/table.ts";
import { formatBytes, formatCount } from "../lib/cli/units.ts";
import { UserError } from "../lib/errors.ts";
import { cacheDir, inspectCache } from "../lib/hub/cache.ts";
import { fetchModel } from "../lib/hub/fetch_model.ts";
import { findLocal } from "../lib/hub/local.ts";
import { estimateBytes, findFold, findModel, folds, models } from "../lib/hub/manifest.ts";
import { unknownModel } from "../lib/hub/resolve.ts";
import { describeSaes, findSae } from "../lib/hub/saes.ts";

export const command = defineCommand({
  ...about("fetch"),
  description: "An interrupted download resumes where it stopped. Every weight file is checked " +
    "against its published SHA-256, where there is one. The folder of the checkpoint (of an " +
    "autoencoder the file) is written to stdout.\n\n" +
    "What Hugging Face's cache (HF_HOME, HF_HUB_CACHE) or torch's (TORCH_HOME) has is used where " +
    "it lies, unless --cache or --force says otherwise. ESMSCOPE_CACHE names another cache folder, " +
    "ESMSCOPE_HUB or HF_ENDPOINT another address of the hub; one that is not the hub's own needs " +
    "more than the task may do: deno run -P=fetch --allow-net=HOST tasks/fetch.ts MODEL. " +
    "With HF_HUB_OFFLINE=1 nothing is downloaded.",
  positionals: [{
    name: "model",
    description: `a checkpoint that --list shows (esmfold_v1 folds proteins, ${
      formatBytes(estimateBytes(folds[0]))
    }), or an autoencoder: ${describeSaes()}`,
  }],
  options: {
    cache: option({
      placeholder: "folder",
      parse: parse.path,
      description: "cache folder",
      defaultText: "the user's cache",
    }),
    force: flag({ description: "download again what is already there" }),
    list: flag({ description: "list the checkpoints, their sizes and which are there" }),
  },
  examples: [
    { command: "deno task fetch --list", shows: "the checkpoints" },
    { command: "deno task fetch esm2_t6_8M_UR50D", shows: "downloads the smallest, about 30 MB" },
    { command: "deno task fetch esmfold_v1", shows: "the model that folds proteins, 8.4 GB" },
    { command: "deno task fetch interprot:l24", shows: "InterProt's autoencoder of layer 24" },
  ],
  run: async ({ cache: named, force, list }, ctx) => {
    if (list) {
      // Asked of the files there are: the hub and the right to write are of no use.
      for (const name of ["net", "write"] as const) Deno.permissions.revokeSync({ name });
      return ctx.print(await listModels(named));
    }
    const [spec] = ctx.args;
    if (spec === undefined) {
      throw new UserError(
        "Cannot fetch as the model must be named: current value is none " +
          `(${[...models, ...folds].map(({ name }) => name).join(", ")}; see --list and --help)`,
      );
    }
    const sae = findSae(spec), entry = sae ?? findFold(spec) ?? findModel(spec);
    if (!entry) throw unknownModel("fetch", spec, "", folds);
    const { path, files } = await fetchModel(entry, { ...ctx, cache: named, force });
    ctx.print(sae ? files[0] : path);
  },
});

async function listModels(named: string | undefined): Promise<string> {
  const cache = named ?? cacheDir();
  const rows = await Promise.all([...models, ...folds].map(async (entry) => {
    const { complete, sizeBytes } = await inspectCache(cache, entry);
    const local = complete || named !== undefined ? undefined : await findLocal(entry);
    if (local) {
      const { owner, sizeBytes } = local;
      return [entry.name, entry.layers, entry.parameters, formatBytes(sizeBytes), `in ${owner}`];
    }
    const size = complete ? formatBytes(sizeBytes) : `~${formatBytes(estimateBytes(entry))}`;
    const state = complete ? "yes" : sizeBytes > 0 ? `${formatBytes(sizeBytes)} of it` : "no";
    return [entry.name, entry.layers, entry.parameters, size, state];
  }));
  return formatTable([
    { header: "model" },
    { header: "layers" },
    { header: "parameters", format: formatCount },
    { header: "size", align: "right" },
    { header: "cached" },
  ], rows) + `\n\ncache: ${cache}`;
}

if (import.meta.main) await runCommand(command, Deno.args);
