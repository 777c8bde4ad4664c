import { AMINO_ACIDS } from "../letters.ts";
import type { ScoreMatrix } from "../matrix.ts";
import { bytesScript } from "../../report/bytes.ts";
import { zoomChoice } from "../../report/choice.ts";
import { key, legend } from "../../report/legend.ts";
import { jsonScript, type Markup, markup } from "../../report/markup.ts";
import { scaleFor, short } from "../../report/scale.ts";

const ZOOMS = [1, 2, 4, 8, 16];

/** The L × 20 matrix with two profiles under it; the page's script draws what is in view. */
export function variantMatrix(matrix: ScoreMatrix): Markup {
  const { target: { residues, offset, id }, scores, entropy } = matrix;
  const length = residues.length;
  const means = Float32Array.from({ length }, (_, i) => matrix.sensitivity(i + 1));
  const known = Array.from(scores).filter((score) => !Number.isNaN(score) && score !== 0);
  const scale = scaleFor(known, "diverging", 1);
  const ticks = [-1, -0.5, 0, 0.5, 1].map((share) => ({
    at: (share + 1) / 2,
    label: `${share === -1 && scale.cappedBelow ? "≤ " : ""}${
      share === 1 && scale.cappedAbove ? "≥ " : ""
    }${short(share * scale.cap)}`,
  }));
  const hasEntropy = entropy.some((value) => !Number.isNaN(value));
  const anyMissing = scores.some(Number.isNaN);
  return markup`<figure class="matrix">
<div class="matrix-frame"><div class="matrix-width"><canvas tabindex="0" role="img" aria-label="${id}: scores of 20 letters at ${length} residues; the arrow keys move a cursor"></canvas></div></div>
${zoomChoice(ZOOMS)}
<div class="matrix-notes">
${legend("Score of the mutation", scale, ticks)}
<div class="keys">${key("wild-key", "wild type")}${
    anyMissing && key("missing-key", "not computed")
  }</div>
<p class="hint">Where a pixel covers several residues it shows the score farthest from zero. Below the matrix: the mean score of a residue’s substitutions${
    hasEntropy && ", and the entropy of the 20 letters, which is at most ln 20 = 3 nats"
  }.</p>
<noscript><p>The matrix itself is drawn by a script, which is switched off; matrix.csv has the numbers.</p></noscript>
</div>
${
    jsonScript("matrix-facts", {
      residues,
      offset,
      letters: AMINO_ACIDS,
      cap: scale.cap,
      hasEntropy,
    })
  }${bytesScript("scores", scores)}${bytesScript("means", means)}${
    bytesScript("entropy", entropy)
  }</figure>
`;
}
