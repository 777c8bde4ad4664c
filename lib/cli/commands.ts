/** The commands that `deno task esmscope` lists. */

export interface CommandSummary {
  name: string;
  summary: string;
  example: string;
}

export const commands: readonly CommandSummary[] = [
  {
    name: "analyze",
    summary: "Find the attention heads that look at a protein's sites more than chance allows",
    example: "deno task analyze --fasta protein.fasta --sites L85,Q89,W246",
  },
  {
    name: "fetch",
    summary: "Download an ESM-2 checkpoint to the model cache",
    example: "deno task fetch esm2_t6_8M_UR50D",
  },
];
