/** Gaps that an alignment has left in a sequence. */

const GAPS = /[-.]/g;

/** A protein without gaps, and how many there were: residues are numbered without them. */
export function withoutGaps<T extends { residues: string }>(protein: T): [T, gaps: number] {
  const residues = protein.residues.replace(GAPS, "");
  const gaps = protein.residues.length - residues.length;
  return gaps === 0 ? [protein, 0] : [{ ...protein, residues }, gaps];
}

/** The same for one protein whose reader is told so. */
export function ungapped<T extends { id: string; residues: string }>(
  protein: T,
  notes: string[],
): T {
  const [found, gaps] = withoutGaps(protein);
  if (gaps > 0) notes.push(gapNote(protein.id, gaps));
  return found;
}

/** What to say of removed gaps. */
export const gapNote = (whose: string, gaps: number): string =>
  `${whose}: ${gaps} gap${gaps === 1 ? " (- or .) is" : "s (- or .) are"} removed; residues are ` +
  "numbered without them.";
