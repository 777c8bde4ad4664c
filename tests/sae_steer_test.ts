/** The sae steer and sae latents commands from their arguments to their files. */
import { sis1 } from "../data/sis1.ts";
import { parseTable } from "../lib/io/csv.ts";
import { readNpz } from "../lib/io/npz.ts";
import { openRandomAccess } from "../lib/io/random_access.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { runSae, type SaeOutcome } from "./sae_run.ts";

const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
const done = ({ code, err }: SaeOutcome) => equal(code, 0, err);

async function rows(dir: string, name: string): Promise<Record<string, string>[]> {
  return parseTable(await Deno.readTextFile(`${dir}/out/${name}`), name).rows.map((r) => r.fields);
}

/** Latents of the embedded autoencoder that detect a letter best. */
async function detectors(): Promise<Record<string, string>[]> {
  let found: Record<string, string>[] = [];
  await runSae(["latents", "--backend", "cpu", "--no-fidelity"], async (outcome) => {
    done(outcome);
    deepEqual(outcome.files, ["latents.csv", "letters.csv", "report.html", "run.json"]);
    found = await rows(outcome.dir, "latents.csv");
    const letters = await rows(outcome.dir, "letters.csv");
    for (const { latent, letter, letter_precision, active_residues } of found.slice(0, 5)) {
      const [one] = letters.filter((row) => row.latent === latent && row.letter === letter);
      equal(one.precision, letter_precision);
      const all = letters.filter((row) => row.latent === latent);
      equal(
        all.reduce((sum, row) => sum + Number(row.active_residues), 0),
        Number(active_residues),
      );
    }
  });
  return found;
}

test("sae latents finds letter detectors, and steering one makes the model write its letter", async () => {
  const found = await detectors();
  ok(Number(found[0].letter_f1) > 0.9, "the clearest detector");
  const valine = found.find(({ letter, letter_f1 }) => letter === "V" && Number(letter_f1) > 0.9)!;
  await runSae(["steer", "--backend", "cpu", "--set", `${valine.latent}=5max`], async (outcome) => {
    done(outcome);
    deepEqual(outcome.files, ["logits.npz", "report.html", "run.json", "steering.csv"]);
    const residues = await rows(outcome.dir, "steering.csv");
    equal(residues.map(({ letter }) => letter).join(""), sis1.residues);
    const steered = residues.filter(({ steered }) => steered === "V").length;
    ok(steered > residues.length / 2, `${steered} of ${residues.length}`);
    match(outcome.out, new RegExp(`steered +${residues.map((r) => r.steered).join("")}`));
    const changed = residues.filter(({ changed }) => changed === "true");
    deepEqual(changed, residues.filter(({ predicted, steered }) => predicted !== steered));
  });
});

test("sae steer with a factor of 1 changes no logit at all", async () => {
  const [{ latent }] = await detectors();
  await runSae(["steer", "--backend", "cpu", "--scale", `${latent}=1`], async (outcome) => {
    done(outcome);
    using source = await openRandomAccess(`${outcome.dir}/out/logits.npz`);
    const arrays = await readNpz(source);
    deepEqual(arrays.get("logits")!.data, arrays.get("logits_steered")!.data);
    const residues = await rows(outcome.dir, "steering.csv");
    ok(residues.every(({ divergence }) => divergence === "0"));
  });
});

test("sae steer touches the chosen residues' streams only", async () => {
  await runSae(
    ["steer", "--backend", "cpu", "--layer", "3", "--set", "7=30", "--at", "20"],
    async (outcome) => {
      done(outcome);
      const residues = await rows(outcome.dir, "steering.csv");
      const divergence = residues.map((row) => Number(row.divergence));
      equal(divergence.indexOf(Math.max(...divergence)), 19);
    },
  );
});
