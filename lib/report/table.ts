import { type Content, type Markup, markup } from "./markup.ts";

/** A table that scrolls sideways where it is too wide; its first column is text, its last where `lastIsText`. */
export function scrollingTable(
  label: string,
  head: readonly Content[],
  rows: readonly (readonly Content[])[],
  lastIsText = true,
): Markup {
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table class="overview${
    !lastIsText && " figures"
  }"><thead><tr>${head.map((name) => markup`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${
    rows.map((cells) =>
      markup`
<tr>${cells.map((cell) => markup`<td>${cell}</td>`)}</tr>`
    )
  }
</tbody></table></div>
`;
}
