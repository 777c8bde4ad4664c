import { openBackend } from "../backend/mod.ts";
import { Esm2 } from "../esm2/mod.ts";
import { openModel } from "../hub/open_model.ts";
import { gpuSkipped, runsGpuTests } from "../../tests/gpu.ts";
import { allClose, deepEqual, equal } from "../../tests/assert.ts";
import { analyzeSites } from "./analyze.ts";

const PROTEINS = ["MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ", "GSHMLEDPVDAFKKYG", "MQYKLVINGKTLKGETTTK"]
  .map(
    (residues, i) => ({
      id: `p${i}`,
      residues,
      sites: [3, 8].map((residue) => ({ residue, letter: residues[residue - 1] })),
    }),
  );

for (const name of ["cpu", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `Maps are made of states that went by, as by a second run: ${name}${
      skip ? gpuSkipped : ""
    }`,
    ignore: skip,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const { backend } = await openBackend(name);
      await using _ = backend;
      using opened = await openModel(undefined);
      await using model = await Esm2.open(opened.checkpoint, backend);
      let runs = 0;
      const run = model.run.bind(model);
      model.run = (...args) => (runs++, run(...args));
      const analyse = async (keptBytes?: number) => {
        runs = 0;
        const options = { threshold: 0, trials: 20, layers: [0, 2, 3], maps: 6, keptBytes };
        const { proteins } = await analyzeSites(model, PROTEINS, options);
        return { proteins, runs };
      };
      const live = backend.liveBytes, once = await analyse();
      equal(once.runs, 1, "all are one batch");
      equal(backend.liveBytes, live, "every state is freed");
      const states = 4 * 3 * 3 * (PROTEINS[0].residues.length + 2) * model.config.dModel;
      equal((await analyse(states)).runs, 1);
      const twice = await analyse(states - 1);
      equal(twice.runs, 1 + PROTEINS.length, "states that are too many are not kept");
      once.proteins.forEach(({ maps, residues }, p) => {
        const others = twice.proteins[p].maps;
        const names = (all: typeof maps) => all.map(({ layer, head }) => [layer, head]);
        deepEqual(names(maps), names(others));
        equal(maps.length, 6);
        maps.forEach(({ steps, received, max, bin }, i) => {
          deepEqual([steps.length, bin], [residues.length ** 2, 1]);
          allClose(steps, others[i].steps, { atol: 1 }, "steps");
          allClose(received, others[i].received, { atol: 2e-6 * residues.length });
          allClose([max], [others[i].max], { atol: 2e-6 });
        });
      });
    },
  });
}
