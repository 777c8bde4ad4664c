import { type Markup, markup } from "./markup.ts";

/** What made the results, as name and value; nested records become dotted names. */
export function provenanceTable(provenance: Record<string, unknown>): Markup {
  return markup`<table class="provenance"><tbody>${
    flatten(provenance).map(([name, value]) =>
      markup`
<tr><th scope="row">${name}</th><td>${value}</td></tr>`
    )
  }
</tbody></table>
`;
}

/** A record as dotted names and texts. */
export function flatten(value: unknown, name = ""): [string, string][] {
  if (Array.isArray(value) && value.every((each) => typeof each !== "object" || each === null)) {
    return [[name, value.map(text).join(", ")]];
  }
  if (typeof value !== "object" || value === null || value instanceof Date) {
    return [[name, text(value)]];
  }
  return Object.entries(value).flatMap(([key, each]) =>
    flatten(each, name === "" ? key : `${name}.${key}`)
  );
}

function text(value: unknown): string {
  if (value === null || value === undefined) return "none";
  return value instanceof Date ? value.toISOString() : String(value);
}
