/** Which autoencoders were read, and how well they stand in for the stream. */
import { percent, short } from "../../report/client/numbers.js";
import { type Markup, markup } from "../../report/markup.ts";
import { plural } from "./names.ts";
import { plainTable } from "./overview.ts";
import type { AutoencoderView } from "./types.ts";

/** A folded table whose summary says the least of it. */
export function autoencoders(list: readonly AutoencoderView[]): Markup {
  const found = list.find(({ quality }) => quality)?.quality;
  return markup`<details><summary>${plural(list.length, "autoencoder")} <span>${
    found
      ? `loss recovered ${percent(Math.min(...list.map(recovered)))}${
        list.length > 1 ? " or more" : ""
      }, measured on ${plural(found.residues, "residue")}`
      : "how well they stand in for the stream was not measured"
  }</span></summary><div class="inside">
${
    plainTable(
      [
        ...["Autoencoder", "Layer", "Latents", "k", "Active", "Unexplained", "Loss recovered"],
        ...["Masked", "Input"],
      ],
      list.map(({ name, layer, latents, k, normalisation, quality }) => [
        name,
        layer,
        latents,
        k ?? "all positive",
        quality ? short(quality.meanActive) : "–",
        quality ? percent(quality.fvu, 1) : "–",
        quality ? percent(quality.lossRecovered, 1) : "–",
        quality?.masked ? percent(quality.masked.lossRecovered, 1) : "–",
        normalisation === "none" ? "as it is" : "normalised by token",
      ]),
    )
  }<p class="caption">Unexplained: variance of the stream that the reconstruction misses (0 is perfect). Loss recovered: 1 with the reconstruction as good as the stream itself, 0 with it no better than zeros; masked: of residues that the model must predict. Where these are poor, the latents say little about the model.</p></div></details>
`;
}

const recovered = ({ quality }: AutoencoderView) => quality?.lossRecovered ?? Infinity;
