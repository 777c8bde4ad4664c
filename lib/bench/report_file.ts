/** Reading and checking a report that an earlier run wrote. */
import { quote, UserError } from "../errors.ts";
import { readText } from "../io/text.ts";
import { type BenchReport, SCHEMA } from "./types.ts";

/** @throws {UserError} if the file is no report of this version */
export async function readReport(path: string): Promise<BenchReport> {
  const text = await readText(path);
  let report: Partial<BenchReport> | null;
  try {
    report = JSON.parse(text);
  } catch {
    throw new UserError(`Cannot compare with ${quote(path, 200)} as it must be JSON: it is not`);
  }
  if (typeof report !== "object" || report?.schema !== SCHEMA) {
    throw new UserError(
      `Cannot compare with ${quote(path, 200)} as its schema must be ${quote(SCHEMA)}: ` +
        `current value is ${quote(report?.schema ?? "none")}`,
    );
  }
  if (!Array.isArray(report.kernels) || !Array.isArray(report.models) || !report.machine) {
    throw new UserError(
      `Cannot compare with ${quote(path, 200)} as it must be whole: kernels, models or machine ` +
        "is missing",
    );
  }
  return report as BenchReport;
}
