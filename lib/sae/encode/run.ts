/** The `sae encode` command: what of it is its own. */
import type { CommandContext } from "../../cli/context.ts";
import { formatTable } from "../../cli/table.ts";
import type { MergedRun } from "../../run/merge.ts";
import { type Finished, runAnalysis } from "../../run/run.ts";
import type { SaeConfig } from "../types.ts";
import { type Fidelities, type SaeFlags, withSaes } from "../session.ts";
import { MOST_DRAWN } from "../../report/page.ts";
import {
  CHANGED_LATENTS,
  type ChangedLatent,
  changedLatentRows,
  changedLatents,
  changedLatentsText,
} from "./changed_latents.ts";
import { type EncodeInputs, type InputFlags, openInputs } from "./inputs.ts";
import { type EncodedProtein, encodedProtein } from "./report/data.ts";
import { renderEncodeReport } from "./report/report.ts";
import { LatentSurvey } from "./survey.ts";
import { latentPacker, type ProteinLatents, unpackLatents, windowWork } from "./encode.ts";
import {
  activationsOf,
  type Extents,
  type Format,
  LATENTS,
  TOP_LATENTS,
  topRows,
  writeCsr,
} from "./tables.ts";
import { lettersText, type TopLatent, topLatents } from "./top_latents.ts";

export interface EncodeFlags extends SaeFlags, InputFlags {
  layer?: number;
  tokenBudget?: number;
  format: Format;
  top: number;
}

/** Proteins whose strongest latents are printed; the file has those of all. */
const PRINTED = 3;

/** Runs the command. @param merged shards whose results to write instead of computing any */
export async function runEncode(
  o: EncodeFlags,
  ctx: CommandContext,
  merged?: MergedRun,
): Promise<void> {
  const asked = { layers: [o.layer], layerOption: "--layer" } as const;
  const { tokenBudget } = o, { signal } = ctx;
  await runAnalysis<EncodeInputs>(
    o,
    ctx,
    withSaes(o, asked, ctx, {
      command: "sae encode",
      read: () => openInputs(o),
      plan: (proteins, [{ sha256, sae: { config } }]) => ({
        settings: { tokenBudget, proteins: proteins.sha256 },
        label: proteins.count === 1 ? "encoding" : `encoding ${proteins.count} proteins`,
        unit: "residues",
        open: async ({ esm, stack, openBase }, [{ coder }]) => {
          const options = { tokenBudget, signal, base: await openBase() };
          return windowWork(esm, coder, () => proteins.read(), options, stack, latentPacker);
        },
        finish: (finished) => writeResults(o, ctx, proteins, { sha256, config }, finished),
      }),
    }),
    merged,
  );
}

/** Protein by protein, as often as the file's layout asks for. */
async function writeResults(
  o: EncodeFlags,
  { signal }: CommandContext,
  proteins: EncodeInputs,
  { sha256, config }: { sha256: string; config: SaeConfig },
  { read, output, results, provenance, notes, print }: Finished,
): Promise<void> {
  const { format, top: most } = o;
  const all = () => unpackLatents(proteins.read(), read, signal);
  const { name: adapter } = (provenance.model as { adapter?: { name: string } }).adapter ?? {};
  const seen = new Set<number>(), drawn: EncodedProtein[] = [];
  const differences: ChangedLatent[][] = [];
  const survey = o.report && proteins.count > 1 ? new LatentSurvey(config.latents) : undefined;
  const extents: Extents = {
    ...{ proteins: 0, residues: 0, entries: 0, idBytes: -1 },
    latents: config.latents,
  };
  {
    await using table = format === "csv" ? results.open(LATENTS) : undefined;
    await using tops = results.open(TOP_LATENTS);
    await using changes = adapter === undefined ? undefined : results.open(CHANGED_LATENTS);
    for await (const protein of all()) {
      const { id, latents: { rows, indices, values } } = protein;
      const top = topLatents(protein, most);
      await table?.write(activationsOf(protein));
      await tops.write(topRows(protein, top));
      if (extents.proteins < PRINTED) {
        print(`${extents.proteins > 0 ? "\n" : ""}${proteinText(protein, top)}`);
      }
      if (changes) {
        const changed = changedLatents(protein);
        await changes.write(changedLatentRows(protein, changed.slice(0, most)));
        if (extents.proteins < PRINTED) {
          print(`\n${changedLatentsText(adapter!, protein, changed)}`);
        }
        if (drawn.length < MOST_DRAWN) differences.push(changed);
      }
      for (const latent of indices) seen.add(latent);
      survey?.add(protein);
      if (o.report && drawn.length < MOST_DRAWN) {
        drawn.push(encodedProtein(protein, proteins.shapes.get(drawn.length)));
      }
      extents.proteins++;
      extents.residues += rows;
      extents.entries += values.length;
      extents.idBytes += new TextEncoder().encode(id).length + 1;
    }
    await table?.close();
    await tops.close();
    await changes?.close();
  }
  if (format !== "csv") {
    const { name, depth } = config;
    const { name: model } = provenance.model as { name: string };
    const facts = { model, sae: name, sae_sha256: sha256, layer: String(depth) };
    await writeCsr(output.temporaryPath(`latents.${format}`), format, all, extents, facts);
  }
  const { proteins: count, residues, entries } = extents;
  provenance.summary = {
    proteins: count,
    residues,
    meanActive: entries / residues,
    /** Latents that fired on at least one residue. */
    latentsSeen: seen.size,
  };
  if (o.report) {
    const { [o.embedScale]: quality } = (provenance.fidelity ?? {}) as Fidelities;
    const run = {
      record: provenance,
      input: count === 1 ? `${drawn[0].id}, ${residues} residues` : `${count} proteins`,
      options: optionsText(o, config),
      files: output.files(),
    };
    await output.write(
      "report.html",
      await renderEncodeReport({
        ...{ notes, config, quality, drawn, survey, run },
        ...(adapter !== undefined && { changes: { adapter, differences } }),
      }),
    );
  }
  if (count > PRINTED) print(`\n${count - PRINTED} more proteins: top_latents.csv has all.`);
}

/** Options that decide the numbers, in words. */
const optionsText = ({ embedScale, top }: EncodeFlags, { name, depth, k }: SaeConfig) =>
  [
    `${name}, layer ${depth}`,
    k !== undefined && `k ${k}`,
    `embedding scale ${embedScale}`,
    `top ${top}`,
  ].filter(Boolean).join(", ");

function proteinText({ id, letters, latents }: ProteinLatents, top: readonly TopLatent[]): string {
  const { rows, values, indices } = latents;
  const head =
    `${id}: ${rows} residues, ${(values.length / rows).toFixed(1)} latents per residue, ` +
    `${new Set(indices).size} different`;
  if (top.length === 0) return head;
  const table = formatTable(
    [
      { header: "latent" },
      { header: "max", format: (value) => value.toPrecision(4) },
      { header: "at" },
      { header: "mean", format: (value) => value.toPrecision(3) },
      { header: "active", format: (value) => `${(100 * value).toFixed(1)} %` },
      { header: "letters" },
    ],
    top.map((t) => [
      t.latent,
      t.max,
      `${letters[t.maxResidue - 1]}${t.maxResidue}`,
      t.mean,
      t.activeFraction,
      lettersText(letters, t.residues).split(" ").slice(0, 6).join(" "),
    ]),
  );
  return `${head}\n${table}`;
}
