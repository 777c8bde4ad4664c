/** The `embed` command: what of it is its own. */
import type { CommandContext } from "../cli/context.ts";
import { formatTable } from "../cli/table.ts";
import { type ArrayFormat, type NumberArray, writeArrays } from "../checkpoint/write_arrays.ts";
import { ContactHead } from "../contacts/contact_head.ts";
import { checkHeads } from "../contacts/predict.ts";
import { UserError } from "../errors.ts";
import { displayLetters, type Sequence, type StreamPlace } from "../esm2/mod.ts";
import type { OpenedModel } from "../hub/open_model.ts";
import { lettersOf, type NpyData } from "../io/npy.ts";
import { fileNames } from "../io/output.ts";
import { groupWork } from "../run/group_work.ts";
import type { Proteins } from "../proteins/read.ts";
import type { MergedRun } from "../run/merge.ts";
import type { RowSink } from "../run/results.ts";
import { type Finished, runAnalysis, type RunFlags } from "../run/run.ts";
import { type EmbedPlan, embedRows, type LongChoice } from "./embed.ts";
import { explore } from "./explore.ts";
import { checkFits } from "./fits.ts";
import { type EmbedInputs, type InputFlags, openInputs } from "./inputs.ts";
import { depthNote, type PlaceList, resolvePlaces } from "./places.ts";
import type { Pool } from "./pool.ts";
import { checkPoolHead } from "./pool_head.ts";
import { groupTokens } from "./stream.ts";
import { proteinsTable, vectorLines, type VectorRow, vectorsTable } from "./tables.ts";
import {
  bytesOf,
  type GroupLengths,
  GroupReader,
  packGroup,
  type Part,
  partsOf,
  unitsPerGroup,
} from "./units.ts";

export const DTYPES = ["f32", "f16"] as const;

export interface EmbedFlags extends RunFlags, InputFlags {
  layers: PlaceList;
  long: LongChoice;
  window: number;
  contacts: boolean;
  logits: boolean;
  tokenBudget?: number;
  format: ArrayFormat;
  dtype: typeof DTYPES[number];
  perProtein: boolean;
  csv: boolean;
  top: number;
  seed: number;
}

/** What a group leaves at most, or one protein. */
const GROUP_BYTES = 128 * 2 ** 20;

/** Runs the command. @param merged shards whose results to write instead of computing any */
export async function runEmbed(
  o: EmbedFlags,
  ctx: CommandContext,
  merged?: MergedRun,
): Promise<void> {
  const { tokenBudget } = o, { signal } = ctx;
  await runAnalysis<EmbedInputs>(o, ctx, {
    command: "embed",
    read: () => openInputs(o),
    plan(inputs, model) {
      const { config } = model.checkpoint, plan = planOf(o, inputs, model);
      const { places, pools, residues } = plan;
      const { contacts, logits, long, window, heads } = o;
      return {
        notes: notesOf(o, inputs, model),
        settings: {
          ...{ places, pools, residues, heads, poolHead: inputs.head?.sha256, contacts, logits },
          ...{ long, window: long === "full" ? undefined : window, tokenBudget },
          proteins: inputs.sha256,
          database: inputs.database?.sha256,
        },
        // What reads attention runs block by block.
        prepack: contacts || plan.attention || pools?.includes("attention") ? undefined : {
          depths: places.map((place) => place === "last" ? config.layers : place),
          head: logits,
          tokens: inputs.residues + (inputs.database?.residues ?? 0),
        },
        label: countOf(inputs) === 1 ? "embedding" : `embedding ${countOf(inputs)} proteins`,
        unit: "residues",
        async open({ esm, stack }) {
          const whole = { ...plan };
          if (contacts) whole.contacts = stack.use(await ContactHead.create(esm, model.checkpoint));
          const parts = partsOf(whole, config.dModel);
          await checkFits(esm, inputs, whole, parts);
          const { database } = inputs;
          // Only the vector that is compared is wanted of the database.
          const compared = { ...whole, ...COMPARED(plan) };
          if (database) await checkFits(esm, database, compared, partsOf(compared, config.dModel));
          const tokens = groupTokens(esm.backend, tokenBudget);
          const groups = {
            proteins: () => both(inputs, database),
            begin: inputs.count,
            most: 1,
            costOf: (count: number) =>
              Math.max(count / tokens, bytesOf(parts, count - 2) / GROUP_BYTES),
            units: unitsPerGroup(parts),
          };
          return await groupWork<Counted>(groups, stack, async (found, put, tick) => {
            for await (const { members } of found) {
              const rows = members.map(({ ids }) => ids);
              const isDatabase = members[0].protein.isOfDatabase === true;
              const asked = isDatabase ? compared : whole;
              const embedded = await embedRows(esm, rows, asked, {
                ...{ tokenBudget, signal, onProgress: tick },
              });
              packGroup(parts, embedded, put, (part) => !isDatabase || part === 0);
            }
          });
        },
        finish: (finished) =>
          // What the arrays are depends on whether there are maps, not on the head that makes them.
          writeResults(
            o,
            ctx,
            inputs,
            partsOf({ ...plan, contacts: contacts as never }, config.dModel),
            {
              ...finished,
              dModel: config.dModel,
            },
            { place: places[0], pool: pools?.[0] ?? "mean" },
          ),
      };
    },
  }, merged);
}

const countOf = ({ count, database }: EmbedInputs) => count + (database?.count ?? 0);

/** A protein, and whether it is searched rather than embedded. */
type Counted = Sequence & { isOfDatabase?: boolean };

async function* both(inputs: EmbedInputs, database?: Proteins): AsyncGenerator<Counted> {
  yield* inputs.read();
  if (!database) return;
  for await (const protein of database.read()) yield { ...protein, isOfDatabase: true };
}

/** The one vector that proteins are compared by, the first of those that are asked for. */
const COMPARED = ({ places, pools = [] }: EmbedPlan) => ({
  places: places.slice(0, 1),
  pools: pools.slice(0, 1),
  ...{ residues: false, contacts: undefined, logits: false },
});

/** What is wanted of the model. @throws {UserError} if it cannot give it */
function planOf(
  { layers, pool, heads, contacts, logits, long, window }: EmbedFlags,
  { head }: EmbedInputs,
  { checkpoint: { config, tensors } }: OpenedModel,
): EmbedPlan {
  const places = resolvePlaces(layers, config.layers);
  if (heads) checkHeads(heads, config);
  if (head) checkPoolHead(head, config.dModel);
  if (contacts && !tensors.has("contact_head.regression.weight")) {
    throw new UserError(
      "Cannot use --contacts as the checkpoint must hold a contact head: current value has none",
    );
  }
  return {
    ...{ places, pools: pool.pools, residues: pool.residues, logits, long, window },
    attention: head ? { head } : heads && { heads },
  };
}

function notesOf(
  { layers, long, window }: EmbedFlags,
  { longest }: EmbedInputs,
  { checkpoint: { config } }: OpenedModel,
): string[] {
  const notes = depthNote(layers, config.layers);
  if (longest <= window) return notes;
  const said: Readonly<Record<LongChoice, string>> = {
    full:
      `Proteins of up to ${longest} residues run whole; ESM-2 was trained on 1022 (--long windows ` +
      "cuts them).",
    windows: `Proteins of more than ${window} residues run in windows that overlap by half; each ` +
      "residue is taken from the one where it is most central.",
    average:
      `Proteins of more than ${window} residues run in windows that overlap by half; residues in ` +
      "several are averaged.",
    truncate: `Of proteins of more than ${window} residues only the first ${window} are embedded.`,
  };
  return [...notes, said[long]];
}

interface Extents {
  proteins: number;
  groups: number;
  /** Of what was embedded. */
  residues: number;
  /** Σ L² */
  pairs: number;
  longest: number;
  /** Letters of the longest id, and bytes of all. */
  idLetters: number;
  idBytes: number;
}

/** Tables and extents in one go, then array by array. */
async function writeResults(
  o: EmbedFlags,
  ctx: CommandContext,
  inputs: EmbedInputs,
  parts: readonly Part[],
  { read, output, results, provenance, print, notes, settings, esm, dModel }:
    & Finished
    & { dModel: number },
  compared: { place: StreamPlace; pool: Pool },
): Promise<void> {
  const { signal } = ctx, groups = new GroupReader(parts, read);
  const vectors = parts.filter(({ isVector }) => isVector);
  const extents: Extents = {
    ...{ proteins: 0, groups: 0, residues: 0, pairs: 0, longest: 0 },
    ...{ idLetters: 0, idBytes: 0 },
  };
  {
    await using stack = new AsyncDisposableStack();
    const proteins = stack.use(results.open(proteinsTable(inputs.columns)));
    const sinks: [Part, RowSink<VectorRow>][] = o.csv
      ? vectors.map((part) => {
        const name = vectors.length === 1 ? "embeddings" : part.name;
        const table = vectorsTable(name, dModel);
        return [part, stack.use(results.open(table, vectorLines(table)))];
      })
      : [];
    for await (const { members, lengths, windows, group } of grouped(inputs, groups, signal)) {
      for (const [i, { id, residues, fields }] of members.entries()) {
        const embedded = lengths[i], length = tokensOf(residues);
        await proteins.add({ id, length, embedded, windows: windows[i], fields });
        extents.residues += embedded;
        extents.pairs += embedded ** 2;
        extents.longest = Math.max(extents.longest, embedded);
        extents.idLetters = Math.max(extents.idLetters, lettersOf(id).length);
        extents.idBytes += new TextEncoder().encode(id).length;
      }
      for (const [part, sink] of sinks) {
        let i = 0;
        for (const vector of groups.each(group, part, { lengths, windows })) {
          await sink.add({ id: members[i].id, length: lengths[i++], vector });
        }
      }
      extents.proteins += members.length;
      extents.groups++;
    }
    await proteins.close();
    for (const [, sink] of sinks) await sink.close();
  }
  const { name: model } = provenance.model as { name: string };
  const written = o.perProtein
    ? await writeEach(o, inputs, groups, output, signal, { model })
    : await writeOne(o, inputs, groups, extents, output, signal, { model });
  const { proteins, residues, longest } = extents;
  provenance.summary = { proteins, residues, longest, arrays: written };
  print(
    `${proteins} protein${proteins === 1 ? "" : "s"}, ${residues} residues` +
      `${proteins === 1 ? "" : `, the longest ${longest}`}; arrays of ${
        o.perProtein ? "each file" : `embeddings.${o.format}`
      }:\n`,
  );
  print(formatTable(
    [{ header: "array", align: "left" }, { header: "shape", align: "left" }, { header: "type" }],
    Object.entries(written).map(([name, shape]) => [
      name,
      `[${shape.join(", ")}]`,
      name === "lengths" ? "i32" : name === "ids" || name === "label" ? "text" : o.dtype,
    ]),
  ));
  await explore(o, ctx, inputs, { read, parts, groups: extents.groups, ...compared, dModel }, {
    ...{ output, results, provenance, notes, print, settings, esm },
  });
}

/** Residues of a checked sequence; `<mask>` is one. */
const tokensOf = (residues: string) => displayLetters(residues).length;

/** Proteins beside what is kept of their group. */
async function* grouped(inputs: EmbedInputs, groups: GroupReader, signal: AbortSignal) {
  type Member = EmbedInputs extends { read(): AsyncIterable<infer P> } ? P : never;
  let group = -1, members: Member[] = [];
  let found: GroupLengths = { lengths: new Int32Array(), windows: new Int32Array() };
  for await (const protein of inputs.read()) {
    if (members.length === found.lengths.length) {
      if (group >= 0) yield { members, ...found, group };
      // Ctrl-C is heard only when the event loop turns.
      await new Promise((resolve) => setTimeout(resolve));
      signal.throwIfAborted();
      members = [];
      found = groups.lengths(++group);
    }
    members.push(protein);
  }
  yield { members, ...found, group };
}

/** Extents by array; L is the length of a protein. */
type Shapes = Record<string, (number | "L")[]>;

async function writeOne(
  { format, dtype }: EmbedFlags,
  inputs: EmbedInputs,
  groups: GroupReader,
  { proteins, groups: count, residues, pairs, idLetters, idBytes }: Extents,
  output: Finished["output"],
  signal: AbortSignal,
  metadata: Readonly<Record<string, string>>,
): Promise<Shapes> {
  const numbers = Array.from({ length: count }, (_, group) => group);
  async function* values(part: Part) {
    for (const group of numbers) {
      await new Promise((resolve) => setTimeout(resolve));
      signal.throwIfAborted();
      yield ofType(groups.values(group, part), dtype, part.name);
    }
  }
  async function* ids() {
    for await (const { members } of grouped(inputs, groups, signal)) {
      yield members.map(({ id }) => id);
    }
  }
  const lengths = async function* () {
    for (const group of numbers) yield groups.lengths(group).lengths;
  };
  const shapeOf = ({ name, isVector, shape }: Part) => {
    if (isVector) return [proteins, ...shape(0)];
    return name === "contacts" ? [pairs] : [residues, ...shape(0).slice(1)];
  };
  const arrays = groups.parts.map((part): [string, NumberArray] => [
    part.name,
    { dtype: dtype === "f16" ? "f2" : "f4", shape: shapeOf(part), data: values(part) },
  ]);
  await writeArrays(output.temporaryPath(`embeddings.${format}`), format, {
    ids: { count: proteins, longest: idLetters, bytes: idBytes, texts: ids() },
    lengths: { dtype: "i4", shape: [proteins], data: lengths() },
    ...Object.fromEntries(arrays),
  }, metadata);
  return {
    ...{ ids: [proteins], lengths: [proteins] },
    ...Object.fromEntries(arrays.map(([name, { shape }]) => [name, shape])),
  };
}

/** A file per protein, as fair-esm's extract.py writes them. */
async function writeEach(
  { format, dtype }: EmbedFlags,
  inputs: EmbedInputs,
  groups: GroupReader,
  output: Finished["output"],
  signal: AbortSignal,
  metadata: Readonly<Record<string, string>>,
): Promise<Shapes> {
  const ids: string[] = [];
  for await (const { id } of inputs.read()) ids.push(id);
  const names = fileNames(ids);
  let at = 0;
  for await (const { members, group, ...lengths } of grouped(inputs, groups, signal)) {
    const all = groups.parts.map((part) => [...groups.each(group, part, lengths)]);
    for (const [i, { id }] of members.entries()) {
      const arrays = groups.parts.map((part, p): [string, NumberArray] => {
        const data = ofType(all[p][i], dtype, part.name);
        const type = dtype === "f16" ? "f2" : "f4";
        return [part.name, { dtype: type, shape: part.shape(lengths.lengths[i]), data }];
      });
      const text = new TextEncoder().encode(id).length;
      await writeArrays(output.temporaryPath(`${names[at++]}.${format}`), format, {
        label: { count: 1, longest: lettersOf(id).length, bytes: text, texts: once([id]) },
        ...Object.fromEntries(arrays),
      }, { ...metadata, label: id });
    }
  }
  const shapes = groups.parts.map(({ name, shape }) => [name, shape(0).map((n) => n || "L")]);
  return { label: [1], ...Object.fromEntries(shapes) };
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield await Promise.resolve(value);
}

/** @throws {UserError} for a number that half precision has not */
function ofType(values: Float32Array, dtype: EmbedFlags["dtype"], name: string): NpyData {
  if (dtype === "f32") return values;
  const halves = new Float16Array(values),
    wrong = halves.findIndex((half) => !Number.isFinite(half));
  if (wrong < 0) return halves;
  throw new UserError(
    `Cannot write ${name} with --dtype f16 as numbers must be below 65520 in it: ` +
      `current value is ${values[wrong]}; --dtype f32 goes on from what is computed`,
  );
}
