/**
 * ESM-2's alphabet of 33 tokens (facebookresearch/esm `esm/data.py`, alphabet "ESM-1b").
 *
 * Residue i (1-based) of a sequence is token i (0-based), because `<cls>` is token 0.
 */
export const TOKENS: readonly string[] = [
  ..."<cls> <pad> <eos> <unk>".split(" "),
  ..."LAGVSERTIDPKQNFYMHWCXBUZO.-",
  "<null_1>",
  "<mask>",
];

export const CLS = 0, PAD = 1, EOS = 2, MASK = 32;

/** First token of the 20 standard amino acids and the one after the last: L A G V … H W C. */
export const AMINO_ACIDS_BEGIN = 4, AMINO_ACIDS_END = 24;

/** Letters that stand for one residue each, `<mask>` excluded. */
export const LETTERS: ReadonlyMap<string, number> = new Map(
  TOKENS.map((token, id) => [token, id] as const).filter(([token]) => token.length === 1),
);
