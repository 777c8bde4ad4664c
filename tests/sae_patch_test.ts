/** The sae patch command from its arguments to its files. */
import { sis1 } from "../data/sis1.ts";
import { openBackend } from "../lib/backend/mod.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { LETTERS } from "../lib/esm2/alphabet.ts";
import { openModel } from "../lib/hub/open_model.ts";
import { parseTable } from "../lib/io/csv.ts";
import { allClose, deepEqual, equal, match, ok } from "./assert.ts";
import { batchOf } from "./parity.ts";
import { runSae, type SaeOutcome } from "./sae_run.ts";

const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
const onCpu = ["patch", "--backend", "cpu"];
const done = ({ code, err }: SaeOutcome) => equal(code, 0, err);

async function rows(dir: string, name = "patches.csv"): Promise<Record<string, string>[]> {
  const text = await Deno.readTextFile(`${dir}/out/${name}`);
  return parseTable(text, name).rows.map(({ fields }) => fields);
}

/** log p(to) − log p(from) at a residue of a sequence, by a plain pass of the whole model. */
async function marginal(sequence: string, position: number, from: string, to: string) {
  using model = await openModel(undefined);
  await using backend = (await openBackend("cpu")).backend;
  await using esm = await Esm2.open(model.checkpoint, backend);
  using result = await esm.run(batchOf([sequence]), { head: { rows: [position] } });
  const logits = await result.logits!.read();
  return logits[LETTERS.get(to)!] - logits[LETTERS.get(from)!];
}

test("sae patch: controls without change are exactly zero, all with the error is the mutant", () =>
  runSae(
    [...onCpu, "--mutations", "L7T,E50L", "--at", "all", "--error", "patch", "--layers", "1,2,3"],
    async (outcome) => {
      done(outcome);
      deepEqual(outcome.files, ["patches.csv", "report.html", "run.json", "summary.csv"]);
      const all = await rows(outcome.dir);
      const noop = all.filter(({ control }) => control === "noop");
      equal(noop.length, 2 * 3 * 5);
      ok(
        noop.every(({ change }) => change === "0"),
        "a patch of the value itself changed something",
      );
      const [own] = [await marginal(sis1.residues, 7, "L", "T")];
      const mutant = sis1.residues.slice(0, 6) + "T" + sis1.residues.slice(7);
      const its = await marginal(mutant, 7, "L", "T");
      for (const layer of ["1", "2", "3"]) {
        const [whole] = all.filter((row) =>
          row.layer === layer && row.mutation === "L7T" && row.control === "all"
        );
        // Logits up to 21 in float32.
        allClose([Number(whole.baseline_score)], [own], { atol: 5e-4 });
        allClose([Number(whole.patched_score)], [its], { atol: 5e-4 });
      }
      for (const row of all.filter(({ control }) => control === "real")) {
        const { wild_type_activation, mutant_activation, delta, patched_activation } = row;
        allClose(
          [Number(delta), Number(patched_activation)],
          [Number(mutant_activation) - Number(wild_type_activation), Number(mutant_activation)],
          { atol: 1e-5 },
        );
      }
      const run = JSON.parse(await Deno.readTextFile(`${outcome.dir}/out/run.json`));
      equal(run.command, "sae patch");
      deepEqual(run.saes.map(({ depth }: { depth: number }) => depth), [1, 2, 3]);
    },
  ));

test("sae patch --run mutant starts from the mutant and ends at the wild type", () =>
  runSae(
    [...onCpu, "--mutations", "L7T", "--run", "mutant", "--at", "all", "--error", "patch"],
    async (outcome) => {
      done(outcome);
      const [whole] = (await rows(outcome.dir)).filter(({ control }) => control === "all");
      const mutant = sis1.residues.slice(0, 6) + "T" + sis1.residues.slice(7);
      allClose(
        [Number(whole.baseline_score), Number(whole.patched_score)],
        [await marginal(mutant, 7, "L", "T"), await marginal(sis1.residues, 7, "L", "T")],
        { atol: 5e-4 },
      );
    },
  ));

test("sae patch --run masked reads the masked residue; several mutations add up", () =>
  runSae(
    [...onCpu, "--mutations", "L7T,L7T:E50L", "--run", "masked", "--sets", "none"],
    async (outcome) => {
      done(outcome);
      const all = await rows(outcome.dir);
      const masked = sis1.residues.slice(0, 6) + "<mask>" + sis1.residues.slice(7);
      const [first] = all;
      allClose([Number(first.baseline_score)], [await marginal(masked, 7, "L", "T")], {
        atol: 5e-4,
      });
      const double = all.filter(({ mutation }) => mutation === "L7T:E50L");
      equal(double[0].position, "7:50");
      ok(double.every(({ residue }) => residue === "7" || residue === "50"));
    },
  ));

const assay = "mutant,DMS_score,mutated_sequence\n" +
  ["MKTAYIAKQR:A4G:-4", "MKTAYIAKQR:A4C:-2", "MKTAYIAKQR:K2R:-3.5", "MKTAYIAKQR:K8E:0.5"]
    .map((row) => {
      const [wild, mutation, score] = row.split(":");
      const at = Number(mutation.slice(1, -1));
      return `${mutation},${score},${wild.slice(0, at - 1)}${mutation.at(-1)}${wild.slice(at)}`;
    }).join("\n") +
  "\n";

test("sae patch reads assays, filters their rows and keeps what was measured", () =>
  runSae(
    [...onCpu, "--assay", "a.csv", "--filter", "DMS_score < -3", "--top", "2"],
    async (outcome) => {
      done(outcome);
      const all = await rows(outcome.dir);
      deepEqual([...new Set(all.map(({ mutation }) => mutation))], ["A4G", "K2R"]);
      deepEqual([...new Set(all.map(({ measured }) => measured))], ["-4", "-3.5"]);
    },
    { "a.csv": assay },
  ));

test("sae patch draws the same sample and controls for the same seed, others for another", async () => {
  const texts: string[] = [];
  for (const seed of ["1", "1", "2"]) {
    await runSae(
      [...onCpu, "--sample", "3", "--seed", seed, "--replace", "resample"],
      async (outcome) => {
        done(outcome);
        match(outcome.err, /3 of 1539 variants/);
        texts.push(await Deno.readTextFile(`${outcome.dir}/out/patches.csv`));
      },
    );
  }
  equal(texts[0], texts[1]);
  ok(texts[0] !== texts[2]);
});

test("sae patch: ablations move every chosen latent to where they say", async () => {
  for (const kind of ["zero", "mean"]) {
    await runSae(
      [...onCpu, "--mutations", "L7T", "--replace", kind, "--controls", "none"],
      async (outcome) => {
        done(outcome);
        const real = (await rows(outcome.dir)).filter(({ control }) => control === "real");
        equal(real.length, 5);
        for (const { patched_activation, delta, wild_type_activation } of real) {
          if (kind === "zero") equal(Number(patched_activation), 0);
          ok(Number(delta) !== 0, "a latent that does not move is none of those that move most");
          // Written as the difference of what was there, in float32.
          allClose([Number(delta)], [Number(patched_activation) - Number(wild_type_activation)], {
            atol: 1e-6,
          });
        }
      },
    );
  }
});
