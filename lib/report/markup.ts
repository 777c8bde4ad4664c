/** HTML as values that are escaped by construction: only a template here can make markup. */

/** Markup that needs no further escaping. */
export class Markup {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

export type Content = Markup | string | number | null | undefined | false | Content[];

/** Builds markup; every inserted value that is not markup itself is escaped, lists are joined. */
export function markup(strings: TemplateStringsArray, ...values: Content[]): Markup {
  return new Markup(
    strings.map((text, i) => i === 0 ? text : render(values[i - 1]) + text).join(""),
  );
}

/** Escapes text for element contents and quoted attributes. */
export function escapeText(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F]/g, "\uFFFD")
    .replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

function render(content: Content): string {
  if (content === null || content === undefined || content === false) return "";
  if (content instanceof Markup) return content.text;
  if (Array.isArray(content)) return content.map(render).join("");
  return escapeText(String(content));
}
