/** Which autoencoders were read, and how well they stand in for the stream. */
import { type Markup, markup } from "../../report/markup.ts";
import { percent } from "./sae_names.ts";
import type { AutoencoderView } from "./sae_types.ts";
import { short } from "../../report/scale.ts";
import { scrollingTable } from "../../report/table.ts";

export function autoencoderTable(autoencoders: readonly AutoencoderView[]): Markup {
  const measured = autoencoders.find(({ quality }) => quality)?.quality;
  return markup`<section><h2>Autoencoders</h2>
${
    measured
      ? markup`<p class="facts">Measured on ${measured.residues} residues. Unexplained: variance of the stream that the reconstruction misses (0 is perfect). Loss recovered: 1 with the reconstruction as good as the stream itself, 0 with it no better than zeros; masked: of residues that the model must predict. Where these are poor, the latents say little about the model.</p>`
      : markup`<p class="facts">How well they stand in for the stream was not measured.</p>`
  }
${
    scrollingTable(
      "Autoencoders",
      [
        ...["Autoencoder", "Layer", "Latents", "k", "Active", "Unexplained", "Loss recovered"],
        ...["Masked", "Input"],
      ],
      autoencoders.map(({ name, layer, latents, k, normalisation, quality }) => [
        name,
        layer,
        latents,
        k ?? "all positive",
        quality ? short(quality.meanActive) : "–",
        quality ? percent(quality.fvu) : "–",
        quality ? percent(quality.lossRecovered) : "–",
        quality?.masked ? percent(quality.masked.lossRecovered) : "–",
        normalisation === "none" ? "as it is" : "normalised by token",
      ]),
    )
  }</section>
`;
}
