import { allClose, deepEqual, equal, ok } from "../../../tests/assert.ts";
import { packUnit, unpackUnit } from "../../run/codec.ts";
import { DetectorCounts, type DetectorState } from "./detectors.ts";

/** A protein whose latents are those that `active` names for each residue. */
function protein(letters: string, active: (letter: string, i: number) => [number, number][]) {
  const rows = [...letters].map((letter, i) => active(letter, i));
  return {
    id: "p",
    letters,
    latents: {
      rows: rows.length,
      latents: 4,
      offsets: Uint32Array.from(
        { length: rows.length + 1 },
        (_, r) => rows.slice(0, r).reduce((sum, row) => sum + row.length, 0),
      ),
      indices: Uint32Array.from(rows.flatMap((row) => row.map(([latent]) => latent))),
      values: Float32Array.from(rows.flatMap((row) => row.map(([, value]) => value))),
    },
  };
}

const sequence = "MLLKALPLLDEFGHIKLMNPQRLLST";

Deno.test("DetectorCounts finds a leucine detector, perfect and halved", () => {
  const counts = new DetectorCounts(4);
  let leucines = 0;
  counts.add(
    protein(
      sequence,
      (letter) =>
        letter === "L" ? [[0, 2], ...(leucines++ % 2 ? [[1, 4] as [number, number]] : [])] : [],
    ),
  );
  const [whole, half] = counts.profiles();
  deepEqual([whole.latent, whole.active, whole.letter.letter], [0, 8, "L"]);
  deepEqual([whole.letter.precision, whole.letter.recall, whole.letter.f1], [1, 1, 1]);
  allClose([whole.letter.enrichment], [26 / 8], { rtol: 1e-12 });
  deepEqual([half.letter.precision, half.letter.recall], [1, 0.5]);
  allClose([half.letter.f1, half.meanActivation, half.maxActivation], [2 / 3, 4, 4], {
    rtol: 1e-12,
  });
});

Deno.test("DetectorCounts finds a letter beside the active residue", () => {
  const counts = new DetectorCounts(4);
  counts.add(protein(sequence, (_, i) => sequence[i - 2] === "P" ? [[3, 1]] : []));
  const [{ neighbour, letter }] = counts.profiles();
  deepEqual([neighbour!.letter, neighbour!.offset, neighbour!.f1], ["P", -2, 1]);
  ok(letter.f1 < 1);
});

Deno.test("DetectorCounts tells ends of proteins, and counts proteins once", () => {
  const counts = new DetectorCounts(4);
  for (const letters of ["MKTA", "GAVLI", "W"]) {
    counts.add(
      protein(letters, (_, i) => i === 0 ? [[1, 1]] : i === letters.length - 1 ? [[2, 1]] : []),
    );
  }
  const [first, last] = counts.profiles();
  deepEqual([first.latent, first.active, first.proteins], [1, 3, 3]);
  equal(first.firstShare, 1);
  // The only residue of "W" is the last one too.
  allClose([first.lastShare, first.meanPlace], [1 / 3, 0.5 / 3], { atol: 1e-12 });
  deepEqual([last.firstShare, last.lastShare, last.meanPlace], [0, 1, 1]);
});

Deno.test("DetectorCounts.letterCounts add up to the active residues, above the threshold only", () => {
  const counts = new DetectorCounts(4, 0.5);
  counts.add(protein(sequence, (_, i) => [[i % 2, i % 3 === 0 ? 0.5 : 1]]));
  const active = [...counts.letterCounts()].reduce((sum, row) => sum + row.active, 0);
  equal(active, [...sequence].filter((_, i) => i % 3 !== 0).length);
  equal(active, counts.profiles().reduce((sum, row) => sum + row.active, 0));
});

Deno.test("DetectorCounts put together from parts are those of one count, the same whoever counted", () => {
  const latents = 5,
    add = (counts: DetectorCounts, number: number) => {
      const letters = "MKTAYIAKQRLLVW".slice(number), rows = letters.length;
      counts.add({
        id: `p${number}`,
        letters,
        latents: {
          ...{ rows, latents },
          offsets: Uint32Array.from({ length: rows + 1 }, (_, r) => r),
          indices: Uint32Array.from({ length: rows }, (_, r) => r % latents),
          values: Float32Array.from({ length: rows }, (_, r) => 0.1 * (number + 1) + r / 7),
        },
      });
    };
  const whole = new DetectorCounts(latents);
  const units = Array.from({ length: 8 }, (_, number) => {
    add(whole, number);
    const own = new DetectorCounts(latents);
    add(own, number);
    return packUnit(own.state()) as Uint8Array<ArrayBuffer>;
  });
  const together = () => {
    const counts = new DetectorCounts(latents);
    for (const unit of units) counts.include(unpackUnit<DetectorState>(unit));
    return counts;
  };
  const counts = together();
  deepEqual(counts.state(), together().state());
  deepEqual([counts.residues, counts.proteins], [whole.residues, whole.proteins]);
  // Sums of sums round otherwise; counts do not.
  whole.state().forEach((table, t) => {
    allClose(counts.state()[t], table, table instanceof Uint32Array ? {} : { rtol: 1e-14 });
  });
  const same = (
    { latent, active, letter, neighbour }: ReturnType<typeof whole.profiles>[number],
  ) => [latent, active, letter, neighbour];
  deepEqual(counts.profiles().map(same), whole.profiles().map(same));
});
