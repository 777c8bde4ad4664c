import { deepEqual, equal } from "../../../tests/assert.ts";
import type { ProteinLatents } from "../encode/encode.ts";
import { UnitStore } from "../../run/unit_store.ts";
import { CountsProgress } from "./counts_progress.ts";
import { DetectorCounts } from "./detectors.ts";

const LATENTS = 5;

/** A protein at whose residue r latent r mod 5 is active, by a value that no two proteins share. */
function protein(number: number): ProteinLatents {
  const letters = "MKTAYIAKQRLLVW".slice(number);
  const rows = letters.length;
  return {
    id: `p${number}`,
    letters,
    latents: {
      rows,
      latents: LATENTS,
      offsets: Uint32Array.from({ length: rows + 1 }, (_, r) => r),
      indices: Uint32Array.from({ length: rows }, (_, r) => r % LATENTS),
      values: Float32Array.from({ length: rows }, (_, r) => 0.1 * (number + 1) + r / 7),
    },
  };
}

const results = (counts: DetectorCounts) => [
  counts.residues,
  counts.proteins,
  counts.profiles(),
  [...counts.letterCounts()],
];

/** Counts windows of one protein each; the run ends before one of them, or before it is noted. */
function run(
  dir: string,
  windows: number,
  { endBefore = Infinity, inSave = false } = {},
): { counts: DetectorCounts; counted: number[] } {
  using file = UnitStore.open(dir, { windows });
  const counts = new DetectorCounts(LATENTS), progress = new CountsProgress(file);
  progress.load(counts);
  const counted: number[] = [];
  for (let window = progress.windows; window < windows; window++) {
    if (window === endBefore) {
      // What a kill between the two files of a window leaves.
      if (inSave) {
        counts.add(protein(window));
        using part = file.part(window);
        part.put(0, counts.state());
      }
      break;
    }
    counts.add(protein(window));
    counted.push(window);
    progress.save(counts);
  }
  return { counts, counted };
}

async function inFolder(use: (dir: string) => void): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

for (const inSave of [false, true]) {
  Deno.test(`CountsProgress gives an interrupted run its counts, to the bit${inSave ? ", ended while saving" : ""}`, () =>
    inFolder((dir) => {
      const { counts: whole } = run(`${dir}`, 8);
      for (const { name } of Deno.readDirSync(dir)) Deno.removeSync(`${dir}/${name}`);
      deepEqual(run(dir, 8, { endBefore: 3, inSave }).counted, [0, 1, 2]);
      deepEqual(run(dir, 8, { endBefore: 4, inSave }).counted, [3]);
      const { counts, counted } = run(dir, 8);
      deepEqual(counted, [4, 5, 6, 7]);
      deepEqual(results(counts), results(whole));
      deepEqual(counts.state(), whole.state());
    }));
}

Deno.test("CountsProgress keeps the last counts only", () =>
  inFolder((dir) => {
    run(dir, 8, { endBefore: 1 });
    const few = [...Deno.readDirSync(dir)].length;
    run(dir, 8, { endBefore: 7 });
    equal([...Deno.readDirSync(dir)].length, few);
  }));

Deno.test("CountsProgress starts over where the counts are lost", () =>
  inFolder((dir) => {
    run(dir, 8, { endBefore: 3 });
    for (const { name } of Deno.readDirSync(dir)) {
      if (/-2\.progress$/.test(name)) Deno.removeSync(`${dir}/${name}`);
    }
    deepEqual(run(dir, 8, { endBefore: 2 }).counted, [0, 1]);
    deepEqual(run(dir, 8, { endBefore: 3 }).counted, [2]);
  }));
