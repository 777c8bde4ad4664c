/** Whether proteins can run at their length, told before anything runs. */
import type { Esm2Config } from "../checkpoint/mod.ts";
import { quote, UserError } from "../errors.ts";
import { displayLetters, type Esm2, headGroups, type Sequence } from "../esm2/mod.ts";
import { availableMemory } from "../io/memory.ts";
import type { EmbedPlan } from "./embed.ts";
import { bytesOf, type Part } from "./units.ts";

/** What a record of finished work can hold. */
const MOST_RECORD = 2 ** 32 - 2 ** 16;

/**
 * Bytes that a pass of one protein takes on a host besides the weights: the attention of one head, twice,
 * and six activations as wide as the feed-forward part (8M and 650M at 2000 to 8000 tokens, to 20 %).
 */
const hostBytes = (tokens: number, { ffn }: Esm2Config) => 4 * (2 * tokens ** 2 + 6 * tokens * ffn);

/**
 * @param available bytes of memory; nothing is refused where nobody can tell
 * @throws {UserError} naming the longest protein, if it cannot run as the plan says
 */
export async function checkFits(
  { config, backend }: Pick<Esm2, "config" | "backend">,
  proteins: { longest: number; read(): AsyncIterable<Sequence> },
  { long = "full", window }: Pick<EmbedPlan, "long" | "window">,
  parts: readonly Part[],
  available: number = backend.gpu ? Infinity : availableMemory() ?? Infinity,
): Promise<void> {
  const { longest } = proteins, isCut = long !== "full" && window !== undefined;
  const tokens = 2 + (isCut ? Math.min(longest, window) : longest);
  const kept = bytesOf(parts, long === "truncate" ? tokens - 2 : longest);
  const refuse = async (requirement: string, value: string) => {
    let id = "";
    for await (const one of proteins.read()) {
      if (displayLetters(one.residues).length !== longest) continue;
      id = one.id;
      break;
    }
    const advice = isCut ? "a smaller --window" : "--long windows";
    throw new UserError(
      `Cannot embed ${quote(id)} of ${longest} residues as ${requirement}: ` +
        `current value is ${value}; ${advice} needs less`,
    );
  };
  const mib = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`;
  const largest = Math.max(0, ...parts.map((part) => bytesOf([part], longest)));
  if (largest > MOST_RECORD) {
    await refuse(`one array of a protein must be at most ${mib(MOST_RECORD)}`, mib(largest));
  }
  if (backend.tensorLimit.hard) {
    try {
      headGroups(config, 1, tokens, backend.tensorLimit);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const need = Math.max(4 * tokens ** 2, 4 * tokens * config.ffn);
      await refuse(
        `a tensor must be at most ${mib(backend.tensorLimit.bytes)} on this device`,
        mib(need),
      );
    }
  }
  // What is kept is put together and packed.
  const needed = hostBytes(tokens, config) + 3 * kept;
  if (needed > available) {
    await refuse(`a pass of it must fit ${mib(available)} of memory`, mib(needed));
  }
}
