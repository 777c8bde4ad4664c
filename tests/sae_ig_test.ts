/** The sae ig command from its arguments to its files. */
import { sis1 } from "../data/sis1.ts";
import { parseTable } from "../lib/io/csv.ts";
import { readNpz } from "../lib/io/npz.ts";
import { openRandomAccess } from "../lib/io/random_access.ts";
import { allClose, deepEqual, equal, match, ok } from "./assert.ts";
import { runSae, type SaeOutcome } from "./sae_run.ts";

const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
const onCpu = ["ig", "--backend", "cpu"];
const done = ({ code, err }: SaeOutcome) => equal(code, 0, err);

async function rows(dir: string, name: string): Promise<Record<string, string>[]> {
  return parseTable(await Deno.readTextFile(`${dir}/${name}`), name).rows.map((r) => r.fields);
}

test("sae ig: attributions add up to the effect, in both files alike", () =>
  runSae(
    [...onCpu, "--mutations", "L7T,E50L", "--layers", "1,3", "--keep", "100000"],
    async (outcome) => {
      done(outcome);
      const { dir, files, out } = outcome;
      deepEqual(files, [
        ...["attributions.csv", "attributions.npz", "mutations.csv", "report.html", "run.json"],
      ]);
      match(out, /top-20 share +by magnitude/);
      const mutations = await rows(`${dir}/out`, "mutations.csv");
      const attributions = await rows(`${dir}/out`, "attributions.csv");
      using source = await openRandomAccess(`${dir}/out/attributions.npz`);
      const arrays = await readNpz(source);
      const offsets = arrays.get("offsets")!.data as Int32Array;
      const stored = arrays.get("attribution")!.data as Float64Array;
      equal(mutations.length, 4);
      for (const [v, row] of mutations.entries()) {
        const own = attributions.filter(({ mutation, layer }) =>
          mutation === row.mutation && layer === row.layer
        );
        const values = own.map(({ attribution }) => Number(attribution));
        const sum = values.reduce((a, b) => a + b, 0);
        allClose([sum], [Number(row.attribution_sum)], { atol: 1e-9 });
        allClose([sum], [Number(row.total_effect)], {
          atol: 0.05 * Math.abs(Number(row.total_effect)),
        });
        allClose(stored.subarray(offsets[v], offsets[v + 1]), values, {});
        const share = own.reduce((total, { share }) => total + Number(share), 0);
        allClose([share], [1], { atol: 1e-9 });
        equal(row.adds_up, "true");
        // One error term per token, <cls> and <eos> included, as far as it moves.
        const errors = own.filter(({ latent }) => latent === "error");
        ok(errors.length > 0 && errors.length <= sis1.residues.length + 2);
        ok(Number(row.top_20_share) > 0 && Number(row.magnitude_top_20_share) > 0);
      }
    },
  ));

test("sae ig --method first-order and --steps take what they say", () =>
  runSae(
    [...onCpu, "--mutations", "L7T", "--steps", "3", "--rule", "left", "--from", "zero"],
    async (outcome) => {
      done(outcome);
      const [row] = await rows(`${outcome.dir}/out`, "mutations.csv");
      equal(row.steps, "3");
      await runSae([...onCpu, "--mutations", "L7T", "--method", "first-order"], async (one) => {
        done(one);
        const [first] = await rows(`${one.dir}/out`, "mutations.csv");
        equal(first.steps, "1");
      });
    },
  ));
