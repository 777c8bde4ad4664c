/** The layouts of autoencoder files; where two would recognise a file, the first of them reads it. */
import { dictionaryLearning } from "./dictionary_learning.ts";
import { esmscope } from "./esmscope.ts";
import type { SaeFormat } from "./format.ts";
import { interplm } from "./interplm.ts";
import { interprot } from "./interprot.ts";
import { openai } from "./openai.ts";
import { saelens } from "./saelens.ts";
import { sparsify } from "./sparsify.ts";

export const formats: readonly SaeFormat[] = [
  esmscope,
  interprot,
  openai,
  sparsify,
  saelens,
  dictionaryLearning,
  interplm,
];
