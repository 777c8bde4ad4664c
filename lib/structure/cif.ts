/**
 * Categories of an mmCIF file, read as the syntax of CIF 1.1 has it (Hall, Allen and Brown 1991,
 * 10.1107/S010876739101067X): words may stand on any line, in quotes or between lines that begin with a
 * semicolon. Own code, since of the libraries at hand none reads tables whose rows are broken over lines.
 */

/** A category: a table, or one row where the file has single items. */
export interface CifTable {
  readonly rows: number;
  has(item: string): boolean;
  /** A value by item (lower case, without the category) and row; "" for `.`, `?` and no such item. */
  value(item: string, row: number): string;
}

/** Categories by name (lower case), of the block that holds the atoms. */
export type CifBlock = ReadonlyMap<string, CifTable>;

/** A file that does not follow the syntax, or ends too early. */
export class CifError extends Error {}

/** The table of a category, empty where the file has none. */
export const tableOf = (block: CifBlock, category: string): CifTable =>
  block.get(category) ?? { rows: 0, has: () => false, value: () => "" };

/**
 * Reads some categories of a text; of several data blocks the first that has the first of them.
 *
 * @throws {CifError} if a row, a quoted text or an item is not whole
 */
export function parseCif(text: string, [first, ...more]: readonly string[]): CifBlock {
  const wanted = new Set([first, ...more]), words = new Words(text);
  let block = new Map<string, { names: string[]; values: string[]; single: boolean }>();
  const categoryOf = (tag: string) => tag.slice(1).split(".", 1)[0];
  let going = words.next(), isBegun = false;
  while (going) {
    const lower = words.quoted ? "" : words.text.toLowerCase();
    if (lower.startsWith("data_")) {
      if (block.has(first)) break;
      // What stands before the first block belongs to it.
      if (isBegun) block = new Map();
      isBegun = true;
    }
    if (lower === "loop_") {
      const tags: string[] = [], begin = words.line;
      while ((going = words.next()) && words.isTag) tags.push(words.text.toLowerCase());
      if (tags.length === 0) throw new CifError(`the loop_ in line ${begin} must have items`);
      const category = categoryOf(tags[0]), values: string[] = [];
      const isWanted = wanted.has(category);
      let count = 0;
      for (; going && !words.isKeyword; going = words.next(), count++) {
        if (isWanted) values.push(words.value);
      }
      if (count % tags.length !== 0) {
        throw new CifError(
          `rows of _${category} must have ${tags.length} values: the last, which ends before line ` +
            `${words.line}, has ${count % tags.length}; the file may be cut off`,
        );
      }
      if (isWanted) block.set(category, { names: namesOf(tags), values, single: false });
      continue;
    }
    if (words.isTag) {
      const tag = lower, category = categoryOf(tag);
      if (!words.next() || words.isKeyword) {
        throw new CifError(`${tag} must have a value; the file may be cut off`);
      }
      if (wanted.has(category)) {
        const found = block.get(category) ?? { names: [], values: [], single: true };
        block.set(category, found);
        found.names.push(...namesOf([tag]));
        found.values.push(words.value);
      }
    }
    going = words.next();
  }
  return new Map(
    [...block].map(([category, { names, values }]) => {
      const columns = new Map(names.map((name, i) => [name, i]));
      return [category, {
        rows: values.length / names.length,
        has: (item: string) => columns.has(item),
        value(item: string, row: number) {
          const column = columns.get(item);
          return column === undefined ? "" : values[row * names.length + column];
        },
      }];
    }),
  );
}

const namesOf = (tags: readonly string[]) => tags.map((tag) => tag.slice(tag.indexOf(".") + 1));

const NEWLINE = 10, RETURN = 13, SPACE = 32, HASH = 35, SEMICOLON = 59;
const QUOTES = [39, 34];
const isSpace = (code: number) => code <= SPACE || code === 0xfeff;

/** The words of a text, one after another. */
class Words {
  text = "";
  quoted = false;
  /** Line of the last word, from 1. */
  line = 1;
  #at = 0;

  constructor(readonly source: string) {}

  /** What the word stands for as a value. */
  get value(): string {
    return !this.quoted && (this.text === "." || this.text === "?") ? "" : this.text;
  }

  get isTag(): boolean {
    return !this.quoted && this.text.startsWith("_");
  }

  /** Whether the word cannot be a value. */
  get isKeyword(): boolean {
    return !this.quoted &&
      /^(_|loop_$|data_|save_|stop_$|global_$)/i.test(this.text);
  }

  /** Goes to the next word; false at the end. */
  next(): boolean {
    const { source } = this;
    let at = this.#at, startsLine = at === 0;
    for (; at < source.length; at++) {
      const code = source.charCodeAt(at);
      if (code === NEWLINE || code === RETURN) {
        if (code === NEWLINE || source.charCodeAt(at + 1) !== NEWLINE) this.line++;
        startsLine = true;
      } else if (code === HASH) {
        while (at + 1 < source.length && !isLineEnd(source.charCodeAt(at + 1))) at++;
      } else if (!isSpace(code)) break;
      else startsLine = false;
    }
    if (at >= source.length) {
      this.#at = at;
      return false;
    }
    const code = source.charCodeAt(at);
    if (code === SEMICOLON && startsLine) this.#textField(at);
    else if (!QUOTES.includes(code) || !this.#inQuotes(at, code)) this.#bare(at);
    return true;
  }

  #bare(begin: number): void {
    const { source } = this;
    let end = begin;
    while (end < source.length && !isSpace(source.charCodeAt(end))) end++;
    [this.text, this.quoted, this.#at] = [source.slice(begin, end), false, end];
  }

  /** A quote ends before white space only: `'it's one'` is one word. */
  #inQuotes(begin: number, quote: number): boolean {
    const { source } = this;
    for (let end = begin + 1; end < source.length; end++) {
      const code = source.charCodeAt(end);
      if (isLineEnd(code)) return false;
      if (code !== quote) continue;
      if (end + 1 < source.length && !isSpace(source.charCodeAt(end + 1))) continue;
      [this.text, this.quoted, this.#at] = [source.slice(begin + 1, end), true, end + 1];
      return true;
    }
    return false;
  }

  #textField(begin: number): void {
    const end = /\r\n;|[\r\n];/g;
    end.lastIndex = begin;
    const found = end.exec(this.source);
    if (!found) {
      throw new CifError(
        `the text that begins in line ${this.line} must end; the file may be cut off`,
      );
    }
    this.text = this.source.slice(begin + 1, found.index);
    this.quoted = true;
    this.line += this.text.split(/\r\n|\n|\r/).length;
    this.#at = end.lastIndex;
  }
}

const isLineEnd = (code: number) => code === NEWLINE || code === RETURN;
