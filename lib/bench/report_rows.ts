/** What commands do of a protein from its passes to the page, on top of the passes that they need. */
import { examples } from "../../data/examples.ts";
import type { Backend } from "../backend/mod.ts";
import { randomCheckpoint, SHAPES } from "../checkpoint/random.ts";
import { AttentionContacts } from "../contacts/attention_contacts.ts";
import { renderContactReport } from "../contacts/report/report.ts";
import { contactRows } from "../contacts/tables.ts";
import { Esm2, padBatch, type PlannedBatch, tokenize } from "../esm2/mod.ts";
import { packUnit, unpackUnit } from "../run/codec.ts";
import { analyzeSites } from "../sites/analyze.ts";
import { parseSites } from "../sites/parse_sites.ts";
import { renderSiteReport } from "../sites/report/mod.ts";
import { mapsPerProtein } from "../sites/score.ts";
import type { ProteinResult } from "../sites/types.ts";
import { idsOf, positionGroups } from "../variants/matrix.ts";
import { QueryRunner } from "../variants/runner.ts";
import { enginePass } from "./passes.ts";
import type { AnalysisRow } from "./types.ts";
import { warmAnalysis, type WarmOptions } from "./warm_analysis.ts";

const { a2a } = examples, SUBJECT = `8M shape, A2A, ${a2a.residues.length} residues`;

/** A page needs no record of a run to be timed. */
const RUN = { record: {}, input: "", options: "", files: [] };

/** Opens the 8M shape and the example, and times what `make` gives. */
async function example(
  backend: Backend,
  options: WarmOptions,
  command: string,
  make: (model: Esm2, batch: PlannedBatch, owned: AsyncDisposableStack) => Promise<
    { plain(): Promise<unknown>; analysis(): Promise<unknown> }
  >,
): Promise<AnalysisRow> {
  using checkpoint = randomCheckpoint("8M", SHAPES["8M"]);
  await using model = await Esm2.open(checkpoint, backend);
  await using owned = new AsyncDisposableStack();
  const batch = { ...padBatch([tokenize(a2a)]), members: [0] };
  return await warmAnalysis(backend, {
    ...{ command, subject: SUBJECT },
    yardstick: { config: model.config, tokens: batch.width },
    ...await make(model, batch, owned),
  }, options);
}

/** Attention to sites with the maps of the best heads, stored and drawn, against a pass that sums it. */
export const warmSiteReportRow = (backend: Backend, options: WarmOptions): Promise<AnalysisRow> =>
  example(backend, options, "analyze, with its page", (model, batch) => {
    const sites = parseSites(a2a.siteSets.published.sites.join(), a2a, "published");
    const protein = { id: a2a.id, residues: a2a.residues, sites };
    const maps = mapsPerProtein([a2a.residues.length]), { signal } = options;
    return Promise.resolve({
      plain: () => enginePass(model, batch, "reduced"),
      async analysis() {
        const { proteins: [found] } = await analyzeSites(model, [protein], { maps, signal });
        const read = unpackUnit<ProteinResult>(packUnit(found).slice());
        return renderSiteReport({ notes: [], proteins: [read], run: RUN });
      },
    });
  });

/** The contact head's map with its table, stored and drawn, against the pass that it needs. */
export const warmContactReportRow = (
  backend: Backend,
  options: WarmOptions,
): Promise<AnalysisRow> =>
  example(backend, options, "contacts, with its page", async (model, batch, owned) => {
    const { layers, heads } = model.config, { id, residues } = a2a;
    const weights = Float32Array.from({ length: layers * heads }, (_, i) => Math.sin(i));
    const contacts = owned.use(await AttentionContacts.create(model, weights, -1));
    return {
      plain: () => contacts.run(batch, options),
      async analysis() {
        const [map] = await contacts.run(batch, options);
        const result = { id, residues, map: unpackUnit<Float32Array>(packUnit(map).slice()) };
        contactRows(result, 2);
        const drawn = { notes: [], results: [result], drawn: [result], run: RUN };
        return await renderContactReport({ ...drawn, method: "head" });
      },
    };
  });

/** Every mutation scored from one look at the protein, against a pass of it. */
export const warmMarginalsRow = (backend: Backend, options: WarmOptions): Promise<AnalysisRow> =>
  example(backend, options, "score, wild-type marginals", (model, batch) => {
    const target = { id: a2a.id, residues: a2a.residues, offset: 1 };
    const runner = new QueryRunner(model, { kind: "full", signal: options.signal });
    const ids = idsOf(target.id, target.residues);
    const all = Array.from(target.residues, (_, i) => i + 1);
    const [{ queries }] = positionGroups(target, all, false, ids.length, runner.tokenBudget);
    return Promise.resolve({
      plain: () => enginePass(model, batch, "none"),
      analysis: () => runner.run(queries),
    });
  });
