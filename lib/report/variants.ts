import type { Performance } from "../variants/evaluate.ts";
import type { ScoreMatrix } from "../variants/matrix.ts";
import type { SampleCollector } from "../variants/samples.ts";

export interface VariantReport {
  title: string;
  subtitle: string;
  notes: string[];
  matrix: ScoreMatrix;
  performance: Performance[];
  samples: SampleCollector;
  labels: { score: string; measured: string };
  provenance: Record<string, unknown>;
}
export function renderVariantReport(report: VariantReport): string {
  return `<!doctype html>${report.title}`;
}
