/** One category of an mmCIF file (a loop or single items), read as the CIF 1.1 syntax has it. */

/** Rows by item name (lower case, without the category); `.` and `?` are "". */
export type CifRow = Record<string, string>;

/**
 * Rows of a category such as `struct_conf`; none where the file has none.
 *
 * Only the part of the text that holds the category is read: atom tables are large.
 */
export function cifCategory(text: string, category: string): CifRow[] {
  const prefix = `_${category}.`.toLowerCase();
  const begin = new RegExp(`(^|\\s)(loop_\\s+(?:#.*\\s+)*)?_${category}\\.`, "im").exec(text);
  if (!begin) return [];
  const isLoop = begin[2] !== undefined;
  const names: string[] = [], values: string[] = [];
  const rows: CifRow[] = [];
  let item: string | undefined;
  for (const { word, quoted } of words(text, begin.index + begin[0].length - prefix.length)) {
    const lower = word.toLowerCase();
    if (!quoted && lower.startsWith(prefix) && values.length === 0) {
      item = lower.slice(prefix.length);
      names.push(item);
      continue;
    }
    // Another category, loop or block ends this one.
    if (!quoted && /^(_|loop_$|data_|save_|stop_$|global_$)/.test(lower)) break;
    const value = !quoted && (word === "." || word === "?") ? "" : word;
    if (isLoop) values.push(value);
    else if (item !== undefined) (rows[0] ??= {})[item] = value;
  }
  for (let at = 0; at + names.length <= values.length; at += names.length) {
    rows.push(Object.fromEntries(names.map((name, i) => [name, values[at + i]])));
  }
  return rows;
}

/** Words from a place on: bare, in quotes, or a text between lines that begin with a semicolon. */
function* words(text: string, from: number): Generator<{ word: string; quoted: boolean }> {
  const pattern =
    /(?<=^|[\r\n]);([^]*?)[\r\n];|'((?:[^'\r\n]|'(?=\S))*)'(?=\s|$)|"((?:[^"\r\n]|"(?=\S))*)"(?=\s|$)|#.*|\S+/gy;
  const space = /\s*/y;
  for (let at = from; at < text.length;) {
    space.lastIndex = at;
    space.exec(text);
    pattern.lastIndex = space.lastIndex;
    const found = pattern.exec(text);
    if (!found) return;
    at = pattern.lastIndex;
    const quoted = found[1] ?? found[2] ?? found[3];
    if (quoted !== undefined) yield { word: quoted, quoted: true };
    else if (!found[0].startsWith("#")) yield { word: found[0], quoted: false };
  }
}
