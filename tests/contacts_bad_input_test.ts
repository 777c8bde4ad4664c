import { execute } from "../lib/cli/main.ts";
import { NpzWriter } from "../lib/io/npz.ts";
import { createZip } from "../lib/io/zip.ts";
import { command } from "../tasks/contacts.ts";
import { equal } from "./assert.ts";
import { type BadInput, testBadInputs } from "./bad_input.ts";
import { fixturePath } from "./fixtures.ts";

const GB1 = "MTYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE";
const NAMES = Object.fromEntries(
  "A ALA R ARG N ASN D ASP C CYS Q GLN E GLU G GLY H HIS I ILE L LEU K LYS M MET F PHE P PRO S SER T THR W TRP Y TYR V VAL"
    .split(" ").flatMap((word, i, all) => i % 2 === 0 ? [[word, all[i + 1]]] : []),
);
/** Cα of a straight chain. */
const pdb = (letters: string, chain = "A") =>
  [...letters].map((letter, i) =>
    `ATOM  ${String(i + 1).padStart(5)}  CA  ${NAMES[letter]} ${chain}${
      String(i + 1).padStart(4)
    }    ${(3.8 * i).toFixed(3).padStart(8)}   0.000   0.000  1.00 20.00           C`
  ).join("\n") + "\nEND\n";

async function npz(arrays: Record<string, { shape: number[]; data: Uint8Array | Float32Array }>) {
  const path = await Deno.makeTempFile({ suffix: ".npz" });
  try {
    const archive = await NpzWriter.create(path);
    for (const [name, array] of Object.entries(arrays)) await archive.add(name, array);
    await archive.close();
    return await Deno.readFile(path);
  } finally {
    await Deno.remove(path);
  }
}

const sequence = (...args: string[]) => ["--sequence", GB1, ...args];
const structure = (text: string, ...args: string[]) => ({
  files: { "x.pdb": text },
  args: ["--structure", "x.pdb", ...args],
});
const truth = (name: string, text: string | Uint8Array) => ({
  files: { [name]: text },
  args: sequence("--truth", name),
});
const smallCif = await Deno.readTextFile(fixturePath("small.cif"));
const table = (text: string, ...args: string[]) => ({
  files: { "t.csv": text, "x.pdb": pdb(GB1) },
  args: ["--table", "t.csv", ...args],
});
const msa = (text: string) => ({ files: { "m.fasta": text }, args: sequence("--msa", "m.fasta") });

/** An archive of contacts and of a gigabyte of zeros. */
async function gigabyte(): Promise<Uint8Array> {
  const folder = await Deno.makeTempDir();
  try {
    const file = await Deno.open(`${folder}/x.npz`, { write: true, create: true });
    const zip = createZip(file.writable);
    let left = 1024;
    const zeros = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (left-- > 0) controller.enqueue(new Uint8Array(1 << 20));
        else controller.close();
      },
    });
    await zip.add("x.npy", zeros, { deflate: true });
    await zip.close();
    return await Deno.readFile(`${folder}/x.npz`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const cases: BadInput[] = [
  // sequences
  { name: "no such FASTA", args: ["--fasta", "no.fasta"], says: /no such file/ },
  {
    name: "unknown letter in FASTA",
    files: { "in.fasta": ">p\nMKJT\n" },
    args: ["--fasta", "in.fasta"],
    says: /"p" as residue 3 .* is "J"/,
  },
  {
    name: "a record that is not there",
    files: { "in.fasta": ">a\nMKT\n" },
    args: ["--fasta", "in.fasta", "--id", "z"],
    says: /one of its ids \(a\): current value is "z"/,
  },
  { name: "empty sequence", args: ["--sequence", ""], says: /--sequence/ },
  { name: "unknown letter typed", args: ["--sequence", "MK1T"], says: /residue 3/ },
  { name: "id of nothing", args: ["--id", "z"], says: /--id .* must be given with it/ },
  {
    name: "two sequences",
    files: { "in.fasta": ">a\nMKT\n" },
    args: sequence("--fasta", "in.fasta"),
    says: /--fasta together with --sequence/,
  },
  {
    name: "one structure for two sequences",
    files: { "in.fasta": ">a\nMKT\n>b\nMKT\n", "x.pdb": pdb(GB1) },
    args: ["--fasta", "in.fasta", "--structure", "x.pdb"],
    says: /for 2 sequences .*--id/,
  },
  // structures
  { name: "no such structure", args: ["--structure", "no.pdb"], says: /no\.pdb.*no such file/ },
  { name: "empty structure", ...structure(""), says: /x\.pdb.*empty file/ },
  { name: "no structure at all", ...structure("<html>404</html>\n"), says: /PDB file .* mmCIF/ },
  {
    name: "binary structure",
    files: { "x.pdb": Uint8Array.of(0xff, 0, 0, 1) },
    args: ["--structure", "x.pdb"],
    says: /not text: neither UTF-8/,
  },
  {
    name: "broken coordinate",
    ...structure(pdb(GB1).replace("   3.800", "  3.8.00")),
    says: /line 2 must have a number as x/,
  },
  { name: "cut line", ...structure(pdb("MTYK").slice(0, 40)), says: /line 1 must have a number/ },
  {
    name: "water only",
    ...structure(pdb("M").replace("ATOM  ", "HETATM").replace("CA  MET", "O   HOH")),
    says: /must hold a protein with Cα atoms/,
  },
  {
    name: "mmCIF without atoms",
    ...structure("data_x\nloop_\n_atom_site.id\n_atom_site.Cartn_x\n#\n"),
    says: /x\.pdb/,
  },
  { name: "no such chain", ...structure(pdb(GB1), "--chain", "B"), says: /must be one of A.*"B"/ },
  { name: "chain of no structure", args: sequence("--chain", "A"), says: /--structure must be/ },
  {
    name: "structure of another protein",
    files: { "x.pdb": pdb("W".repeat(40)) },
    args: sequence("--structure", "x.pdb"),
    says: /must fit the sequence/,
  },
  {
    name: "structure and contacts",
    files: { "x.pdb": pdb(GB1), "t.csv": "i,j\n1,9\n" },
    args: sequence("--structure", "x.pdb", "--truth", "t.csv"),
    says: /--structure together with --truth/,
  },
  // true contacts
  { name: "no such contacts", args: sequence("--truth", "no.npz"), says: /no such file/ },
  { name: "no archive", ...truth("t.npz", "hello"), says: /t\.npz.*zip archive/ },
  {
    name: "archive without contacts",
    ...truth("t.npz", await npz({ other: { shape: [1], data: new Uint8Array(1) } })),
    says: /must hold an array "contacts": current value is other/,
  },
  {
    name: "contacts of another length",
    ...truth("t.npz", await npz({ contacts: { shape: [2, 2], data: new Uint8Array(4) } })),
    says: /must be \[56, 56\].*\[2, 2\]/,
  },
  {
    name: "archive with an array that unpacks to a gigabyte",
    ...truth("t.npz", await gigabyte()),
    says: /t\.npz .* entry "x\.npy" must have at most \d+ bytes: current value is 1073741824$/,
  },
  {
    name: "contacts that are not symmetric",
    files: {
      "t.npz": await npz({
        contacts: { shape: [3, 3], data: Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 0, 0) },
      }),
    },
    args: ["--sequence", "MKT", "--truth", "t.npz"],
    says: /must be symmetric: current value is residues 1 and 2/,
  },
  { name: "pairs without j", ...truth("t.csv", "i,k\n1,2\n"), says: /"j"|column j/ },
  {
    name: "pair beyond the end",
    ...truth("t.csv", "i,j\n1,57\n"),
    says: /line 2 .* j must be .*1\.\.56/,
  },
  { name: "pair of no number", ...truth("t.csv", "i,j\n1,x\n"), says: /current value is "x"/ },
  // tables
  { name: "table without ids", ...table("name\nx\n"), says: /t\.csv.*id/ },
  { name: "table with a header only", ...table("id,sequence\n"), says: /must have a row/ },
  {
    name: "row without anything",
    ...table("id,sequence\na,\n"),
    says: /line 2 .* must have a seq/,
  },
  { name: "ids twice", ...table(`id,sequence\na,${GB1}\na,MKT\n`), says: /line 3.*line 2.*"a"/ },
  {
    name: "row with structure and truth",
    ...table("id,structure,truth\na,x.pdb,t.csv\n"),
    says: /line 2 as only one of/,
  },
  { name: "table and sequence", ...table("id\na\n", "--sequence", GB1), says: /--table together/ },
  { name: "structure missing in a row", ...table("id,structure\na,no.pdb\n"), says: /no\.pdb/ },
  {
    name: "chain of a row that is not there",
    files: { "t.csv": "id,structure,chain\na,s.cif,Z\n", "s.cif": smallCif },
    args: ["--table", "t.csv"],
    says: /column chain .* must be one of .*"Z" \(t\.csv line 2\)$/,
  },
  {
    name: "a table's column that is none",
    ...table("id,sequnce\na,MKT\n"),
    says: /t\.csv" line 1 as its columns must be among id, .*"sequnce"; did you mean sequence\?$/,
  },
  // options
  { name: "heads of another method", args: sequence("--heads", "0:1"), says: /must be attention/ },
  {
    name: "a head that is not there",
    args: sequence("--method", "attention", "--heads", "0:1,9:9"),
    says: /layers must be in 0\.\.5 .*9:9/,
  },
  {
    name: "heads in another form",
    args: sequence("--method", "attention", "--heads", "L5H4"),
    says: /layer:head/,
  },
  { name: "fast contact head", args: sequence("--fast"), says: /--fast .* must be jacobian/ },
  {
    name: "unknown method",
    args: sequence("--method", "magic"),
    says: /head, attention, jacobian/,
  },
  { name: "heads ranked by nothing", args: sequence("--rank-heads"), says: /--rank-heads/ },
  { name: "tiny window", args: sequence("--window", "3"), says: /--window/ },
  {
    name: "checkpoint without a contact head",
    args: sequence("--model", "m"),
    files: {
      "m/config.json": Deno.readFileSync(fixturePath("rand_t2_d64_h4/config.json")),
      "m/model.safetensors": withoutContactHead(),
    },
    says: /must hold a contact head/,
  },
  // motif experiment
  { name: "motif without segments", args: sequence("--motif"), says: /structure or --secondary/ },
  {
    name: "secondary structure of another length",
    args: sequence("--motif", "--secondary", "HHHEEE"),
    says: /must have 56 letters .* has 6/,
  },
  { name: "secondary without motif", args: sequence("--secondary", "HH"), says: /--motif must be/ },
  {
    name: "motif beyond a window",
    args: sequence("--motif", "--secondary", "-".repeat(56), "--window", "20"),
    says: /must fit one window of 20 residues/,
  },
  // alignments
  { name: "no such alignment", args: sequence("--msa", "no.a3m"), says: /no\.a3m.*no such file/ },
  { name: "alignment of one row", ...msa(`>q\n${GB1}\n`), says: /at least 2 rows/ },
  { name: "ragged alignment", ...msa(`>q\n${GB1}\n>r\nMKT\n`), says: /row 2 has 3 columns/ },
  {
    name: "alignment of another family",
    ...msa(`>q\n${"W".repeat(56)}\n>r\n${"P".repeat(56)}\n`),
    says: /must resemble the sequence/,
  },
];

/** Weights of the random model with its contact head renamed to nothing it knows. */
function withoutContactHead(): Uint8Array {
  const bytes = Deno.readFileSync(fixturePath("rand_t2_d64_h4/model.safetensors"));
  const size = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + size)));
  for (const name of Object.keys(header)) if (name.includes("contact_head")) delete header[name];
  const text = new TextEncoder().encode(JSON.stringify(header).padEnd(size));
  bytes.set(text, 8);
  return bytes;
}

Deno.test("contacts: there are at least 40 malformed inputs", () => {
  equal(cases.length >= 40, true);
  equal(new Set(cases.map((c) => c.name)).size, cases.length);
});

testBadInputs("contacts", (args, settings) => execute(command, args, settings), cases);
