/** Which proteins to embed, and what their table says of them. */
import { quote, UserError } from "../errors.ts";
import { openProteins, type Proteins, type StreamFlags } from "../proteins/read.ts";
import { openProteinTable, type TableProteins } from "../proteins/table_stream.ts";
import { contradict } from "../proteins/read.ts";
import type { HeadName } from "../contacts/predict.ts";
import { checkMapped, type MapMethod } from "./map/layout.ts";
import type { PoolList } from "./places.ts";
import { type PoolHead, readPoolHead } from "./pool_head.ts";

export interface InputFlags extends Omit<StreamFlags, "maxLength"> {
  table?: string;
  pool: PoolList;
  heads?: readonly HeadName[];
  poolHead?: string;
  map?: MapMethod;
  colourBy?: string;
  search?: string;
}

/** Proteins, and the trained pool where one is named. */
export interface EmbedInputs extends TableProteins {
  readonly head?: PoolHead;
  /** What `--search` names. */
  readonly database?: Proteins;
}

/**
 * The proteins of a table, a FASTA file, one sequence, or the A2A example.
 *
 * @throws {UserError} for flags that contradict each other and for anything wrong in the files
 */
export async function openInputs(flags: InputFlags): Promise<EmbedInputs> {
  const { pool: { pools }, heads, poolHead, table } = flags;
  if (heads && poolHead !== undefined) contradict("--heads", "--pool-head");
  const [needy] = Object.entries({ "--heads": heads, "--pool-head": poolHead })
    .find(([, value]) => value !== undefined) ?? [];
  if (needy !== undefined && !pools.includes("attention")) {
    throw new UserError(
      `Cannot use ${needy} as it weights the residues of --pool attention, which must be given: ` +
        `current value is ${pools.join(",") || "none"}`,
    );
  }
  const head = poolHead === undefined ? undefined : await readPoolHead(poolHead);
  // How long ones run is said by --long.
  const streamed = { ...flags, maxLength: Infinity };
  const proteins = table === undefined
    ? withoutColumns(await openProteins(streamed))
    : await openProteinTable(table, streamed);
  checkColumn(flags, proteins.columns);
  if (flags.map) checkMapped(flags.map, proteins.count);
  if (flags.search === undefined) return { ...proteins, head };
  const database = await openProteins({
    fasta: flags.search,
    gaps: flags.gaps,
    maxLength: Infinity,
  });
  return {
    ...{ ...proteins, head, database },
    notes: [...proteins.notes, ...database.notes.map((note) => `${flags.search}: ${note}`)],
  };
}

/** @throws {UserError} if nothing is drawn or compared without vectors, or the column is not there */
function checkColumn(
  { map, search, colourBy, pool: { pools } }: InputFlags,
  columns: readonly string[],
): void {
  const flag = map ? "--map" : "--search";
  if ((map || search !== undefined) && pools.length === 0) {
    throw new UserError(
      `Cannot use ${flag} as it compares vectors of proteins: --pool must name one beside none`,
    );
  }
  if (colourBy === undefined) return;
  if (!map) throw new UserError("Cannot use --colour-by as --map must be given with it");
  if (colourBy === LENGTH || columns.includes(colourBy)) return;
  throw new UserError(
    `Cannot use --colour-by as it must be ${LENGTH} or a column of --table: current value is ${
      quote(colourBy)
    }, columns are ${columns.length === 0 ? "none" : quote(columns.join(", "), 120)}`,
  );
}

/** What every protein can be coloured by. */
export const LENGTH = "length";

function withoutColumns(proteins: Awaited<ReturnType<typeof openProteins>>): TableProteins {
  return {
    ...proteins,
    columns: [],
    async *read() {
      for await (const protein of proteins.read()) yield { ...protein, fields: [] };
    },
  };
}
