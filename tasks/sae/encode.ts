/** Which latents of a sparse autoencoder fire on which residues. */
import { defineCommand } from "../../lib/cli/command.ts";

export const command = defineCommand({
  name: "encode",
  summary: "Which latents of a sparse autoencoder fire on which residues",
  options: {},
  examples: [],
  run: () => {
    throw new Error("sae encode is not written yet");
  },
});
