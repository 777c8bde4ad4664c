/** What follows the arrays where it is asked for: a map of the proteins, and the nearest of a database. */
import { type Backend, type BackendChoice, openBackend } from "../backend/mod.ts";
import type { CommandContext } from "../cli/context.ts";
import { three } from "../cli/figures.ts";
import { formatTable } from "../cli/table.ts";
import { printable } from "../errors.ts";
import { displayLetters, type StreamPlace } from "../esm2/mod.ts";
import type { Finished } from "../run/run.ts";
import { type EmbedInputs, LENGTH } from "./inputs.ts";
import { layOut, type MapMethod } from "./map/layout.ts";
import { MAP } from "./map/tables.ts";
import type { Pool } from "./pool.ts";
import type { InputColumn } from "./report/columns.ts";
import { mapFinding, searchFinding } from "./report/finding.ts";
import { type MapView, mapView, renderEmbedReport, type SearchView } from "./report/report.ts";
import { NEIGHBOURS, searchVectors } from "./search.ts";
import { GroupReader, joined, type Part } from "./units.ts";
import type { VectorTable } from "./vectors.ts";

export interface ExploreFlags {
  map?: MapMethod;
  colourBy?: string;
  search?: string;
  fasta?: string;
  table?: string;
  top: number;
  seed: number;
}

/** Vectors of a database that are compared at a time. */
const BLOCK_BYTES = 64 * 2 ** 20;

/** Finished groups: first those of the input, then those of the database. */
export interface ExploredGroups {
  read(unit: number): Uint8Array<ArrayBuffer>;
  parts: readonly Part[];
  /** Groups of the input. */
  groups: number;
  /** What the first array is of. */
  place: StreamPlace;
  pool: Pool;
  dModel: number;
}

type Written = Pick<
  Finished,
  "output" | "results" | "provenance" | "notes" | "print" | "settings" | "esm"
>;

/** Writes neighbours.csv, map.csv and the report, in this order. */
export async function explore(
  o: ExploreFlags,
  ctx: CommandContext,
  inputs: EmbedInputs,
  groups: ExploredGroups,
  { output, results, provenance, notes, print, settings, esm }: Written,
): Promise<void> {
  if (!o.map && !inputs.database) return;
  await using stack = new AsyncDisposableStack();
  const backend = esm?.backend ?? stack.use(await backendOf(settings.backend.name));
  const columns: InputColumn[] = [
    ...inputs.columns.map((name) => ({ name, values: [] as string[] })),
    { name: LENGTH, values: [] as string[] },
  ].filter(({ name }, i, all) => all.findIndex((one) => one.name === name) === i);
  const table = await readTable(inputs, groups, columns, ctx.signal);

  let search: SearchView | undefined;
  if (inputs.database) {
    const { database } = inputs;
    const progress = ctx.progress({ label: "searching", unit: "proteins", total: database.count });
    const blocks = () => readBlocks(inputs, groups, ctx.signal);
    const hits = await searchVectors(
      table,
      { count: database.count, blocks },
      o.top,
      backend,
      (done) => progress.update(done),
    );
    progress.finish();
    await using sink = results.open(NEIGHBOURS);
    await sink.write(hits);
    await sink.close();
    search = { hits, queries: table.ids.length, database: database.count };
    const { answer } = searchFinding(hits, search.queries, search.database);
    print(`\n${printable(answer)}\n`);
    print(formatTable(
      [
        { header: "protein", align: "left" },
        { header: "rank" },
        { header: "neighbour", align: "left" },
        ...["cosine", "z"].map((header) => ({ header })),
      ],
      hits.slice(0, MOST_PRINTED).map(({ protein, rank, neighbour, cosine, z }) => [
        ...[printable(protein), String(rank), printable(neighbour)],
        ...[cosine.toFixed(4), three(z)],
      ]),
    ));
  }

  let view: MapView | undefined;
  if (o.map) {
    const progress = ctx.progress({ label: `map by ${o.map}`, unit: "%", total: 100 });
    const map = await layOut(table, o.map, backend, {
      seed: o.seed,
      async onStep(share) {
        progress.update(Math.round(100 * share));
        // Ctrl-C is heard only when the event loop turns.
        await new Promise((resolve) => setTimeout(resolve));
        ctx.signal.throwIfAborted();
      },
    });
    progress.finish();
    {
      await using sink = results.open(MAP);
      await sink.write(table.ids.map((protein, i) => ({
        ...{ protein, x: map.points[2 * i], y: map.points[2 * i + 1], kept: map.kept[i] },
      })));
      await sink.close();
    }
    view = mapView({ map, ids: table.ids, columns, colourBy: o.colourBy });
    const { agreements, shown } = view;
    const { answer, method } = mapFinding(
      table.ids.length,
      map.quality,
      o.map,
      shown,
      map.shares,
    );
    provenance.map = { ...map.quality, agreements };
    print(`\n${printable(answer)} ${method}`);
  }
  const { place, pool } = groups;
  const layer = place === "last" ? "after the final LayerNorm" : `after ${place} blocks`;
  await output.write(
    "report.html",
    renderEmbedReport({
      ...{ notes, map: view, search },
      vectors: `${POOL_NAMES[pool]}, ${layer}`,
      run: {
        record: provenance,
        input: [o.table ?? o.fasta ?? "one protein", o.search && `searched ${o.search}`]
          .filter(Boolean).join("; "),
        options: [
          `--layers ${place}`,
          `--pool ${pool}`,
          o.map && `--map ${o.map}, seed ${o.seed}`,
          search && `--top ${o.top}`,
        ].filter(Boolean).join(", "),
        files: output.files(),
      },
    }),
  );
}

/** Rows of a search that a terminal shows. */
const MOST_PRINTED = 20;

const POOL_NAMES: Readonly<Record<Pool, string>> = {
  mean: "mean of residues",
  max: "largest of residues",
  cls: "state of <cls>",
  attention: "residues weighted by attention",
};

/** That of the run, where a merge finds it here too. */
async function backendOf(name: string): Promise<Backend> {
  try {
    return (await openBackend(name as BackendChoice)).backend;
  } catch {
    return (await openBackend("auto")).backend;
  }
}

/** The first vector of every protein of the input, and what its table says of it. */
async function readTable(
  inputs: EmbedInputs,
  { read, parts, groups, dModel: width }: ExploredGroups,
  columns: readonly InputColumn[],
  signal: AbortSignal,
): Promise<VectorTable> {
  const reader = new GroupReader(parts, read);
  const values = joined(
    Array.from({ length: groups }, (_, group) => reader.values(group, parts[0])),
  );
  const ids: string[] = [];
  for await (const { id, residues, fields } of inputs.read()) {
    signal.throwIfAborted();
    ids.push(id);
    columns.forEach(({ name, values }) => {
      const own = inputs.columns.indexOf(name);
      (values as string[]).push(
        own >= 0 ? fields[own] : String(displayLetters(residues).length),
      );
    });
  }
  return { ids, width, values };
}

/** The database, some groups at a time. */
async function* readBlocks(
  { database }: EmbedInputs,
  { read, parts, groups, dModel: width }: ExploredGroups,
  signal: AbortSignal,
): AsyncGenerator<VectorTable> {
  const reader = new GroupReader(parts, read);
  let group = groups, ids: string[] = [], found: Float32Array[] = [], sizeBytes = 0;
  let left = reader.lengths(group).lengths.length, unread = database!.count;
  for await (const { id } of database!.read()) {
    signal.throwIfAborted();
    ids.push(id);
    unread--;
    if (--left > 0) continue;
    const some = reader.values(group++, parts[0]);
    found.push(some);
    sizeBytes += some.byteLength;
    if (sizeBytes >= BLOCK_BYTES || unread === 0) {
      yield { ids, width, values: joined(found) };
      [ids, found, sizeBytes] = [[], [], 0];
    }
    if (unread > 0) left = reader.lengths(group).lengths.length;
  }
}
