/**
 * The registry of commands: what the overview, every help, shells, `merge` and the tests of all commands
 * know. Each is `tasks/NAME.ts`; deno.json has a task and a set of permissions of its name.
 */

/** What a command may do; deno.json says it in Deno's terms, the same for all of one kind. */
export type Access =
  /** Opens models, which may be fetched, and writes results. */
  | "analysis"
  /** Opens models that are there, and writes nothing. */
  | "check"
  /** Fetches files into the cache. */
  | "download"
  /** Measures this machine. */
  | "measurement";

export interface CommandSummary {
  name: string;
  summary: string;
  example: string;
  access: Access;
}

export const commands = [
  {
    name: "analyze",
    summary: "Which attention heads look at a protein's sites more than chance allows",
    example: "deno task analyze --fasta data/a2a.fasta --sites L85,Q89,W246",
    access: "analysis",
  },
  {
    name: "score",
    summary: "What every mutation of a protein does, as far as ESM-2 can tell without training",
    example: "deno task score --sequence MKTAYIAKQR --mutations K2R,T3A:A4G",
    access: "analysis",
  },
  {
    name: "contacts",
    summary: "Which residues touch, and how the model knows",
    example: "deno task contacts --sequence NLYIQWLKDGGPSSGRPPPS --method jacobian",
    access: "analysis",
  },
  {
    name: "fold",
    summary: "Structures of proteins from one sequence each (ESMFold), and what changes them",
    example: "deno task fold --model esmfold_v1 --fasta data/sis1.fasta",
    access: "analysis",
  },
  {
    name: "embed",
    summary: "Vectors of proteins and residues from any layer of the model",
    example: "deno task embed --fasta data/a2a.fasta --layers all --pool mean,cls",
    access: "analysis",
  },
  {
    name: "lens",
    summary: "What each layer already knows: the logit lens and the tuned lens",
    example: "deno task lens --sequence NLYIQWLKDGGPSSGRPPPS --mutations W6G",
    access: "analysis",
  },
  {
    name: "mlm",
    summary: "How well hidden residues are said, and training on them",
    example: "deno task mlm",
    access: "analysis",
  },
  {
    name: "probe",
    summary: "What the layers know: linear probes of the frozen model, against baselines",
    example: "deno task probe --table proteins.csv --label location",
    access: "analysis",
  },
  {
    name: "finetune",
    summary: "Teach a model with labels: its head, an adapter (LoRA), or every weight",
    example: "deno task finetune --table proteins.csv --label location --mode frozen,lora",
    access: "analysis",
  },
  {
    name: "sae",
    summary: "What sparse autoencoders find inside ESM-2, and what their latents cause",
    example: "deno task sae encode --fasta data/a2a.fasta",
    access: "analysis",
  },
  {
    name: "merge",
    summary: "Put the shards of a run together",
    example: "deno task merge parts",
    access: "analysis",
  },
  {
    name: "verify",
    summary: "Does a model on this machine give the published numbers?",
    example: "deno task verify --model esm2_t6_8M_UR50D",
    access: "check",
  },
  {
    name: "bench",
    summary: "Measure kernels, forward passes and analyses, and compare with an earlier run",
    example: "deno task bench --quick",
    access: "measurement",
  },
  {
    name: "fetch",
    summary: "Download an ESM-2 checkpoint or a sparse autoencoder to the model cache",
    example: "deno task fetch esm2_t6_8M_UR50D",
    access: "download",
  },
] as const satisfies readonly CommandSummary[];

/** What the registry says of a command, for its definition. */
export function about(name: typeof commands[number]["name"]): { name: string; summary: string } {
  const { summary } = commands.find((one) => one.name === name)!;
  return { name, summary };
}
