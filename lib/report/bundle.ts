/**
 * The modules of a page as one script. They are plain modules with types in comments, which a page that is
 * served may import as they are; a report must be one file, so each becomes a function's scope here.
 */

/** A module of a page, what it needs before it, and its styles. */
export interface Piece {
  /** Path by which others import it, without folders: `state.js`. */
  name: string;
  script: string;
  style?: string;
  uses?: readonly Piece[];
}

/** Pieces and all they use, each once, after what it uses. */
export function inOrder(pieces: readonly Piece[]): Piece[] {
  const found: Piece[] = [];
  const add = (piece: Piece) => {
    if (found.includes(piece)) return;
    piece.uses?.forEach(add);
    found.push(piece);
  };
  pieces.forEach(add);
  return found;
}

/**
 * One script, in order.
 *
 * @throws {TypeError} if a module imports one that does not come before it
 */
export function bundle(pieces: readonly Piece[]): string {
  const known = new Set<string>();
  const modules = pieces.map(({ name, script }) => {
    const exported = [...script.matchAll(/^export (?:async )?(?:function|class|const) (\w+)/gm)]
      .map(([, exportedName]) => exportedName);
    const body = script
      .replace(/^import ([^"]*?) from "([^"]+)";\n/gm, (_, names: string, from: string) => {
        const module = from.split("/").at(-1)!;
        if (!known.has(module)) throw new TypeError(`${name} must come after ${module}`);
        return `const ${names.replaceAll(" as ", ": ")} = ${variable(module)};\n`;
      })
      // Words for people and for the type checker.
      .replace(/^ *\/\*\*(?:(?!\*\/)[^])*\*\/\n/gm, "").replace(/^\/\/.*\n/gm, "")
      .replace(/^export /gm, "");
    known.add(name);
    return `const ${variable(name)} = (() => {\n${body}return { ${exported.join(", ")} };\n})();\n`;
  });
  return `"use strict";\n${modules.join("")}`;
}

const variable = (name: string) => `$${name.replace(/\.js$/, "").replace(/\W/g, "_")}`;
