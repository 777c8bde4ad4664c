/** Opens an assay file for verification. */
import { parseRecord } from "../io/csv.ts";
import { openTable } from "../io/csv_stream.ts";
import { PROTEINGYM_COLUMNS } from "../proteins/options.ts";
import { readInputs } from "./inputs.ts";
import type { AssayInput } from "./verify.ts";

/** The column that holds published 650M masked-marginal scores. */
const SCORE_COLUMN = "ESM2_score";

/**
 * An assay of ProteinGym with its target; a suffix such as `_ESM2_scored` is not part of its name.
 *
 * @throws {UserError} if the file cannot be read as an assay
 */
export async function openPublishedAssay(
  path: string,
  reference: string | undefined,
): Promise<AssayInput & { path: string }> {
  const { target, source } = await readInputs({
    ...PROTEINGYM_COLUMNS,
    assay: path,
    reference,
    offset: 1,
  });
  const { delimiter, columns } = await openTable(path, { required: ["DMS_score"] });
  const column = columns.indexOf(SCORE_COLUMN);
  const name = path.replace(/^.*[/\\]/, "").replace(/\.csv$/i, "").replace(/_ESM2_scored$/, "");
  return {
    path,
    name,
    target,
    source,
    ...(column >= 0 && {
      publishedScore: (raw: string) => {
        const text = parseRecord(raw, delimiter, path, 0)[column];
        return text === "" ? NaN : Number(text);
      },
    }),
  };
}
