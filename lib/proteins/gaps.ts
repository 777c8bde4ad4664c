/** Gaps that an alignment has left in a sequence. */

const GAPS = /[-.]/g;

export const GAP_CHOICES = ["remove", "keep"] as const;
/** Whether gaps are no residues, or tokens that the model reads. */
export type GapChoice = typeof GAP_CHOICES[number];

/**
 * A protein without gaps, and how many there were: residues are numbered without them. White space of a
 * wrapped text and the `*` that closes a translation go as well, and are no gaps.
 */
export function withoutGaps<T extends { residues: string }>(
  protein: T,
  choice: GapChoice = "remove",
): [T, gaps: number] {
  const written = protein.residues.replace(/\s+/g, "").replace(/\*$/, "");
  const residues = choice === "keep" ? written : written.replace(GAPS, "");
  const gaps = written.length - residues.length;
  return residues === protein.residues ? [protein, 0] : [{ ...protein, residues }, gaps];
}

/** The same for one protein whose reader is told so. */
export function ungapped<T extends { id: string; residues: string }>(
  protein: T,
  notes: string[],
  choice?: GapChoice,
): T {
  const [found, gaps] = withoutGaps(protein, choice);
  if (gaps > 0) notes.push(gapNote(protein.id, gaps));
  return found;
}

/** What to say of removed gaps. */
export const gapNote = (whose: string, gaps: number): string =>
  `${whose}: ${gaps} gap${gaps === 1 ? " (- or .) is" : "s (- or .) are"} removed; residues are ` +
  "numbered without them.";
