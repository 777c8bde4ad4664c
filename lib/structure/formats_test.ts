/** Structures as databases and programs write them: one truth, many forms. */
import { gzipSync } from "node:zlib";
import { allClose, deepEqual, equal, match, ok, rejects } from "../../tests/assert.ts";
import { random } from "../../tests/report_sample.ts";
import { chainLetters, readStructure, type Structure, structureOf } from "./structure.ts";

const fixture = (name: string) => new URL(`../../tests/fixtures/${name}`, import.meta.url);
const SMALL = await Deno.readTextFile(fixture("small.cif"));

/** Everything that matters of a structure. */
const essence = ({ chains, secondary }: Structure) => ({ chains, secondary });

Deno.test("structureOf() takes sequence and places of a chain from the tables of mmCIF", async () => {
  const { chains, notes } = await structureOf(SMALL, "small.cif");
  equal(chains.length, 1, "a free amino acid and water are no chains");
  const [chain] = chains;
  // MSE is methionine by _chem_comp; residues 1, 5 and 9 of _entity_poly_seq have no atoms.
  equal(chainLetters(chain), "MCSAGWLKT");
  deepEqual([chain.id, chain.sequence], ["X", "_entity_poly_seq"]);
  deepEqual(chain.residues.map(({ alpha }) => alpha ? 1 : 0), [0, 1, 1, 1, 0, 1, 1, 1, 0]);
  deepEqual(
    chain.residues.map(({ label }) => label),
    ["-1", "1", "2", "52", "52A", "52B", "60", "61", "62"],
  );
  // Occupancy 0.7 against 0.3; the first model; the mean of nothing.
  allClose([...chain.residues[2].alpha!], [8, -5.125, -1], { atol: 1e-9 });
  match(notes.join(), /small\.cif: the first of 2 models is taken/);
  const resolved = await structureOf(SMALL, "small.cif", { resolvedOnly: true });
  equal(chainLetters(resolved.chains[0]), "CSAWLK");
  equal(resolved.chains[0].sequence, undefined);
});

Deno.test("a BinaryCIF file that Mol* made of an mmCIF file is the same structure", async () => {
  const bytes = await Deno.readFile(fixture("small.bcif"));
  const expected = essence(await structureOf(SMALL, "x"));
  deepEqual(essence(await structureOf(bytes, "x")), expected);
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, gzipSync(bytes));
    const found = await readStructure(path);
    deepEqual(essence(found), expected);
    equal(found.format, "bcif");
  } finally {
    await Deno.remove(path);
  }
  // Damage anywhere is refused in a line, or is in what is not read.
  const next = random(7);
  for (let k = 0; k < 300; k++) {
    const damaged = bytes.slice();
    for (let n = 0; n <= k % 3; n++) damaged[Math.floor(next() * bytes.length)] = 256 * next();
    await structureOf(damaged, "x").catch((error) => equal(error.name, "UserError", error.stack));
  }
  for (const end of [bytes.length - 1, 2000, 100]) {
    await rejects(structureOf(bytes.slice(0, end), "cut.bcif"), (error: Error) => {
      match(
        error.message,
        /^Cannot read "cut\.bcif" as its MessagePack data must be whole: [^\n]+$/,
      );
      return error.name === "UserError";
    });
  }
});

const atomLines = (text: string, edit: (line: string) => string) =>
  text.replace(/^(ATOM|HETATM) .*$/gm, edit);
const cifForms: [name: string, text: string][] = [
  ["tabs", atomLines(SMALL, (line) => line.replaceAll(" ", "\t"))],
  ["rows over two lines", atomLines(SMALL, (line) => line.replace(/ (\S+ \S+)$/, "\n $1"))],
  ["all rows on one line", atomLines(SMALL, (line) => `${line}~`).replaceAll("~\n", " ")],
  ["upper-case tags", SMALL.replace(/^(_\S+|loop_|data_)/gm, (word) => word.toUpperCase())],
  ["indented", SMALL.replace(/^/gm, "   ")],
  ["CRLF", SMALL.replaceAll("\n", "\r\n")],
  ["comments", SMALL.replace("loop_\n_atom_site", "loop_ # atoms\n# and more\n_atom_site")],
  ["quoted values", atomLines(SMALL, (line) => line.replace(/ (CA|CB) /, ' "$1" '))],
  ["no line end", SMALL.trimEnd()],
];
for (const [name, text] of cifForms) {
  Deno.test(`structureOf() reads mmCIF with ${name}`, async () => {
    ok(text !== SMALL);
    const expected = essence(await structureOf(SMALL, "x"));
    deepEqual(essence(await structureOf(text, "x")), expected);
  });
}

/** The first model of the same chain as a PDB file. */
function pdb(
  { chain = "X", pad = (line: string) => line.padEnd(80), numbers }: {
    chain?: string;
    pad?: (line: string) => string;
    numbers?: (label: string) => string;
  } = {},
): string {
  const rows = SMALL.split("\n").filter((line) => /^ATOM .* 1$/.test(line)).map((line) =>
    line.split(" ")
  );
  const atoms = rows.map(
    ([record, serial, type, atom, alt, name, , , , ins, x, y, z, occ, , n]) => {
      const label = `${n}${ins === "?" ? " " : ins}`;
      const number = numbers?.(label) ?? label.padStart(5);
      return `${record.padEnd(6)}${serial.padStart(5)}  ${atom.padEnd(3)}${
        alt === "." ? " " : alt
      }` +
        `${name} ${chain}${number}   ${[x, y, z].map((v) => v.padStart(8)).join("")}` +
        `${occ.padStart(6)} 20.00          ${type.padStart(2)}`;
    },
  );
  const lines = [
    "HEADER    TEST                                    01-JAN-01   9XYZ",
    "REMARK 465                                                                       ",
    "REMARK 465   M RES C SSSEQI                                                     ",
    `REMARK 465     MSE ${chain}    -1`,
    `REMARK 465     GLY ${chain}    52A`,
    `REMARK 465     THR ${chain}    62`,
    `SEQRES   1 ${chain}    9  MSE CYS SER ALA GLY TRP LEU LYS THR`,
    `MODRES 9XYZ MSE ${chain}   -1  MET  SELENOMETHIONINE`,
    "HELIX    1   1 SER " + `${chain}    2  TRP ${chain}   52B 1`,
    ...atoms,
    `TER`,
    `HETATM  901  N   ALA ${chain} 301      50.000   0.000   0.000  1.00 20.00           N`,
    `HETATM  902  CA  ALA ${chain} 301      50.000   1.000   0.000  1.00 20.00           C`,
    `HETATM  903  C   ALA ${chain} 301      50.000   2.000   0.000  1.00 20.00           C`,
    "END",
  ];
  return lines.map(pad).join("\n") + "\n";
}

const labels = ({ chains: [{ residues }] }: Structure) => residues.map(({ label }) => label);

Deno.test("structureOf() takes sequence and places of a chain from SEQRES and REMARK 465", async () => {
  const found = await structureOf(pdb(), "x.pdb"), [chain] = found.chains;
  equal(chainLetters(chain), "MCSAGWLKT");
  equal(chain.sequence, "SEQRES");
  deepEqual(labels(found), ["-1", "1", "2", "52", "52A", "52B", "60", "61", "62"]);
  deepEqual(chain.residues.map(({ alpha }) => alpha ? 1 : 0), [0, 1, 1, 1, 0, 1, 1, 1, 0]);
  deepEqual(chain.residues[2].alpha, [8, -5.125, -1]);
  equal(chain.residues.map(({ secondary }) => secondary).join(""), "--HHHH---");
  // Without the remark an alignment finds the same places; the missing ones have no numbers.
  const aligned = await structureOf(pdb().replace(/^REMARK.*\n/gm, ""), "x.pdb");
  deepEqual(
    aligned.chains[0].residues.map(({ alpha }) => alpha),
    chain.residues.map(({ alpha }) => alpha),
  );
  deepEqual(labels(aligned), ["", "1", "2", "52", "", "52B", "60", "61", ""]);
});

const pdbForms: [name: string, text: string][] = [
  ["trimmed records", pdb({ pad: (line) => line.trimEnd() })],
  [
    "records without occupancy",
    pdb().replace(/^(ATOM.{50}).*$/gm, (line) => line[16] === " " ? line.slice(0, 54) : line),
  ],
  ["CRLF", pdb().replaceAll("\n", "\r\n")],
  ["indented records", pdb().replace(/^/gm, "    ")],
  ["a lone return", pdb().replaceAll("\n", "\r")],
];
for (const [name, text] of pdbForms) {
  Deno.test(`structureOf() reads PDB with ${name}`, async () => {
    const expected = essence(await structureOf(pdb(), "x"));
    deepEqual(essence(await structureOf(text, "x")), expected);
  });
}

Deno.test("structureOf() reads blank chains, segments, chains of two letters, hybrid-36 numbers", async () => {
  const blank = await structureOf(pdb({ chain: " " }), "x.pdb");
  deepEqual([blank.chains[0].id, blank.chains[0].name], ["(blank)", ""]);
  equal(chainLetters(blank.chains[0]), "MCSAGWLKT");
  // CHARMM tells chains by the segment only.
  const segment = (name: string) =>
    pdb({ chain: " " }).split("\n").filter((line) => line.startsWith("ATOM")).map((line) =>
      `${line.slice(0, 72)}${name}${line.slice(76)}`
    );
  const { chains } = await structureOf([...segment("PROA"), ...segment("PROB")].join("\n"), "x");
  deepEqual(chains.map(({ id }) => id), ["PROA", "PROB"]);
  const wide = pdb().replace(/^(ATOM.{16}) X/gm, "$1BX");
  equal((await structureOf(wide, "x")).chains[0].id, "BX");
  // A000 is 10 000, ZZZZ 1 223 055, a000 the next (cctbx hybrid_36).
  const codes = ["9999", "A000", "A001", "ZZZZ", "a000", "a001"];
  let next = 0;
  const own = new Map<string, string>();
  const hybrid = await structureOf(
    pdb({
      numbers: (label) => {
        if (!own.has(label)) own.set(label, codes[next++]);
        return `${own.get(label)} `;
      },
    }).replace(/^(REMARK|SEQRES).*\n/gm, ""),
    "x",
  );
  deepEqual(labels(hybrid), ["9999", "10000", "10001", "1223055", "1223056", "1223057"]);
});

Deno.test("structureOf() numbers a second chain of one name, and never drops it", async () => {
  const atoms = pdb().split("\n").filter((line) => line.startsWith("ATOM")).join("\n");
  const moved = atoms.replace(/^(.{30}).{4}/gm, "$1  99");
  for (const between of ["\n", "\nTER\n", "\nEND\n"]) {
    const { chains, notes } = await structureOf(atoms + between + moved, "x.pdb");
    deepEqual(chains.map(({ id }) => id), ["X", "X_2"], JSON.stringify(between));
    deepEqual(chains.map(chainLetters), ["CSAWLK", "CSAWLK"]);
    ok(chains[1].residues[0].alpha![0] > 90);
    match(notes.join(), /chains that have the name of an earlier one are numbered: X_2 \(1\)/);
  }
  // Some programs end a chain at every gap.
  const lines = atoms.split("\n");
  const cut = [...lines.slice(0, 20), "TER", ...lines.slice(20)].join("\n");
  deepEqual((await structureOf(cut, "x")).chains.map(chainLetters), ["CSAWLK"]);
});

Deno.test("structureOf() takes modified residues of a chain, and no ligand beside it", async () => {
  const residue = (record: string, name: string, number: number, x: number) =>
    ["N", "CA", "C", "O"].map((atom, i) =>
      `${record.padEnd(6)}    1  ${atom.padEnd(3)} ${name} A${String(number).padStart(4)}    ` +
      `${(x + 1.2 * Math.min(i, 2)).toFixed(3).padStart(8)}   ${
        i === 3 ? "1.200" : "0.000"
      }   0.000` +
      "  1.00 20.00           C"
    ).join("\n");
  const chain = [
    residue("HETATM", "MSE", 1, 0),
    residue("ATOM", "ALA", 2, 3.8),
    residue("HETATM", "XYZ", 3, 7.6),
    residue("ATOM", "GLY", 4, 11.4),
    // Bonded to the last residue: the chain's end.
    residue("HETATM", "SEP", 5, 15.2),
    // Free, with no TER before it.
    residue("HETATM", "LYS", 301, 60),
    residue("HETATM", "ALA", 302, 80),
  ].join("\n");
  equal(chainLetters((await structureOf(chain, "x")).chains[0]), "MAXGS");
  // A peptide of nothing but modified residues.
  const peptide = ["DAL", "AIB", "DLE"].map((name, i) => residue("HETATM", name, i + 1, 3.8 * i));
  equal(chainLetters((await structureOf(peptide.join("\n"), "x")).chains[0]), "AAL");
  // MODRES says what a residue was made of, before what is known of its name.
  const said = "MODRES 9XYZ XYZ A    3  TRP  SOMETHING\n" + chain;
  equal(chainLetters((await structureOf(said, "x")).chains[0]), "MAWGS");
});

Deno.test("structureOf() knows the residue names of programs", async () => {
  const names = ["NMET", "HSD ", "HIE ", "LYS+", "CYSS", "ASPH", "CPRO", "CLEU"];
  const text = names.map((name, i) =>
    `ATOM  ${String(i + 1).padStart(5)}  CA  ${name} ${String(i + 1).padStart(4)}    ` +
    `${(3.8 * i).toFixed(3).padStart(8)}   0.000   0.000  1.00 20.00      PROA C`
  ).join("\n");
  const { chains } = await structureOf(text, "x");
  deepEqual(chains.map((chain) => [chain.id, chainLetters(chain)]), [["PROA", "MHHKCDPL"]]);
});

const cuts: [name: string, text: string, says: RegExp][] = [
  ["PDB within coordinates", pdb().slice(0, pdb().indexOf("ATOM ") + 30 * 81 + 40), /cut off/],
  ["PDB within a record", pdb().slice(0, pdb().indexOf("ATOM ") + 10 * 81 + 62), /cut off/],
  ["PDB between records", pdb().slice(0, pdb().indexOf("ATOM ") + 10 * 81), /HEADER ends with END/],
  [
    "a model that does not end",
    pdb().replace("HELIX", "MODEL        1\nHELIX").replace(/^(HEADER|END).*\n/gm, ""),
    /MODEL must end with ENDMDL/,
  ],
  ["PDB within a record's name", pdb().slice(0, pdb().indexOf("ATOM ") + 10 * 81 + 3), /cut off/],
  ["mmCIF behind a row", SMALL.slice(0, SMALL.indexOf("\nATOM 20 ")), /must end with a line/],
  ["mmCIF within a row", SMALL.slice(0, SMALL.indexOf("ATOM 20") + 30), /_atom_site.*cut off/],
  ["mmCIF within a text", `${SMALL}_x.y\n;abc\n`, /must end; the file may be cut off/],
];
for (const [name, text, says] of cuts) {
  Deno.test(`structureOf() refuses ${name} that was cut off, in one line`, async () => {
    await rejects(structureOf(text, "x"), (error: Error) => {
      match(error.message, /^Cannot read "x" as [^\n]+$/);
      match(error.message, says);
      return error.name === "UserError";
    });
  });
}
