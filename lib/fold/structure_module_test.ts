import { allClose, ok } from "../../tests/assert.ts";
import { type Array32, readFixture } from "../../tests/fixtures.ts";
import { atoms14, atoms37, groupFrames } from "./all_atom.ts";
import { GROUPS } from "./constants.ts";
import { apply, applyInverse, rotationsOf, updated } from "./rigid.ts";
import type { StructureConfig } from "./structure_config.ts";
import { StructureModule } from "./structure_module.ts";

/** Extents of the fixtures' random model. */
const CONFIG: StructureConfig = {
  ...{ blocks: 3, single: 24, pair: 12, heads: 3, headWidth: 4, queryPoints: 2, valuePoints: 3 },
  ...{ angleBlocks: 2, angleWidth: 16, transitions: 1, scale: 10 },
};

const f64 = ({ data }: Array32) => Float64Array.from(data);
const fixture = (name: string) => readFixture(`esmfold/${name}`);

function tinyModule(): StructureModule {
  const arrays = readFixture("esmfold/model/model", ["I64"]);
  const weights = new Map<string, ArrayLike<number>>();
  for (const [name, { data }] of Object.entries(arrays)) {
    const [, own] = /^trunk\.structure_module\.(.+)$/.exec(name) ?? [];
    if (own) weights.set(own, data);
  }
  return new StructureModule(CONFIG, weights);
}

Deno.test("atoms of all residue types are where openfold puts them", () => {
  const f = fixture("sub_allatom"), types = f.aatype.data;
  const backbone = { quaternions: f64(f.quat), translations: f64(f.trans) };
  const groups = groupFrames(backbone, f64(f.angles), types);
  for (let at = 0; at < types.length * GROUPS; at++) {
    const golden = [...f.frames_4x4.data.subarray(16 * at, 16 * at + 16)];
    const own = [0, 1, 2].flatMap((r) => [
      ...groups.rotations.subarray(9 * at + 3 * r, 9 * at + 3 * r + 3),
      groups.origins[3 * at + r],
    ]);
    allClose(own, golden.slice(0, 12), { atol: 2e-6, rtol: 1e-6 }, `frame ${at}`);
  }
  const packed = atoms14(groups, types);
  allClose(packed, f64(f.atom14), { atol: 5e-6 });
  allClose(atoms37(packed, types), f64(f.atom37), { atol: 5e-6 });
  const rotations = rotationsOf(backbone.quaternions), points = f64(f.points);
  const moved = new Float64Array(points.length), back = new Float64Array(points.length);
  for (let i = 0; i < types.length; i++) {
    apply(rotations, backbone.translations, i, points, 3 * i, moved, 3 * i);
    applyInverse(rotations, backbone.translations, i, points, 3 * i, back, 3 * i);
  }
  allClose(moved, f64(f.apply), { atol: 2e-6, rtol: 1e-6 });
  allClose(back, f64(f.invert_apply), { atol: 2e-6, rtol: 1e-6 });
});

Deno.test("each part of the structure module gives what openfold's gives", () => {
  const f = fixture("sub_structure"), module = tinyModule();
  const all = f.mask.data.length,
    kept = [...f.mask.data.keys()].filter((i) => f.mask.data[i] === 1);
  ok(kept.length < all, "some residues are padding, which is left out here");
  /** What belongs to residues that are not padding, along these axes. */
  const valid = ({ shape, data }: Array32, axes: readonly number[] = [1]): Float64Array => {
    const extents = shape.map((n, axis) => axes.includes(axis) ? kept : [...Array(n).keys()]);
    let places = [0];
    extents.forEach((own, axis) => {
      places = places.flatMap((place) => own.map((i) => place * shape[axis] + i));
    });
    return Float64Array.from(places, (place) => data[place]);
  };
  const rigids = { quaternions: valid(f.quat), translations: valid(f.trans) };
  const rotations = rotationsOf(rigids.quaternions);
  allClose(rotations, valid(f.rot), { atol: 1e-6 });
  const pairs = valid(f.z, [1, 2]), s = valid(f.s);
  const { added, attention } = module.attend(s, pairs, module.biases(pairs), rigids, rotations);
  allClose(attention, valid(f.ipa_attention, [2, 3]), { atol: 1e-6 });
  allClose(added, valid(f.ipa), { atol: 2e-6, rtol: 1e-6 });
  allClose(module.transition(s), valid(f.transition), { atol: 2e-6, rtol: 1e-6 });
  const next = updated(rigids, rotations, valid(f.bb_update));
  allClose(next.quaternions, valid(f.new_quat), { atol: 1e-6 });
  allClose(next.translations, valid(f.new_trans), { atol: 2e-6, rtol: 1e-6 });
  const { unnormalised, angles } = module.torsions(valid(f.angle_s), valid(f.angle_s_initial));
  allClose(unnormalised, valid(f.angle_unnormalized), { atol: 2e-6, rtol: 1e-6 });
  allClose(angles, valid(f.angle_normalized), { atol: 1e-6 });
});

for (const name of ["s12", "s21"]) {
  Deno.test(`the structure module's blocks of every pass are fair-esm's (${name})`, () => {
    const f = fixture(name), module = tinyModule(), types = f.aatype.data;
    const [passes, , length, single] = f.sm_s.shape;
    for (let pass = 0; pass < passes; pass++) {
      const part = ({ data }: Array32, of = passes) => {
        const each = data.length / of;
        return Float64Array.from(data.subarray(pass * each, (pass + 1) * each));
      };
      const blocks = module.run(part(f.sm_s), part(f.sm_z), types);
      const golden = { frames: part(f["sm.frames"]), angles: part(f["sm.angles"]) };
      const positions = part(f["sm.positions"]), states = part(f["sm.states"]);
      ok(blocks.length === CONFIG.blocks && blocks[0].states.length === length * single);
      for (const [b, block] of blocks.entries()) {
        const own = (all: Float64Array) =>
          all.subarray(b * all.length / blocks.length, (b + 1) * all.length / blocks.length);
        const frames = Array.from({ length }, (_, i) => [
          ...block.frames.quaternions.subarray(4 * i, 4 * i + 4),
          ...block.frames.translations.subarray(3 * i, 3 * i + 3),
        ]).flat();
        const label = `pass ${pass}, block ${b}`;
        allClose(block.states, own(states), { atol: 1e-5, rtol: 1e-6 }, label);
        allClose(frames, own(golden.frames), { atol: 2e-5, rtol: 1e-6 }, label);
        allClose(block.angles, own(golden.angles), { atol: 2e-5 }, label);
        allClose(block.positions, own(positions), { atol: 5e-5 }, label);
      }
    }
  });
}
