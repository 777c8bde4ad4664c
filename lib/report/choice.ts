import { type Content, type Markup, markup } from "./markup.ts";

export interface Option {
  /** What the script reads. */
  value: string | number;
  label: Content;
}

/** A row of buttons of which one is pressed; the page's script reads `data-<name>`. */
export function choice(
  title: string,
  caption: string,
  name: string,
  options: readonly Option[],
  pressed: Option["value"],
): Markup {
  return markup`<div class="zoom" role="group" aria-label="${title}"><span>${caption}</span>${
    options.map(({ value, label }) =>
      markup`<button type="button" data-${name}="${value}" aria-pressed="${
        String(value === pressed)
      }">${label}</button>`
    )
  }</div>`;
}

/** Buttons that enlarge a map. */
export function zoomChoice(zooms: readonly number[]): Markup {
  const options = zooms.map((zoom) => ({ value: zoom, label: `${zoom}×` }));
  return choice("Zoom", "Zoom", "zoom", options, 1);
}
