/** Contacts on top of forward passes of the same tokens. */
import type { Backend } from "../backend/mod.ts";
import { jacobianContacts } from "../contacts/jacobian.ts";
import { AttentionContacts } from "../contacts/attention_contacts.ts";
import { Esm2 } from "../esm2/mod.ts";
import { openModel } from "../hub/open_model.ts";
import { passFlops } from "./gemm_ceiling.ts";
import { enginePass } from "./passes.ts";
import { randomCheckpoint, SHAPES } from "../checkpoint/random.ts";
import { randomBatch } from "./sequences.ts";
import type { AnalysisRow } from "./types.ts";
import { warmAnalysis, type WarmOptions } from "./warm_analysis.ts";

/** The contact head over all heads of the 8M shape, at the length of the other rows. */
export async function warmContactsRow(
  backend: Backend,
  options: WarmOptions,
): Promise<AnalysisRow> {
  using checkpoint = randomCheckpoint("8M", SHAPES["8M"]);
  await using model = await Esm2.open(checkpoint, backend);
  const { layers, heads } = model.config;
  const weights = Float32Array.from({ length: layers * heads }, (_, i) => Math.sin(i));
  await using contacts = await AttentionContacts.create(model, weights, -1);
  const batch = randomBatch(412, 1);
  return await warmAnalysis(backend, {
    command: "contacts --method head",
    subject: "8M shape, 412 residues",
    yardstick: { config: model.config, tokens: batch.width },
    plain: () => enginePass(model, batch, "none"),
    analysis: () => contacts.run(batch, options),
  }, options);
}

/** Residues; the embedded model takes seconds for the 1 + 19 · 100 sequences of their Jacobian. */
const RESIDUES = 100;

/** The categorical Jacobian against plain passes of as many sequences of the same length. */
export async function warmJacobianRow(
  backend: Backend,
  options: WarmOptions,
): Promise<AnalysisRow> {
  using opened = await openModel(undefined);
  await using model = await Esm2.open(opened.checkpoint, backend, { prepack: {} });
  const { ids } = randomBatch(RESIDUES, 1);
  const rows = Array.from({ length: 1 + 19 * RESIDUES }, () => ids);
  const plain = model.planBatches(rows);
  return await warmAnalysis(backend, {
    command: "contacts --method jacobian",
    subject: `embedded model, ${RESIDUES} residues`,
    yardstick: { config: model.config, tokens: plain[0].size * plain[0].width },
    async plain() {
      for (const batch of plain) await enginePass(model, batch, "none");
    },
    analysis: () => jacobianContacts(model, ids, { signal: options.signal }),
    flops: rows.length * passFlops(model.config, ids.length),
  }, options);
}
