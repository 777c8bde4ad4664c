import { deepEqual, equal, ok, rejects, throws } from "../../tests/assert.ts";
import { chainLetters, chainOf, structureOf } from "./structure.ts";

/** One ATOM or HETATM record. */
function record(
  { kind = "ATOM", serial = 1, atom = "CA", alt = " ", name = "ALA", chain = "A", number = 1 }: {
    kind?: string;
    serial?: number;
    atom?: string;
    alt?: string;
    name?: string;
    chain?: string;
    number?: number;
  },
  insertion = " ",
  [x, y, z] = [0, 0, 0],
): string {
  const point = [x, y, z].map((v) => v.toFixed(3).padStart(8)).join("");
  return `${kind.padEnd(6)}${String(serial).padStart(5)} ${` ${atom}`.padEnd(4)}${alt}${name} ` +
    `${chain}${String(number).padStart(4)}${insertion}   ${point}  1.00 20.00           ${atom[0]}`;
}

const backbone = (name: string, number: number, x: number, insertion = " ", chain = "A") =>
  ["N", "CA", "C", "O", ...(name === "GLY" ? [] : ["CB"])].map((atom, i) =>
    record({ atom, name, number, chain, serial: 10 * number + i }, insertion, [x + i / 4, i, 0])
  ).join("\n");

Deno.test("structureOf() reads a PDB file with insertion codes, gaps and negative numbers", async () => {
  const text = [
    backbone("MET", -1, 0),
    backbone("GLY", 52, 4),
    backbone("TRP", 52, 8, "A"),
    backbone("TRP", 52, 12, "B"),
    backbone("LYS", 60, 16),
  ].join("\n");
  const { chains, format } = await structureOf(text, "x.pdb");
  equal(format, "pdb");
  equal(chainLetters(chains[0]), "MGWWK");
  deepEqual(chains[0].residues.map(({ label }) => label), ["-1", "52", "52A", "52B", "60"]);
  deepEqual(chains[0].residues[1].beta, undefined);
  deepEqual(chains[0].residues[2].beta, [9, 4, 0]);
  deepEqual(chains[0].residues[2].alpha, [8.25, 1, 0]);
});

Deno.test("structureOf() takes the first model and the first of alternate atoms", async () => {
  const text = [
    "MODEL        1",
    record({ name: "SER", alt: "B" }, " ", [1, 0, 0]),
    record({ name: "SER", alt: "A" }, " ", [2, 0, 0]),
    record({ name: "SER", atom: "N" }),
    "ENDMDL",
    "MODEL        2",
    record({ name: "SER" }, " ", [3, 0, 0]),
    record({ name: "SER", number: 2 }, " ", [4, 0, 0]),
    "ENDMDL",
  ].join("\n");
  const { chains } = await structureOf(text, "x.pdb");
  equal(chains[0].residues.length, 1);
  deepEqual(chains[0].residues[0].alpha, [1, 0, 0]);
});

Deno.test("structureOf() names modified residues by their parent and leaves ligands out", async () => {
  const text = [
    backbone("MSE", 1, 0),
    backbone("SEP", 2, 4),
    backbone("CRO", 3, 8),
    backbone("UNK", 4, 12),
    record({ kind: "HETATM", atom: "CA", name: " CA", number: 9 }),
    record({ kind: "HETATM", atom: "O", name: "HOH", number: 10 }),
  ].join("\n");
  equal(chainLetters((await structureOf(text, "x.pdb")).chains[0]), "MSTYGX");
});

const CIF_COLUMNS = [
  ...["group_PDB", "id", "type_symbol", "label_atom_id", "label_alt_id", "label_comp_id"],
  ...["label_asym_id", "label_entity_id", "label_seq_id", "pdbx_PDB_ins_code", "Cartn_x"],
  ...["Cartn_y", "Cartn_z", "occupancy", "B_iso_or_equiv", "auth_seq_id", "auth_asym_id"],
  "pdbx_PDB_model_num",
];
const cif = (rows: string[]) =>
  ["data_X", "#", "loop_", ...CIF_COLUMNS.map((c) => `_atom_site.${c}`), ...rows, "#", ""].join(
    "\n",
  );
const row = (
  atom: string,
  name: string,
  { alt = ".", ins = "?", seq = 1, auth = 1, chain = "A", model = 1, x = 0 } = {},
) =>
  `ATOM 1 ${
    atom[0]
  } ${atom} ${alt} ${name} Q 1 ${seq} ${ins} ${x} 0.5 1 1.0 9 ${auth} ${chain} ${model}`;

Deno.test("structureOf() reads mmCIF insertion codes, alternates and only the first model", async () => {
  const text = cif([
    row("N", "ALA", { seq: 1, auth: 52 }),
    row("CA", "ALA", { seq: 1, auth: 52, alt: "A", x: 1 }),
    row("CA", "ALA", { seq: 1, auth: 52, alt: "B", x: 2 }),
    row("N", "ALA", { seq: 2, auth: 52, ins: "A" }),
    row("CA", "ALA", { seq: 2, auth: 52, ins: "A", x: 3 }),
    row("CA", "GLY", { seq: 3, auth: 53, x: 6, chain: "B" }),
    row("CA", "ALA", { seq: 1, auth: 52, x: 99, model: 2 }),
    row("CA", "TRP", { seq: 9, auth: 60, x: 99, model: 2 }),
  ]);
  const { chains, format } = await structureOf(text, "x.cif");
  equal(format, "cif");
  deepEqual(chains.map(({ id }) => id), ["A", "B"]);
  deepEqual(chains[0].residues.map(({ label }) => label), ["52", "52A"]);
  deepEqual(chains[0].residues.map(({ alpha }) => alpha), [[1, 0.5, 1], [3, 0.5, 1]]);
});

Deno.test("structureOf() takes secondary structure from HELIX and SHEET records", async () => {
  const text = [
    "HELIX    1   1 ALA A    2  ALA A    4  1                                   3",
    "SHEET    1   A 1 ALA A   6  ALA A   7  0",
    ...Array.from({ length: 8 }, (_, i) => backbone("ALA", i + 1, 30 * i)),
  ].join("\n");
  const { chains } = await structureOf(text, "x.pdb");
  equal(chains[0].residues.map(({ secondary }) => secondary).join(""), "-HHH-EE-");
});

Deno.test("structureOf() takes the file's helices and strands, blanks cut off, and says when there are none", async () => {
  const text = [
    "HELIX    1   1 ALA A    2  ALA A    5  5",
    "HELIX    2   2 ALA A   99  ALA A  101 10",
    "SHEET    1   A 2 ALA A   7A ALA A   9",
    backbone("ALA", 1, 0),
    // Residue 2, where the helix begins, has no coordinates.
    ...[3, 4, 5, 6, 7].map((n) => backbone("ALA", n, 30 * n)),
    backbone("ALA", 7, 300, "A"),
    backbone("ALA", 8, 330),
    ...[2, 3, 4].map((n) => backbone("ALA", n, 30 * n, " ", "B")),
  ].join("\n");
  const found = await structureOf(text, "x.pdb");
  const strings = found.chains.map(({ residues }) => residues.map((r) => r.secondary).join(""));
  deepEqual(strings, ["-HHH--EE", "---"]);
  equal(found.secondary, "stated");
  const without = await structureOf(backbone("ALA", 1, 0), "x.pdb");
  equal(without.secondary, "computed");
});

Deno.test("structureOf() takes helices and strands from mmCIF tables, as loops or single items", async () => {
  const atoms = cif(
    Array.from(
      { length: 12 },
      (_, i) => row("CA", "ALA", { seq: i + 1, auth: i + 101, x: 30 * i }),
    ),
  );
  const single = "_struct_conf.conf_type_id HELX_P\n_struct_conf.id 'HELX_P 1'\n" +
    "_struct_conf.beg_auth_asym_id A\n_struct_conf.beg_auth_seq_id 102\n" +
    "_struct_conf.end_auth_seq_id 104\n#\n";
  const sheet = "loop_\n_struct_sheet_range.sheet_id\n_struct_sheet_range.id\n" +
    "_struct_sheet_range.beg_auth_asym_id\n_struct_sheet_range.beg_auth_seq_id\n" +
    "_struct_sheet_range.end_auth_seq_id\n_struct_sheet_range.pdbx_end_PDB_ins_code\n" +
    "A 1 A 106 107 ?\nA 2 A 109 110 .\n#\n";
  const stateOf = async (text: string) => {
    const { chains, secondary } = await structureOf(text, "x.cif");
    return [secondary, chains[0].residues.map((r) => r.secondary).join("")];
  };
  deepEqual(await stateOf(atoms + single), ["stated", "-HHH--------"]);
  deepEqual(await stateOf(atoms + sheet), ["stated", "-----EE-EE--"]);
  deepEqual(await stateOf(single + atoms + sheet), ["stated", "-HHH-EE-EE--"]);
  const typed = (type: string) => single.replace("HELX_P\n", `${type}\n`);
  deepEqual(await stateOf(typed("STRN") + atoms), ["stated", "-EEE--------"]);
  for (const none of ["TURN_P", "HELX_LH_PP_P"]) {
    deepEqual(await stateOf(typed(none) + sheet + atoms), ["stated", "-----EE-EE--"], none);
  }
  equal((await stateOf(atoms))[0], "computed");
});

Deno.test("structureOf() refuses what is no protein structure in one line", async () => {
  const refused: [string, RegExp][] = [
    ["", /empty file/],
    ["hello\n", /PDB file \(ATOM records\) or an mmCIF/],
    [record({ atom: "O", name: "HOH" }), /must hold a protein with Cα atoms/],
    [record({}).replace("   0.000", "     abc"), /line 1 must have a number as x in columns 31-38/],
    [record({}).slice(0, 40), /line 1 must have a number as y/],
    [cif([]), /must hold a protein|undamaged mmCIF/],
    [cif([row("CA", "ALA").replace(" 0.5 ", " abc ")]), /residue ALA 1 must be numbers/],
  ];
  for (const [text, says] of refused) {
    await rejects(structureOf(text, "x.pdb"), (error: Error) => {
      ok(says.test(error.message), error.message);
      ok(!error.message.includes("\n"));
      return error.name === "UserError";
    });
  }
});

Deno.test("chainOf() refuses a chain that is not there", async () => {
  const structure = await structureOf(backbone("ALA", 1, 0), "x.pdb");
  equal(chainOf(structure, "A").id, "A");
  throws(() => chainOf(structure, "B"), /--chain .* must be one of A: current value is "B"/);
});
