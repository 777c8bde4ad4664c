/** The sae circuit command from its arguments to its files. */
import { parseTable } from "../lib/io/csv.ts";
import { allClose, deepEqual, equal, ok } from "./assert.ts";
import { runSae, type SaeOutcome } from "./sae_run.ts";

const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
const onCpu = ["circuit", "--backend", "cpu"];
const done = ({ code, err }: SaeOutcome) => equal(code, 0, err);

async function rows(dir: string, name: string): Promise<Record<string, string>[]> {
  return parseTable(await Deno.readTextFile(`${dir}/out/${name}`), name).rows.map((r) => r.fields);
}

const small = {
  "a.csv": "mutant,DMS_score,mutated_sequence\nA4G,-4,MKTGYIAKQR\nK2R,-3,MRTAYIAKQR\n",
};

test("sae circuit: nodes, faithfulness and shared latents agree between its files", () =>
  runSae([...onCpu, "--mutations", "V2N,V2W,Q20P", "--share", "0.8"], async (outcome) => {
    done(outcome);
    const { dir, files } = outcome;
    deepEqual(files, [
      ...["circuit_nodes.csv", "circuits.csv", "circuits.json", "report.html", "run.json"],
      "shared_latents.csv",
    ]);
    const circuits = await rows(dir, "circuits.csv"), nodes = await rows(dir, "circuit_nodes.csv");
    const shared = await rows(dir, "shared_latents.csv");
    equal(circuits.length, 3);
    for (const row of circuits) {
      ok(Number(row.faithfulness) >= 0.8 && Number(row.faithfulness) <= 1.2, row.faithfulness);
      if (row.reached === "true") {
        ok(Number(row.random_faithfulness) < Number(row.faithfulness));
        ok(Number(row.random_sd) > 0);
        ok(Number(row.random_highest) >= Number(row.random_faithfulness));
      }
      const own = nodes.filter(({ mutation }) => mutation === row.mutation);
      equal(own.length, Number(row.circuit_nodes));
      deepEqual(own.map(({ rank }) => Number(rank)), own.map((_, i) => i + 1));
      const sizes = own.map(({ attribution }) => Math.abs(Number(attribution)));
      deepEqual(sizes, sizes.toSorted((a, b) => b - a));
      const latents = new Set(own.map(({ latent }) => latent).filter((l) => l !== "error"));
      equal(latents.size, Number(row.circuit_latents));
      for (const latent of latents) {
        const [one] = shared.filter((each) => each.latent === latent);
        ok(one.names.split(" ").includes(`SIS1_YEAST/${row.mutation}`));
        equal(one.names.split(" ").length, Number(one.mutations));
      }
    }
    const [{ record }] = JSON.parse(await Deno.readTextFile(`${dir}/out/circuits.json`))
      .map((record: unknown) => ({ record }));
    const { curve, size } = record.circuit;
    deepEqual([curve[0].faithfulness, curve.at(-1).faithfulness], [0, 1]);
    allClose(
      [curve.find((point: { nodes: number }) => point.nodes === size).faithfulness],
      [Number(circuits[0].faithfulness)],
      {},
    );
  }));

test("sae circuit: the table's medians are those of circuits.csv, and the report has the notes", () =>
  runSae([...onCpu, "--sample", "6", "--json"], async (outcome) => {
    done(outcome);
    const circuits = await rows(outcome.dir, "circuits.csv");
    const [{ medianNodes, medianMagnitudeNodes }] = JSON.parse(outcome.out).run.summary;
    for (
      const [found, column] of [
        [medianNodes, "circuit_nodes"],
        [medianMagnitudeNodes, "magnitude_nodes"],
      ] as const
    ) {
      const sizes = circuits.map((row) => Number(row[column])).sort((a, b) => a - b);
      equal(found, (sizes[2] + sizes[3]) / 2, column);
    }
    const report = await Deno.readTextFile(`${outcome.dir}/out/report.html`);
    const run = JSON.parse(await Deno.readTextFile(`${outcome.dir}/out/run.json`));
    equal(run.notes.length, 2);
    for (const note of run.notes) {
      ok(outcome.err.includes(note), note);
      ok(report.includes(note), note);
    }
  }));

test("sae circuit of two proteins counts latents over both; signed ranks need no more nodes", async () => {
  const sizes: number[] = [];
  for (const rank of ["absolute", "signed"]) {
    await runSae(
      [...onCpu, "--assay", "a.csv", "--assay", "b.csv", "--rank", rank],
      async (outcome) => {
        done(outcome);
        const circuits = await rows(outcome.dir, "circuits.csv");
        deepEqual(circuits.map(({ protein }) => protein), ["a", "a", "b", "b"]);
        sizes.push(circuits.reduce((sum, row) => sum + Number(row.circuit_nodes), 0));
        const shared = await rows(outcome.dir, "shared_latents.csv");
        ok(shared.length > 0);
        // The same protein twice: every latent is in both.
        ok(shared.every(({ proteins }) => proteins === "2"));
        for (const { names } of shared) {
          deepEqual([...new Set(names.split(" ").map((name) => name[0]))], ["a", "b"]);
        }
      },
      { ...small, "b.csv": small["a.csv"] },
    );
  }
  ok(sizes[1] <= sizes[0], sizes.join());
});
