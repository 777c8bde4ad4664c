import { allClose, deepEqual, equal } from "../../../tests/assert.ts";
import { fc } from "../../../tests/property.ts";
import { shortest } from "../../report/client/numbers.js";
import { lettersText, rangesText, topLatents } from "./top_latents.ts";

const protein = {
  id: "p",
  letters: "MKTAY",
  latents: {
    rows: 5,
    latents: 9,
    offsets: Uint32Array.of(0, 2, 3, 3, 5, 7),
    indices: Uint32Array.of(1, 4, 4, 1, 8, 4, 8),
    values: Float32Array.of(0.5, 2, 3, 0.25, 1, 3, 1),
  },
};

Deno.test("topLatents orders by the largest activation, equals by number, and says where", () => {
  const top = topLatents(protein, 5);
  deepEqual(top.map(({ latent }) => latent), [4, 8, 1]);
  deepEqual(top.map(({ max }) => max), [3, 1, 0.5]);
  // The first of equal maxima.
  deepEqual(top.map(({ maxResidue }) => maxResidue), [2, 4, 1]);
  deepEqual(top.map(({ residues }) => residues), [[1, 2, 5], [4, 5], [1, 4]]);
  allClose(top.map(({ mean }) => mean), [8 / 5, 2 / 5, 0.75 / 5], { rtol: 1e-12 });
  allClose(top.map(({ activeFraction }) => activeFraction), [0.6, 0.4, 0.4], { rtol: 1e-12 });
  deepEqual(topLatents(protein, 1).map(({ latent }) => latent), [4]);
  const silent = { ...protein.latents, offsets: new Uint32Array(6) };
  deepEqual(topLatents({ ...protein, latents: silent }, 3), []);
});

Deno.test("rangesText and lettersText name residues and letters", () => {
  equal(rangesText([3, 4, 5, 9, 11, 12]), "3-5 9 11-12");
  equal(rangesText([7]), "7");
  equal(lettersText("AACDCC", [1, 2, 3, 4, 5]), "A2 C2 D1");
});

Deno.test("shortest is read back as the same float32, and no nine digits where fewer do", () => {
  equal(String(shortest(Math.fround(0.1))), "0.1");
  equal(String(shortest(16777216)), "16777216");
  equal(String(shortest(Math.fround(1e-10))), "1e-10");
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      equal(Math.fround(shortest(value)), value === 0 ? 0 : value);
    }),
  );
});
