/** Results of single mutations, of which the page's script shows one at a time. */
import { choice } from "../../report/choice.ts";
import { type Content, type Markup, markup } from "../../report/markup.ts";
import { layersOf } from "../tables.ts";
import { mutationName, severalProteins } from "./sae_names.ts";
import type { MutationView } from "./sae_types.ts";

export interface Panel extends MutationView {
  /** What decides which mutations are drawn where there are too many. */
  weight: number;
  facts: Content;
  content: Content;
}

/** Panels of a page at most. */
export const MOST_PANELS = 60;

/** Mutations whose panels fit into the page at all layers: those with the largest weight at any. */
export function choosePanels<T extends MutationView>(
  results: readonly T[],
  weight: (result: T) => number,
): T[] {
  const key = ({ protein, mutation }: T) => `${protein.id}\n${mutation}`;
  const most = new Map<string, number>();
  for (const result of results) {
    most.set(key(result), Math.max(most.get(key(result)) ?? 0, weight(result)));
  }
  const count = Math.max(1, Math.floor(MOST_PANELS / layersOf(results).length));
  const kept = new Set(
    [...most].sort((a, b) => b[1] - a[1]).slice(0, count).map(([name]) => name),
  );
  return results.filter((result) => kept.has(key(result)));
}

/** @param all how many mutations there are, with those that are not drawn */
export function panels(title: string, list: readonly Panel[], all: number, file: string): Markup {
  const several = severalProteins(list);
  const names = [...new Set(list.map((panel) => mutationName(panel, several)))];
  const layers = layersOf(list);
  const strongest = list.reduce((a, b) => b.weight > a.weight ? b : a);
  const first = names.indexOf(mutationName(strongest, several));
  return markup`<section class="panels"><h2>${title}</h2>
${
    names.length < all &&
    markup`<p class="facts">The ${names.length} mutations with the largest effects of ${all}; ${file} has all.</p>`
  }
<div class="chooser" hidden>${
    names.length > 1 &&
    markup`<label>Mutation <select>${
      names.map((name, i) =>
        markup`<option value="${i}"${i === first && markup` selected`}>${name}</option>`
      )
    }</select></label>`
  }${
    layers.length > 1 &&
    choice(
      "Layer",
      "Layer",
      "layer",
      layers.map((layer) => ({ value: layer, label: layer })),
      strongest.layer,
    )
  }</div>
${
    list.map((panel) =>
      markup`<article data-mutation="${
        names.indexOf(mutationName(panel, several))
      }" data-layer="${panel.layer}">
<h3>${mutationName(panel, several)}${layers.length > 1 && `, layer ${panel.layer}`}</h3>
<p class="facts">${panel.facts}</p>
${panel.content}</article>
`
    )
  }</section>
`;
}
