/** Our own files: InterProt's tensors, and in the header what they lack (`writeSae`). */
import { quote, UserError } from "../../errors.ts";
import { SAE_FORMAT } from "../write.ts";
import type { SaeFile, SaeFormat } from "./format.ts";
import { readInterprotWeights } from "./interprot.ts";

export const esmscope: SaeFormat = {
  name: "esmscope",
  recognises: ({ metadata }) => metadata.format === SAE_FORMAT,
  async read(stored, { layers }): Promise<SaeFile> {
    const { label, metadata } = stored;
    const fail = (key: string, rule: string): never => {
      throw new UserError(
        `Cannot read ${label} as ${key} in its header must be ${rule}: current value is ` +
          (metadata[key] === undefined ? "absent" : quote(metadata[key])),
      );
    };
    const whole = (key: string) =>
      /^\d{1,6}$/.test(metadata[key] ?? "") ? Number(metadata[key]) : fail(key, "a whole number");
    const { normalisation, after_final_norm: normed } = metadata;
    if (normalisation !== "zscore" && normalisation !== "rms" && normalisation !== "none") {
      return fail("normalisation", '"zscore", "rms" or "none"');
    }
    if (normed !== "true" && normed !== "false") fail("after_final_norm", '"true" or "false"');
    const depth = whole("layer");
    if (normed === "true" && depth !== layers) {
      fail("after_final_norm", `"false" unless layer is the model's last, ${layers}`);
    }
    return {
      ...await readInterprotWeights(stored),
      depth,
      normalisation,
      ...(metadata.k !== undefined && { k: { value: whole("k"), from: "file" } }),
      afterFinalNorm: (chosen) => normed === "true" && chosen === depth,
    };
  },
};
