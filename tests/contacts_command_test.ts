import { execute } from "../lib/cli/main.ts";
import { parseTable } from "../lib/io/csv.ts";
import { readNpz } from "../lib/io/npz.ts";
import { openRandomAccess } from "../lib/io/random_access.ts";
import { command } from "../tasks/contacts.ts";
import { allClose, deepEqual, equal, match, ok } from "./assert.ts";
import { readFixture, tinyModel } from "./fixtures.ts";

const GB1 = "MTYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE";
const NAMES: Record<string, string> = Object.fromEntries(
  "A ALA D ASP E GLU F PHE G GLY I ILE K LYS L LEU M MET N ASN Q GLN T THR V VAL W TRP Y TYR"
    .split(" ").flatMap((word, i, all) => i % 2 === 0 ? [[word, all[i + 1]]] : []),
);

/** A made-up fold: residues on a spiral, so that some that are far apart in the sequence touch. */
function spiral(letters: string): string {
  const lines = [...letters].flatMap((letter, i) => {
    if (i === 20 || i === 21) return [];
    const angle = i / 2.2, radius = 6;
    const point = [radius * Math.cos(angle), radius * Math.sin(angle), 0.35 * i];
    const xyz = point.map((v) => v.toFixed(3).padStart(8)).join("");
    const number = String(i + 1).padStart(4);
    return [`ATOM  ${number.padStart(5)}  CA  ${NAMES[letter]} A${number}    ${xyz}  1.00 20.00`];
  });
  return lines.join("\n") + "\n";
}

async function inTemp(run: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await run(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function contacts(args: string[], signal?: AbortSignal) {
  const out: string[] = [], err: string[] = [];
  const code = await execute(command, ["--backend", "cpu", "--quiet", ...args], {
    signal,
    output: { out: (line) => out.push(line), err: (line) => err.push(line) },
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

const options = { sanitizeResources: false, sanitizeOps: false };

async function arraysOf(path: string) {
  using source = await openRandomAccess(path);
  return await readNpz(source);
}

Deno.test({
  name: "contacts writes the golden map, its pairs by rank, and what it was compared with",
  ...options,
  fn: () =>
    inTemp(async (dir) => {
      await Deno.writeTextFile(`${dir}/x.pdb`, spiral(GB1));
      const { code, out, err } = await contacts([
        ...[...tinyModel, "--sequence", GB1, "--id", "gb1", "--structure", `${dir}/x.pdb`],
        ...["--rank-heads", "--motif", "--motif-separation", "15", "--motif-step", "9"],
        ...["--motif-segment-contacts", "0"],
        ...["--secondary", "EEEEEEEE---EEEEEEEE--HHHHHHHHHHHHHHH----EEEEEE----EEEEE-"],
        ...["--top", "0", "--out", `${dir}/out`],
      ]);
      equal(code, 0, err);
      match(out, /gb1, 56 residues/);
      deepEqual([...Deno.readDirSync(`${dir}/out`)].map(({ name }) => name).sort(), [
        ...["contacts.csv", "evaluation.csv", "heads.csv", "map.npz", "motif.csv"],
        ...["motif_summary.csv", "report.html", "run.json"],
      ]);
      const arrays = await arraysOf(`${dir}/out/map.npz`);
      const golden = readFixture("tiny_gb1").contacts;
      const map = arrays.get("map")!;
      deepEqual(map.shape, [56, 56]);
      allClose(map.data as Float32Array, golden.data, { atol: 5e-5 });
      const known = [...arrays.get("valid_residues")!.data as Uint8Array];
      deepEqual(known.flatMap((flag, i) => flag ? [] : [i + 1]), [21, 22]);

      const { rows } = parseTable(
        await Deno.readTextFile(`${dir}/out/contacts.csv`),
        "contacts.csv",
      );
      // Pairs at least 6 apart of 56 residues.
      equal(rows.length, 50 * 51 / 2);
      let before = Infinity;
      for (const { fields: f } of rows) {
        const i = Number(f.i), j = Number(f.j), probability = Number(f.probability);
        ok(probability <= before && j - i >= 6);
        before = probability;
        equal(probability, (map.data as Float32Array)[(i - 1) * 56 + j - 1]);
        equal(f.residue_i + f.residue_j, GB1[i - 1] + GB1[j - 1]);
        equal(f.range, j - i < 12 ? "short" : j - i < 24 ? "medium" : "long");
        equal(f.contact === "", !known[i - 1] || !known[j - 1], `pair ${i}, ${j}`);
        deepEqual([f.chain, f.author_i, f.author_j], [
          "A",
          known[i - 1] ? f.i : "",
          known[j - 1] ? f.j : "",
        ]);
        equal(f.distance === "", f.contact === "");
        if (f.distance !== "") equal(f.contact === "1", Number(f.distance) < 8);
      }
      const heads = parseTable(await Deno.readTextFile(`${dir}/out/heads.csv`), "heads.csv").rows;
      equal(heads.length, 4 * 8);
      const motif = parseTable(await Deno.readTextFile(`${dir}/out/motif.csv`), "motif.csv").rows;
      equal(new Set(motif.map(({ fields }) => fields.mode)).size, 3);

      // The archive is itself a truth, of the same scores.
      const again = await contacts([
        ...[...tinyModel, "--sequence", GB1, "--id", "gb1", "--truth", `${dir}/out/map.npz`],
        ...["--out", `${dir}/again`],
      ]);
      equal(again.code, 0, again.err);
      equal(
        await Deno.readTextFile(`${dir}/again/evaluation.csv`),
        await Deno.readTextFile(`${dir}/out/evaluation.csv`),
      );
    }),
});

Deno.test({
  name: "contacts runs many proteins of a table, with means and one archive each",
  ...options,
  fn: () =>
    inTemp(async (dir) => {
      await Deno.writeTextFile(`${dir}/x.pdb`, spiral(GB1));
      await Deno.writeTextFile(
        `${dir}/t.csv`,
        `id,sequence,structure\na,${GB1},${dir}/x.pdb\nb,,${dir}/x.pdb\nc,${GB1.slice(0, 30)},\n`,
      );
      const { code, err, out } = await contacts([
        ...["--table", `${dir}/t.csv`, "--method", "attention", "--heads", "1:2,3:0"],
        ...["--bootstrap", "50", "--json", "--out", `${dir}/out`],
      ]);
      equal(code, 0, err);
      const json = JSON.parse(out);
      deepEqual(json.run.proteins.map((p: { length: number }) => p.length), [56, 54, 30]);
      const { contacts: pairs, evaluation, summary } = json.tables;
      deepEqual([...new Set(pairs.map((pair: { protein: string }) => pair.protein))], [
        ...["a", "b", "c"],
      ]);
      equal(evaluation.length, 6);
      equal(summary.length, 12);
      const [first] = summary;
      ok(first.low <= first.mean && first.mean <= first.high);
      const names = [...Deno.readDirSync(`${dir}/out`)].map(({ name }) => name);
      for (const id of ["a", "b", "c"]) ok(names.includes(`${id}.map.npz`), id);
      ok(names.includes("summary.csv"));
    }),
});

Deno.test({
  name: "contacts of a protein longer than the window are those of windows, and none between them",
  ...options,
  fn: () =>
    inTemp(async (dir) => {
      const run = async (name: string, residues: string, ...more: string[]) => {
        const args = ["--sequence", residues, "--out", `${dir}/${name}`, ...more];
        const { code, err } = await contacts(args);
        equal(code, 0, err);
        return (await arraysOf(`${dir}/${name}/map.npz`)).get("map")!.data as Float32Array;
      };
      const whole = await run("whole", GB1, "--window", "40");
      const [first, second] = [
        await run("first", GB1.slice(0, 40)),
        await run("second", GB1.slice(16)),
      ];
      equal(whole[3 * 56 + 9], first[3 * 40 + 9]);
      equal(whole[45 * 56 + 50], second[29 * 40 + 34]);
      const mean = (first[20 * 40 + 30] + second[4 * 40 + 14]) / 2;
      allClose([whole[20 * 56 + 30]], [mean], { atol: 1e-6 });
      ok(Number.isNaN(whole[0 * 56 + 55]));
      const { rows } = parseTable(
        await Deno.readTextFile(`${dir}/whole/contacts.csv`),
        "contacts.csv",
      );
      ok(rows.length > 0 && rows.every(({ fields }) => !Number.isNaN(Number(fields.probability))));
    }),
});

Deno.test({
  name:
    "contacts compares predictors on the same pairs, counts those between windows, and averages both",
  ...options,
  fn: () =>
    inTemp(async (dir) => {
      const letters = [..."ADEGIKLNSTV"];
      // A family without a column for residues 5 to 8.
      const family = Array.from({ length: 30 }, (_, r) =>
        [...GB1].map((letter, i) =>
          i > 3 && i < 8 ? "-" : (r * 7 + i * 3) % 5 ? letter : letters[(r + i) % 11]
        ).join(""));
      const query = GB1.slice(0, 4) + "----" + GB1.slice(8);
      await Deno.writeTextFile(
        `${dir}/x.a3m`,
        `>q\n${query}\n${
          family.map((row, i) => `>r${i}\n${row}\n`).join("")
        }`,
      );
      await Deno.writeTextFile(`${dir}/x.pdb`, spiral(GB1));
      await Deno.writeTextFile(
        `${dir}/t.csv`,
        [
          "id,sequence,structure,msa",
          ...["a", "b"].map((id) => `${id},${GB1},${dir}/x.pdb,${dir}/x.a3m`),
        ].join("\n") + "\n",
      );
      const { code, err } = await contacts([
        ...[
          "--table",
          `${dir}/t.csv`,
          "--window",
          "40",
          "--bootstrap",
          "20",
          "--out",
          `${dir}/out`,
        ],
      ]);
      equal(code, 0, err);
      const table = async (name: string) =>
        parseTable(await Deno.readTextFile(`${dir}/out/${name}`), name).rows.map((r) => r.fields);
      const rows = await table("evaluation.csv");
      deepEqual([...new Set(rows.map((row) => row.predictor))], ["head", "covariance"]);
      const counts = (predictor: string) =>
        rows.filter((row) => row.predictor === predictor).map((row) =>
          [row.protein, row.range, row.pairs, row.contacts, row.not_predicted].join()
        );
      deepEqual(counts("head"), counts("covariance"));
      const long = rows.find((row) => row.range === "long")!;
      equal(Number(long.pairs) + Number(long.not_predicted), knownLongPairs());
      ok(Number(long.not_predicted) > 256 - 2 * 16, long.not_predicted);
      const summary = await table("summary.csv");
      deepEqual([...new Set(summary.map((row) => row.predictor))], ["head", "covariance"]);
      equal(summary.length, 24);
      const report = await Deno.readTextFile(`${dir}/out/report.html`);
      // Residues 1 to 16 and 41 to 56 meet in no window.
      match(report, /a: 256 of 1275 pairs at least 6 apart are in no window together and are not/);
      match(report, /not predicted \(256 pairs/);
    }),
});

Deno.test({
  name:
    "contacts names pairs as the structure does, and takes its whole sequence or what is resolved",
  ...options,
  fn: () =>
    inTemp(async (dir) => {
      const path = new URL("fixtures/small.bcif", import.meta.url).pathname;
      const run = async (...args: string[]) => {
        const { code, out, err } = await contacts([
          ...["--structure", path, "--out", `${dir}/out`, "--top", "0", ...args],
        ]);
        equal(code, 0, err);
        const { notes, proteins } = JSON.parse(await Deno.readTextFile(`${dir}/out/run.json`));
        const text = await Deno.readTextFile(`${dir}/out/contacts.csv`);
        const rows = parseTable(text, "contacts.csv").rows.map(({ fields }) => fields);
        return { out, notes, proteins, rows };
      };
      const whole = await run();
      equal(whole.proteins[0].length, 9);
      // Residues 1, 5 and 9 have no coordinates, but the file numbers them.
      const pair = whole.rows.find(({ i, j }) => i === "2" && j === "8")!;
      deepEqual(
        [pair.residue_i, pair.residue_j, pair.chain, pair.author_i, pair.author_j],
        ["C", "K", "X", "1", "61"],
      );
      // Cβ of residue k (from 0) is at 3.8 k + 1.6, −3.125, −k / 2.
      equal(pair.distance, Math.hypot(3.8 * 6, 3).toFixed(3));
      equal(pair.contact, "0");
      const missing = whole.rows.find(({ i, j }) => i === "1" && j === "7")!;
      deepEqual([missing.author_i, missing.author_j, missing.distance, missing.contact], [
        ...["-1", "60", "", ""],
      ]);
      match(whole.out, /X\/1 X\/61/);
      const alone = await run("--resolved-only");
      equal(alone.proteins[0].length, 6);
      equal(alone.rows.length, 0);
    }),
});

/** Pairs of GB1 at least 24 apart without residues 21 and 22, which have no coordinates. */
function knownLongPairs(): number {
  let pairs = 0;
  const isKnown = (i: number) => i !== 20 && i !== 21;
  for (let i = 0; i < 56; i++) {
    for (let j = i + 24; j < 56; j++) if (isKnown(i) && isKnown(j)) pairs++;
  }
  return pairs;
}

Deno.test({
  name: "contacts that is interrupted leaves no file and no folder",
  ...options,
  fn: () =>
    inTemp(async (dir) => {
      const interrupt = new AbortController();
      const running = contacts([
        ...["--sequence", GB1.repeat(4), "--method", "jacobian", "--out", `${dir}/deep/out`],
      ], interrupt.signal);
      setTimeout(() => interrupt.abort(new DOMException("Interrupted", "AbortError")), 500);
      const { code, err } = await running;
      equal(code, 130, err);
      deepEqual([...Deno.readDirSync(dir)], []);
    }),
});

Deno.test("contacts --help names every option on lines of at most 100 characters", async () => {
  const { code, out } = await contacts(["--help"]);
  equal(code, 0);
  for (const name of ["--method", "--structure", "--rank-heads", "--motif", "--msa", "--window"]) {
    ok(out.includes(name), name);
  }
  ok(out.split("\n").every((line) => line.length <= 100));
});
