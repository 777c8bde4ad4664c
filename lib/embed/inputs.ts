/** Which proteins to embed, and what their table says of them. */
import { UserError } from "../errors.ts";
import { openProteins, type StreamFlags } from "../proteins/read.ts";
import { openProteinTable, type TableProteins } from "../proteins/table_stream.ts";
import { contradict } from "../proteins/read.ts";
import type { HeadName } from "../contacts/predict.ts";
import type { PoolList } from "./places.ts";
import { type PoolHead, readPoolHead } from "./pool_head.ts";

export interface InputFlags extends Omit<StreamFlags, "maxLength"> {
  table?: string;
  pool: PoolList;
  heads?: readonly HeadName[];
  poolHead?: string;
}

/** Proteins, and the trained pool where one is named. */
export interface EmbedInputs extends TableProteins {
  readonly head?: PoolHead;
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
  return { ...proteins, head };
}

function withoutColumns(proteins: Awaited<ReturnType<typeof openProteins>>): TableProteins {
  return {
    ...proteins,
    columns: [],
    async *read() {
      for await (const protein of proteins.read()) yield { ...protein, fields: [] };
    },
  };
}
