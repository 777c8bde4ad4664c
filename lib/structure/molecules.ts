/**
 * The one place that names the molecular library (3Dmol.js, 10.1093/bioinformatics/btu829): its viewer
 * draws structures in a report, and it finds helices and strands where a file states none. Files are read
 * by own code: the library's parsers drop what tells residues apart, and know no tabs or broken rows.
 */
import type { StructureResidue } from "./chain.ts";

interface Library {
  Parsers: {
    PDB(text: string, options: Record<string, unknown>): { resi: number; ss: string }[][];
  };
}

/** The library as one script that needs nothing else; it sets `$3Dmol` on the page. */
export async function viewerScript(): Promise<string> {
  // Loaded when it is needed: it has half a megabyte.
  const { default: script } = await import("npm:3dmol@2.5.5/build/3Dmol-min.js", {
    with: { type: "text" },
  });
  return script as unknown as string;
}

let library: Promise<Library> | undefined;

/** What the library calls them. */
const COMPUTED: Record<string, "H" | "E"> = { h: "H", s: "E" };

/** Helices and strands of a chain by the hydrogen bonds of its backbone: H, E or - for each residue. */
export async function computedSecondary(
  residues: readonly StructureResidue[],
): Promise<("H" | "E" | "-")[]> {
  const { Parsers } = await (library ??= loadLibrary());
  const [atoms = []] = Parsers.PDB(backbonePdb({ residues }), { assignBonds: false });
  const found = residues.map((): "H" | "E" | "-" => "-");
  for (const { resi, ss } of atoms) if (resi in found) found[resi - 1] = COMPUTED[ss] ?? "-";
  return found;
}

/** A chain's backbone as a PDB text; residues are numbered from 1. */
export function backbonePdb({ residues }: { residues: readonly StructureResidue[] }): string {
  const lines: string[] = [];
  residues.forEach(({ name, alpha, backbone }, i) => {
    const atoms = { N: backbone.N, CA: alpha, C: backbone.C, O: backbone.O };
    for (const [atom, point] of Object.entries(atoms)) {
      if (!point) continue;
      const [x, y, z] = point.map((v) => v.toFixed(3).padStart(8));
      const serial = String(lines.length % 99_999 + 1).padStart(5);
      lines.push(
        `ATOM  ${serial}  ${atom.padEnd(3)} ${name.slice(0, 3).padStart(3)} A` +
          `${String((i + 1) % 10_000).padStart(4)}    ${x}${y}${z}  1.00  0.00          ${
            atom[0].padStart(2)
          }`,
      );
    }
  });
  return [...lines, "END", ""].join("\n");
}

/**
 * The library is made for pages. Its parsers do not use one, but the script as a whole looks for a
 * window and a document while it starts: they are given to it, and nothing becomes global.
 */
async function loadLibrary(): Promise<Library> {
  const element = () => ({ style: {}, appendChild() {}, setAttribute() {} });
  const document = {
    addEventListener() {},
    createElement: element,
    getElementsByTagName: () => [element()],
    querySelectorAll: () => [],
    readyState: "loading",
    body: element(),
  };
  const window = {
    addEventListener() {},
    document,
    location: { search: "" },
    navigator: { userAgent: "" },
  };
  const run = new Function(
    "window",
    "document",
    "self",
    `let $3Dmol;
Object.defineProperty(window, "$3Dmol", { get: () => $3Dmol, set: (value) => { $3Dmol = value; } });
${await viewerScript()}
return $3Dmol;`,
  );
  return run(window, document, window) as Library;
}
