/** Against published structures, contact sets and alignments, where a copy of them is at hand. */
import { openBackend } from "../lib/backend/mod.ts";
import { covarianceContacts } from "../lib/contacts/covariance.ts";
import { evaluate } from "../lib/contacts/evaluate.ts";
import { centreOf, elementsOf, pairsOf } from "../lib/contacts/motif.ts";
import { columnsFor } from "../lib/contacts/msa.ts";
import { readMsa } from "../lib/contacts/msa_file.ts";
import { readTruth } from "../lib/contacts/truth_file.ts";
import { truthFromStructure } from "../lib/contacts/truth.ts";
import type { Truth } from "../lib/contacts/types.ts";
import { parseFasta } from "../lib/io/fasta.ts";
import { chainLetters, readStructure } from "../lib/structure/structure.ts";
import { allClose, deepEqual, equal, ok } from "./assert.ts";
import { random } from "./report_sample.ts";

const root = Deno.env.get("ESMSCOPE_DATA") ??
  new URL("../../shared/data", import.meta.url).pathname;
const present = await Deno.stat(`${root}/domains40`).then(() => true, () => false);

/** The folder of the motif experiment's published tables. */
const jacobian = ["jacobian", "jacobian_zhang"].map((name) => `${root}/${name}`).find((folder) => {
  try {
    return ["ss_dict", "full_seq_dict", "reproduce_pair_recovery_100_w_bos_eos"].every((name) =>
      Deno.statSync(`${folder}/${name}.json`).isFile
    );
  } catch {
    return false;
  }
});

function dataTest(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: present ? name : `${name} (skipped: no data; ESMSCOPE_DATA names their folder)`,
    ignore: !present,
    sanitizeResources: false,
    sanitizeOps: false,
    fn,
  });
}

const files = (dir: string, end: string) =>
  [...Deno.readDirSync(`${root}/${dir}`)].map(({ name }) => name).filter((n) => n.endsWith(end))
    .sort();

/** Cβ, or Cα of glycine, by the columns of the PDB format; residues by number and insertion code. */
function pointsOf(text: string): number[][] {
  const points = new Map<string, { alpha?: number[]; beta?: number[] }>();
  for (const line of text.split("\n")) {
    if (line.startsWith("ENDMDL")) break;
    if (!line.startsWith("ATOM") || ![" ", "A"].includes(line[16])) continue;
    const key = line.slice(21, 27), atom = line.slice(12, 16).trim();
    const residue = points.get(key) ?? {};
    points.set(key, residue);
    const xyz = [30, 38, 46].map((at) => Number(line.slice(at, at + 8)));
    if (atom === "CA") residue.alpha ??= xyz;
    if (atom === "CB") residue.beta ??= xyz;
  }
  return [...points.values()].filter(({ alpha }) => alpha).map((r) => (r.beta ?? r.alpha)!);
}

/** Precision at L, L/2 and L/5 by plain sorting; undefined without a contact. */
function precisions(map: Float32Array, { contacts, known }: Truth, from: number, to: number) {
  const L = known.length, pairs: [number, number][] = [];
  for (let i = 0; i < L; i++) {
    for (let j = i + 1; j < L; j++) {
      if (j - i < from || j - i >= to || !known[i] || !known[j]) continue;
      pairs.push([map[i * L + j], contacts[i * L + j]]);
    }
  }
  pairs.sort(([a], [b]) => b - a);
  return [L, L >> 1, Math.floor(L / 5)].map((n) => {
    const top = pairs.slice(0, n);
    return pairs.some(([, hit]) => hit) ? top.reduce((sum, [, hit]) => sum + hit, 0) / n : NaN;
  });
}

function checkScores(truth: Truth, seed: number): void {
  const next = random(seed), L = truth.known.length, map = new Float32Array(L * L);
  for (let i = 0; i < L; i++) {
    for (let j = 0; j < i; j++) {
      map[i * L + j] = map[j * L + i] = next() + 0.4 * truth.contacts[i * L + j];
    }
  }
  const found = evaluate(map, truth).map((s) => [s.precisionL, s.precisionL2, s.precisionL5]);
  [[6, 12], [12, 24], [24, Infinity]].forEach(([from, to], r) =>
    allClose(found[r], precisions(map, truth, from, to), { atol: 1e-12 }, `range ${r}`)
  );
}

dataTest(
  "contacts of 20 domains equal those measured from the columns of their files",
  async () => {
    const names = files("domains40/pdb", ".pdb");
    ok(names.length >= 10);
    for (const name of names) {
      const path = `${root}/domains40/pdb/${name}`;
      const structure = await readStructure(path);
      const residues = chainLetters(structure.chains[0]);
      const { truth } = truthFromStructure({ id: name, residues }, structure);
      const points = pointsOf(await Deno.readTextFile(path));
      equal(points.length, residues.length, name);
      ok(truth.known.every((flag) => flag === 1));
      const expected = Uint8Array.from({ length: points.length ** 2 }, (_, k) => {
        const a = points[Math.floor(k / points.length)], b = points[k % points.length];
        return a !== b && Math.hypot(...a.map((x, axis) => x - b[axis])) < 8 ? 1 : 0;
      });
      deepEqual(truth.contacts, expected, name);
      checkScores(truth, names.indexOf(name));
    }
  },
);

dataTest("every published structure is read, and gaps of a chain align to the whole", async () => {
  for (const name of files("structures", "").filter((n) => /\.(pdb|cif)$/.test(n))) {
    const structure = await readStructure(`${root}/structures/${name}`, { resolvedOnly: true });
    for (const chain of structure.chains) {
      const letters = chainLetters(chain);
      ok(/^[A-Z]+$/.test(letters), name);
      if (letters.length < 60) continue;
      const cut = { ...chain, residues: chain.residues.filter((_, i) => i < 20 || i >= 31) };
      const { truth } = truthFromStructure(
        { id: name, residues: letters },
        { ...structure, chains: [cut] },
      );
      const missing = [...truth.known].flatMap((flag, i) => flag ? [] : [i]);
      deepEqual(missing, Array.from({ length: 11 }, (_, i) => 20 + i), `${name} ${chain.id}`);
    }
  }
});

dataTest("no structure is taken for a protein that it does not belong to", async () => {
  const paths = [
    ...files("structures", ".pdb").map((name) => `structures/${name}`),
    ...files("domains40/pdb", ".pdb").map((name) => `domains40/pdb/${name}`),
  ];
  const all = [];
  for (const path of paths) {
    const structure = await readStructure(`${root}/${path}`);
    all.push({ id: path, residues: chainLetters(structure.chains[0]), structure });
  }
  const taken: string[] = [];
  let pairs = 0;
  for (const protein of all) {
    for (const { id, structure } of all) {
      if (id === protein.id) continue;
      pairs++;
      try {
        truthFromStructure(
          { ...protein, residues: protein.residues.replace(/X/g, "A") },
          structure,
        );
        taken.push(`${protein.id} ${id}`);
      } catch (error) {
        ok(/must fit the sequence/.test((error as Error).message), String(error));
      }
    }
  }
  ok(pairs > 900);
  // Ubiquitin and protein G are there twice.
  const twins = [["1UBQ", "pdb1ubi"], ["1P7E", "2qmt"]].flatMap(([a, b]) =>
    [[a, b], [b, a]].map((pair) => pair.map((name) => `structures/${name}.pdb`).join(" "))
  );
  deepEqual(taken.sort(), twins.sort());
});

Deno.test({
  name:
    "published pairs of the motif experiment have the centres and the room that pairsOf() asks for" +
    (jacobian ? "" : " (skipped: no data)"),
  ignore: !jacobian,
  async fn() {
    const read = async (name: string) =>
      JSON.parse(await Deno.readTextFile(`${jacobian}/${name}.json`));
    const secondary: Record<string, string> = await read("ss_dict");
    const sequences: Record<string, string> = await read("full_seq_dict");
    let count = 0;
    for (const [file, separation] of [["50_100", 50], ["100", 100]] as const) {
      const published: Record<string, [number, number][]> = await read(
        `reproduce_pair_recovery_${file}_w_bos_eos`,
      );
      for (const [id, pairs] of Object.entries(published)) {
        // Every patch has contacts enough.
        const { length } = sequences[id], map = new Float32Array(length * length).fill(1);
        const found = pairsOf(elementsOf(secondary[`${id}.pdb`]), map, {
          separation,
          pairContacts: 10,
        }).filter(({ set }) => set === `pair_${file}`).map(({ elements }) =>
          elements!.map(centreOf).join()
        );
        for (const pair of pairs) ok(found.includes(pair.join()), `${id} ${pair}`);
        count += pairs.length;
      }
    }
    equal(count, 1577);
  },
});

dataTest("contact archives of CAMEO targets are read and scored", async () => {
  const folder = "contacts/cameo_pta";
  const text = await Deno.readTextFile(`${root}/${folder}/sequences.fasta`);
  const records = new Map(parseFasta(text, "sequences.fasta").map((r) => [r.id, r.sequence]));
  const names = files(`${folder}/contacts`, ".npz").slice(0, 8);
  ok(names.length === 8);
  for (const [i, name] of names.entries()) {
    const id = name.replace(".npz", ""), residues = records.get(id)!;
    const truth = await readTruth(`${root}/${folder}/contacts/${name}`, { id, residues });
    ok(truth.contacts.some((c) => c === 1), id);
    checkScores(truth, i);
  }
});

dataTest(
  "the covariance of a Pfam alignment predicts its domain far better than chance",
  async () => {
    await using backend = (await openBackend("cpu")).backend;
    const structure = await readStructure(`${root}/domains40/pdb/1WVN_A.pdb`);
    const residues = chainLetters(structure.chains[0]);
    const { truth } = truthFromStructure({ id: "1WVN_A", residues }, structure);
    const msa = await readMsa(`${root}/domains40/align/PF00013.align.80`);
    const columns = columnsFor(msa, { id: "1WVN_A", residues });
    const map = await covarianceContacts(backend, columns, residues.length);
    const [, , long] = evaluate(map, truth);
    // By chance 7 % of its long-range pairs would be contacts.
    ok(long.precisionL5 > 0.6 && long.precisionL > 0.25, JSON.stringify(long));
  },
);
