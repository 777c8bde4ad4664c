/** Lenses against fair-esm's states and logits, and against the head in double precision. */
import { type Backend, openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { Esm2, tokenize } from "../lib/esm2/mod.ts";
import { LENS_LETTERS, LensReader, LensView, type TunedLens } from "../lib/lens/mod.ts";
import { allClose, deepEqual, equal, ok } from "./assert.ts";
import { forwardFixtures, tinyPath } from "./fixtures.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";
import { headOf, linear, logSoftmax } from "./lens_oracle.ts";
import { batchOf, record } from "./parity.ts";

const { sequences, arrays } = forwardFixtures().find(({ name }) => name === "tiny_batch")!;
const LAYERS = 4, D = 128, FIRST = 4;

const letters = (logits: number[]) => logSoftmax(logits.slice(FIRST, FIRST + 20));

/** One character a residue. */
const shown = (residues: string) => residues.replaceAll("<mask>", "_");

/** Rows of a fixture's states [B, layers + 1, T, D] at a depth. */
function statesOf(depth: number, sequence: number): number[][] {
  const { data, shape: [, layers, tokens, width] } = arrays.hidden_states;
  return Array.from({ length: shown(sequences[sequence]).length }, (_, i) => {
    const at = ((sequence * layers + depth) * tokens + i + 1) * width;
    return Array.from(data.subarray(at, at + width));
  });
}

/** Small maps that are no identity. */
function someLens(): TunedLens {
  const array = (length: number, layer: number, size: number) =>
    Float32Array.from({ length }, (_, i) => size * Math.sin(1.7 * i + layer));
  return {
    dModel: D,
    matrices: Array.from({ length: LAYERS }, (_, l) => array(D * D, l, 0.02)),
    biases: Array.from({ length: LAYERS }, (_, l) => array(D, l, 0.3)),
  };
}

async function check(backend: Backend): Promise<void> {
  using checkpoint = await openCheckpoint(tinyPath);
  await using esm = await Esm2.open(checkpoint, backend);
  const { head, decode } = await headOf(checkpoint);
  const tuned = someLens();
  const before = backend.liveBytes;
  {
    using reader = new LensReader(esm, { tuned });
    const found = await reader.read(sequences.map((residues, i) => ({
      ids: tokenize({ id: `${i}`, residues }),
      tokens: Array.from(shown(residues), (_, r) => r + 1),
    })));
    for (const [s, written] of sequences.entries()) {
      const residues = shown(written), view = new LensView(found[s], residues);
      equal(view.layers, LAYERS);
      for (let layer = 0; layer <= LAYERS; layer++) {
        const states = statesOf(layer, s);
        for (let r = 0; r < residues.length; r++) {
          // The fixture's last state is after the final LayerNorm.
          const expected = layer === LAYERS ? decode(states[r]) : head(states[r]);
          const name = `${residues[r]}${r + 1} after ${layer}`;
          allClose(view.logProbs(r, "logit", layer), letters(expected), { atol: 2e-4 }, name);
          if (layer < LAYERS) {
            const { matrices: { [layer]: matrix }, biases: { [layer]: bias } } = tuned;
            const moved = linear(states[r], matrix, bias).map((v, i) => v + states[r][i]);
            allClose(
              view.logProbs(r, "tuned", layer),
              letters(head(moved)),
              { atol: 1e-3 },
              `${name}, tuned`,
            );
          } else deepEqual(view.logProbs(r, "tuned", layer), view.logProbs(r, "logit", layer));
        }
      }
      // The model's own log probabilities: fair-esm's, and to the last bit the engine's.
      const { logits } = await record(esm, batchOf([written]));
      for (let r = 0; r < residues.length; r++) {
        const all = logSoftmax(Array.from(logits.subarray((r + 1) * 33, (r + 2) * 33)));
        const outside = all.filter((_, t) => t < FIRST || t >= FIRST + 20)
          .reduce((sum, x) => sum + Math.exp(x), 0);
        const reading = view.read(r, "logit", LAYERS);
        ok(Math.abs(reading.outside - outside) < 1e-5);
        equal(reading.kl, 0);
        const truth = LENS_LETTERS.indexOf(residues[r]);
        if (truth < 0) continue;
        const whole = reading.logProb + Math.log1p(-reading.outside);
        ok(Math.abs(whole - all[FIRST + truth]) < 1e-4, `${whole} for ${all[FIRST + truth]}`);
      }
    }
  }
  {
    // In one batch of its own size the rows are exactly those that the model's head gives.
    using reader = new LensReader(esm);
    const residues = sequences[0], ids = tokenize({ id: "p", residues });
    const rows = Array.from(residues, (_, r) => r + 1);
    const logits = await reader.logits(batchOf([residues]), rows);
    using result = await esm.run(batchOf([residues]), { head: { rows } });
    deepEqual(logits[LAYERS], await result.logits!.read());
    equal(logits.length, LAYERS + 1);
    // A hidden residue is that of the sequence with <mask> written in it.
    const hidden = ids.slice();
    hidden[3] = 32;
    const [one] = await reader.read([{ ids: hidden, tokens: [3] }]);
    const written = `${residues.slice(0, 2)}<mask>${residues.slice(3)}`;
    const [two] = await reader.read([{
      ids: tokenize({ id: "q", residues: written }),
      tokens: [3],
    }]);
    deepEqual(one, two);
  }
  equal(backend.liveBytes, before, "every tensor is freed");
}

for (const name of ["cpu", "wasm", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `lenses read fair-esm's states as the head in double precision does: ${name}${
      skip ? gpuSkipped : ""
    }`,
    ignore: skip,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      const { backend } = await openBackend(name);
      await using _ = backend;
      await check(backend);
    },
  });
}

Deno.test("LensView: letters, ranks, divergences and where a residue is settled", () => {
  const places = [0, 1, 2, 3].map((layer) => ({ lens: "logit" as const, layer }));
  /** Log probabilities with so much on some letters and the rest alike. */
  const row = (mass: Record<string, number>, outside = 0) => {
    const left = 1 - Object.values(mass).reduce((a, b) => a + b, 0);
    const each = left / (20 - Object.keys(mass).length);
    return [...[...LENS_LETTERS].map((letter) => Math.log(mass[letter] ?? each)), outside];
  };
  const data = Float32Array.from([
    // First residue W: decided from layer 1 on. Second, X: at the end only.
    ...[row({ L: 0.5 }, 0.1), row({ W: 0.5 }), row({ W: 0.4, L: 0.3 }), row({ W: 0.6 })],
    ...[row({ G: 0.5 }), row({ A: 0.5 }), row({ G: 0.5 }), row({ A: 0.9 })],
  ].flat());
  const view = new LensView({ places, residues: 2, data }, "WX");
  deepEqual([view.decidedAt(0, "logit"), view.decidedAt(1, "logit")], [1, 3]);
  const first = view.read(0, "logit", 0), third = view.read(0, "logit", 2);
  equal(first.letter, "L");
  equal(third.rank, 1);
  allClose([first.probability, first.outside], [0.5, 0.1], { atol: 1e-6 });
  allClose([third.logProb], [Math.log(0.4)], { atol: 1e-6 });
  const p = [0.6, ...new Array(19).fill(0.4 / 19)], q = [0.5, ...new Array(19).fill(0.5 / 19)];
  const kl = p.reduce((sum, x, i) => sum + x * Math.log(x / q[i]), 0);
  const entropy = -q.reduce((sum, x) => sum + x * Math.log(x), 0);
  const second = view.read(0, "logit", 1);
  allClose([second.kl, second.entropy], [kl, entropy], { atol: 1e-6 });
  ok(Number.isNaN(view.read(1, "logit", 0).rank), "X has no rank");
  ok(Number.isNaN(view.read(1, "logit", 0).logProb));
});
