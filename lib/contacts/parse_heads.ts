import { badValue } from "../cli/parsers.ts";
import type { HeadName } from "./predict.ts";

/** Heads as `layer:head`, separated by commas, both counted from 0. */
export function parseHeads(text: string, flag: string): HeadName[] {
  const found = new Map<string, HeadName>();
  for (const piece of text.split(",")) {
    const parts = /^\s*(\d{1,4})\s*:\s*(\d{1,4})\s*$/.exec(piece);
    if (!parts) throw badValue(flag, 'heads as layer:head such as "5:4,3:1"', text);
    const [layer, head] = [Number(parts[1]), Number(parts[2])];
    found.set(`${layer}:${head}`, { layer, head });
  }
  return [...found.values()];
}
