import { type BackendName, openBackend } from "../backend/mod.ts";
import { allClose, deepEqual, equal, ok } from "../../tests/assert.ts";
import { type Array32, fixturePath, readFixture } from "../../tests/fixtures.ts";
import { runsGpuTests } from "../../tests/gpu.ts";
import { planChunks } from "./chunks.ts";
import { foldChains } from "./input.ts";
import type { StructureBlock } from "./structure_module.ts";
import { EsmFold, type Fold, type FoldPass, relativeBins } from "./model.ts";
import { openFold } from "./open.ts";

/** Sequences of the golden files, `:` where fair-esm puts a linker; and passes after the first. */
const GOLDEN: Record<string, { residues: string; recycles: number }> = {
  s12: { residues: "MKTAYIAKQRQW", recycles: 3 },
  s21: { residues: "GSHVLCEPDFNRXKGYWTMIA", recycles: 3 },
  multimer: { residues: "MKTAYI:GSHVL", recycles: 0 },
};
const chainsOf = (id: string) => foldChains({ id, residues: GOLDEN[id].residues });

async function withFold(
  backendName: BackendName,
  use: (model: EsmFold) => Promise<void>,
  options: { lowMemory?: boolean } = {},
): Promise<void> {
  const { backend } = await openBackend(backendName);
  await using _ = backend;
  using checkpoint = await openFold(fixturePath("esmfold/model"));
  {
    await using model = await EsmFold.open(checkpoint, backend, options);
    await use(model);
  }
  equal(backend.liveBytes, 0, "bytes of tensors still live");
}

const test = (name: string, backend: BackendName, fn: () => Promise<void>) =>
  Deno.test({
    name: `${name} (${backend})`,
    ignore: backend === "webgpu" && !runsGpuTests,
    sanitizeOps: false,
    sanitizeResources: false,
    fn,
  });

/** Tolerances of a float32 engine: those of the golden files' README. */
const POSITIONS = { atol: 5e-5 }, STATES = { atol: 5e-5, rtol: 1e-5 }, PAE = { atol: 1e-4 };

function checkFinal(name: string, f: Record<string, Array32>, fold: Fold): void {
  const close = (label: string, own: ArrayLike<number>, tolerance: object) =>
    allClose(own, f[label].data, tolerance, `${name}: ${label}`);
  deepEqual([...fold.chains.types], [...f.aatype.data]);
  deepEqual([...fold.chains.places], [...f.residue_index.data]);
  close("positions_atom14", fold.positions14, POSITIONS);
  close("positions_atom37", fold.positions37, POSITIONS);
  // fair-esm leaves the linker out when it writes a file.
  const kept = f.atom37_exists.data.map((one, at) => one * fold.chains.kept[Math.floor(at / 37)]);
  deepEqual([...fold.exists], [...kept]);
  close("lddt_logits_last", fold.logits.lddt, STATES);
  close("plddt", fold.plddt, { atol: 1e-6 });
  close("ptm_logits", fold.logits.ptm, STATES);
  close("pae", fold.pae, PAE);
  close("distogram_logits", fold.logits.distogram, STATES);
  close("lm_logits", fold.logits.letters, STATES);
  allClose([fold.ptm], [...f.ptm_per_member.data], { atol: 1e-6 }, `${name}: pTM`);
}

/** Made units, short vectors of sine and cosine grow, and what they are off by with them. */
const ANGLES = { atol: 2e-4 };

/** What the structure module gives in every pass, and more of the last. */
function checkPasses(
  name: string,
  f: Record<string, Array32>,
  passes: readonly (readonly StructureBlock[])[],
): void {
  const close = (label: string, own: number[], tolerance: object) =>
    allClose(own, f[label].data, tolerance, `${name}: ${label}`);
  const framesOf = ({ frames: { quaternions, translations } }: StructureBlock) =>
    Array.from({ length: translations.length / 3 }, (_, i) => [
      ...quaternions.subarray(4 * i, 4 * i + 4),
      ...translations.subarray(3 * i, 3 * i + 3),
    ]).flat();
  const all = passes.flat(), last = passes.at(-1)!;
  if (f["sm.frames"]) {
    close("sm.frames", all.flatMap(framesOf), POSITIONS);
    close("sm.angles", all.flatMap(({ angles }) => [...angles]), ANGLES);
    close("sm.positions", all.flatMap(({ positions }) => [...positions]), POSITIONS);
    close("sm.states", all.flatMap(({ states }) => [...states]), STATES);
  }
  close("frames", last.flatMap(framesOf), POSITIONS);
  close("angles", last.flatMap(({ angles }) => [...angles]), ANGLES);
  if (f.unnormalized_angles_last) {
    const own = last.flatMap(({ unnormalised }) => [...unnormalised]);
    close("unnormalized_angles_last", own, STATES);
  }
  if (f.sidechain_frames_last) {
    const { rotations, origins } = last.at(-1)!.groups;
    const own = Array.from({ length: origins.length / 3 }, (_, n) => [
      ...[0, 1, 2].flatMap((r) => [
        ...rotations.subarray(9 * n + 3 * r, 9 * n + 3 * r + 3),
        origins[3 * n + r],
      ]),
      ...[0, 0, 0, 1],
    ]).flat();
    close("sidechain_frames_last", own, POSITIONS);
  }
}

for (const backend of ["cpu", "wasm", "webgpu"] as const) {
  for (const name of ["s12", "s21", "multimer"]) {
    test(`every array of ${name} is fair-esm's`, backend, () =>
      withFold(backend, async (model) => {
        const f = readFixture(`esmfold/${name}`);
        const chains = chainsOf(name);
        const { mixed, initial } = await model.languageStates(chains);
        const passes: FoldPass[] = [];
        const { recycles } = GOLDEN[name];
        const fold = await model.fold(chains, { recycles, onPass: (pass) => passes.push(pass) });
        allClose(mixed, f.esm_s.data, { atol: 2e-5 }, "esm_s");
        allClose(initial, f.s_s_0.data, { atol: 2e-5 }, "s_s_0");
        const table = model.weights.get("trunk.pairwise_positional_embedding.embedding.weight")!;
        const relative = relativeBins(chains.places, model.checkpoint.config.positionBins);
        const relpos = [...relative].flatMap((bin) => [...table.subarray(bin * 16, bin * 16 + 16)]);
        allClose(relpos, f.relpos.data, {}, "relpos");
        equal(passes.length, recycles + 1);
        const last = passes.at(-1)!;
        allClose(last.state.single, f.s_s.data, STATES, "s_s");
        allClose(last.state.pair, f.s_z.data, STATES, "s_z");
        checkFinal(name, f, fold);
        checkPasses(name, f, passes.map(({ blocks }) => blocks));
      }));
  }

  test(
    "the trunk's blocks of every pass are fair-esm's",
    backend,
    () =>
      withFold(backend, async (model) => {
        const f = readFixture("esmfold/s21");
        const chains = chainsOf("s21");
        const { initial } = await model.languageStates(chains);
        const length = chains.types.length;
        const relative = relativeBins(chains.places, model.checkpoint.config.positionBins);
        const of = ({ data, shape: [passes] }: Array32, pass: number) => {
          const each = data.length / passes;
          return data.subarray(pass * each, (pass + 1) * each) as Float32Array;
        };
        for (let pass = 0; pass < f.recycle_bins.shape[0]; pass++) {
          // From what fair-esm's last block gave in the pass before.
          const before = pass === 0
            ? {
              single: new Float32Array(length * 32),
              pair: new Float32Array(length * length * 16),
            }
            : { single: of(f.block1_s, pass - 1).slice(), pair: of(f.block1_z, pass - 1).slice() };
          const bins = Uint8Array.from(of(f.recycle_bins, pass));
          const state = model.begin(before, { bins, relative, initial });
          await model.trunk.run(state, length, {
            chunks: planChunks(model.checkpoint.config, length),
            async onBlock(index, read) {
              const { single, pair } = await read();
              const label = `pass ${pass}, block ${index}`;
              allClose(single, of(f[`block${index}_s`], pass), STATES, label);
              allClose(pair, of(f[`block${index}_z`], pass), STATES, label);
            },
          });
        }
      }),
  );
}

/** One member of a padded batch's array, without padding. */
function member({ shape, data }: Array32, b: number, length: number, size: number): Array32 {
  const each = data.length / shape[0], own = data.subarray(b * each, (b + 1) * each);
  const axes = shape.slice(1).map((n) => n === size);
  const pairs = axes[0] && axes[1];
  const inner = shape.slice(pairs ? 3 : 2).reduce((product, n) => product * n, 1);
  const rows = Array.from(
    { length },
    (_, i) =>
      pairs
        ? Array.from(own.subarray(i * size * inner, (i * size + length) * inner))
        : Array.from(own.subarray(i * inner, (i + 1) * inner)),
  );
  return { shape: [length], data: Float32Array.from(rows.flat()) };
}

for (const backend of ["cpu", "wasm", "webgpu"] as const) {
  test(
    "members of a padded batch fold as they do alone, with the pTM of each",
    backend,
    () =>
      withFold(backend, async (model) => {
        const f = readFixture("esmfold/batch"), size = f.mask.shape[1];
        for (const [b, name] of ["s12", "s21"].entries()) {
          const chains = chainsOf(name), length = chains.types.length;
          let last: FoldPass | undefined;
          const { mixed, initial } = await model.languageStates(chains);
          const fold = await model.fold(chains, { onPass: (pass) => last = pass });
          const close = (label: string, own: ArrayLike<number>, tolerance: object) =>
            allClose(own, member(f[label], b, length, size).data, tolerance, `${name}: ${label}`);
          close("esm_s", mixed, STATES);
          close("s_s_0", initial, STATES);
          close("s_s", last!.state.single, STATES);
          close("s_z", last!.state.pair, STATES);
          close("positions_atom14", fold.positions14, POSITIONS);
          close("positions_atom37", fold.positions37, POSITIONS);
          close("atom37_exists", fold.exists, {});
          close("lddt_logits_last", fold.logits.lddt, STATES);
          close("plddt", fold.plddt, { atol: 1e-6 });
          close("ptm_logits", fold.logits.ptm, STATES);
          close("pae", fold.pae, PAE);
          close("distogram_logits", fold.logits.distogram, STATES);
          close("lm_logits", fold.logits.letters, STATES);
          allClose([fold.ptm], [f.ptm_per_member.data[b]], { atol: 1e-6 });
        }
      }),
  );

  test(
    "rows of pairs at a time change no bit, nor do weights read each time",
    backend,
    async () => {
      const chains = chainsOf("s21");
      const found: Fold[] = [];
      for (
        const [options, lowMemory] of [
          [{ rows: 21 }, false],
          [{ rows: 5, chunkBytes: 60_000 }, false],
          [{ rows: 2 }, true],
        ] as const
      ) {
        await withFold(backend, async (model) => {
          found.push(await model.fold(chains, { ...options, recycles: 1 }));
        }, { lowMemory });
      }
      const numbers = ({ positions14, pae, plddt, logits }: Fold) => [
        ...[positions14, pae, plddt, logits.distogram, logits.ptm, logits.letters, logits.lddt],
      ];
      for (const other of found.slice(1)) {
        for (const [n, values] of numbers(other).entries()) {
          const first = numbers(found[0])[n];
          const same = values.length === first.length && values.every((v, i) => v === first[i]);
          ok(same, `${n}`);
        }
      }
    },
  );
}

test(
  "masked residues are hidden from the language model alone",
  "cpu",
  () =>
    withFold("cpu", async (model) => {
      const f = readFixture("esmfold/s12_maskpattern_fair");
      const chains = chainsOf("s12");
      const fold = await model.fold(chains, { recycles: 0, masked: new Set([2, 7]) });
      for (
        const [name, own] of [["positions_atom14", fold.positions14], [
          "plddt",
          fold.plddt,
        ]] as const
      ) {
        ok(f[name], Object.keys(f).join());
        allClose(own, f[name].data.slice(-own.length), POSITIONS, name);
      }
    }),
);
