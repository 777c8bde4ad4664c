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
    example: "deno task analyze --fasta data/a2a.fasta --sites L85,Q89,W246",
  },
  {
    name: "score",
    summary: "Score what mutations do, from the sequence alone",
    example: "deno task score --sequence MKTAYIAKQR --mutations K2R,T3A:A4G",
  },
  {
    name: "contacts",
    summary: "Predict which residues touch, and find out how the model knows",
    example: "deno task contacts --sequence NLYIQWLKDGGPSSGRPPPS --method jacobian",
  },
  {
    name: "sae",
    summary: "Find the sparse features inside, and what each of them causes",
    example: "deno task sae encode --fasta data/a2a.fasta",
  },
  {
    name: "merge",
    summary: "Put the shards of a run together",
    example: "deno task merge parts",
  },
  {
    name: "verify",
    summary: "Check a model against published numbers",
    example: "deno task verify --model esm2_t6_8M_UR50D",
  },
  {
    name: "bench",
    summary: "Measure kernels, forward passes and analyses on this machine",
    example: "deno task bench --quick",
  },
  {
    name: "fetch",
    summary: "Download an ESM-2 checkpoint to the model cache",
    example: "deno task fetch esm2_t6_8M_UR50D",
  },
];
