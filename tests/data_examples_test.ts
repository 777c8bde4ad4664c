import { deepEqual, equal, match, ok } from "./assert.ts";
import { examples } from "../data/examples.ts";

const { a2a } = examples;

Deno.test("examples a2a has the length and the residues that the literature numbers", () => {
  equal(a2a.residues.length, 412);
  // Letters of UniProt P29274 named in papers independently of the site sets; N154 is the
  // glycosylation site, A231 lies in the antibody epitope of 3VG9.
  for (const site of ["L85", "T88", "Q89", "N154", "F168", "E169", "A231", "H278"]) {
    equal(a2a.residues[Number(site.slice(1)) - 1], site[0], site);
  }
  match(a2a.residues, /^[ACDEFGHIKLMNPQRSTVWY]+$/);
});

Deno.test("examples site sets name the letters that the sequences have, in order, once", () => {
  for (const [name, protein] of Object.entries(examples)) {
    for (const [set, { sites, source }] of Object.entries(protein.siteSets)) {
      const numbers = sites.map((site) => Number(site.slice(1)));
      sites.forEach((site, i) => {
        equal(protein.residues[numbers[i] - 1], site[0], `${name} ${set} ${site}`);
        ok(i === 0 || numbers[i] > numbers[i - 1], `${name} ${set}: ${site} out of order`);
      });
      ok(source.length > 40, `${name} ${set} lacks a source`);
    }
  }
});

Deno.test("examples published sites of a2a all line the orthosteric pocket", () => {
  const { published, sodium, orthosteric } = a2a.siteSets;
  deepEqual(published.sites.filter((site) => !orthosteric.sites.includes(site)), []);
  deepEqual(sodium.sites.filter((site) => orthosteric.sites.includes(site)), ["W246"]);
});
