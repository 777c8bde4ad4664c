import { deepEqual, equal, ok } from "../../tests/assert.ts";
import { CLS, EOS, TOKENS } from "../esm2/alphabet.ts";
import { Corpus } from "../train/corpus.ts";
import { type Draw, Sampler, type SamplerSettings } from "./sampler.ts";

const letters = "LAGVSERTIDPKQNFYMHWC";

/** Sequences of these lengths, each of a letter of its own as far as there are letters. */
async function withCorpus(
  lengths: readonly number[],
  run: (corpus: Corpus) => void | Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    const text = lengths.map((length, i) => `>s${i}\n${letters[i % 20].repeat(length)}\n`).join("");
    await Deno.writeTextFile(`${dir}/a.fasta`, text);
    using corpus = await Corpus.open(`${dir}/a.fasta`);
    await run(corpus);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** 2000 draws of four sequences of 10, 40, 100 and 300 residues. */
const withSampler = (
  settings: Partial<SamplerSettings>,
  run: (sampler: Sampler, draws: Draw[]) => void | Promise<void>,
) =>
  withCorpus([10, 40, 100, 300], async (corpus) => {
    const clusters = [0, 1, 2, 3].map((i) => Uint32Array.of(i));
    const source = { corpus, clusters, weight: 1 };
    const sampler = new Sampler([source], { maxLength: 120, seed: 3, ...settings });
    await run(sampler, Array.from({ length: 2000 }, (_, i) => sampler.draw(i)));
  });

Deno.test("Sampler draws clusters evenly, sources by weight, and windows that fit", () =>
  withCorpus(Array(30).fill(24), (corpus) => {
    // One cluster of 29 and one of 1: each is drawn as often.
    const all = Uint32Array.from({ length: 30 }, (_, i) => i);
    const clusters = [all.slice(0, 29), all.slice(29)];
    const sampler = new Sampler([
      { corpus, clusters, weight: 3 },
      { corpus, clusters: Array.from(all, (i) => Uint32Array.of(i)), weight: 1 },
    ], { maxLength: 10, seed: 5 });
    const draws = Array.from({ length: 4000 }, (_, i) => sampler.draw(i));
    const first = draws.filter(({ source }) => source === 0);
    // Four standard deviations of a binomial count.
    ok(Math.abs(first.length - 3000) < 4 * Math.sqrt(4000 * 0.75 * 0.25), `${first.length}`);
    const lone = first.filter(({ sequence }) => sequence === 29).length;
    ok(Math.abs(lone - first.length / 2) < 4 * Math.sqrt(first.length / 4), `${lone}`);
    const starts = new Set(draws.map(({ from }) => from));
    equal(Math.max(...starts), 14);
    equal(starts.size, 15);
    ok(draws.every(({ residues }) => residues === 10));
    deepEqual(sampler.draw(17), draws[17], "a draw is its number's");
    const batch = sampler.batch(100, 50);
    deepEqual(batch.map(({ index }) => index), [100, 101, 102, 103]);
  }));

Deno.test("a draw is a whole sequence, or a window of the longest length, anywhere in it", () =>
  withSampler({}, (_, draws) => {
    for (const { sequence, from, residues, length, before, after } of draws) {
      equal(residues, [10, 40, 100, 120][sequence]);
      deepEqual([length, before, after], [residues, undefined, undefined]);
      if (sequence < 3) equal(from, 0);
    }
    const starts = draws.filter(({ sequence }) => sequence === 3).map(({ from }) => from);
    deepEqual([Math.min(...starts), Math.max(...starts)], [0, 180]);
    // Four clusters, one after another as often: 500 each, 4 standard deviations are 78.
    for (let s = 0; s < 4; s++) {
      ok(Math.abs(draws.filter(({ sequence }) => sequence === s).length - 500) < 78);
    }
  }));

Deno.test("windows are a drawn share of what could be seen, begin anywhere, and are never tiny", () =>
  withSampler({ windows: [0.25, 0.75] }, (_, draws) => {
    const of = (s: number) => draws.filter(({ sequence }) => sequence === s);
    ok(of(0).every(({ residues }) => residues === 10), "as short as it is");
    const bounds = (values: number[]) => [Math.min(...values), Math.max(...values)];
    deepEqual(bounds(of(1).map(({ residues }) => residues)), [16, 30]);
    deepEqual(bounds(of(2).map(({ residues }) => residues)), [25, 75]);
    deepEqual(bounds(of(3).map(({ residues }) => residues)), [30, 90]);
    deepEqual(bounds(of(2).map(({ from }) => from))[0], 0);
    ok(of(2).every(({ from, residues }) => from + residues <= 100));
    ok(of(2).some(({ from, residues }) => from + residues === 100));
  }));

Deno.test("flanks are parts of other draws, up to their length, and all fits the longest", () =>
  withSampler({ windows: 0.5, flanks: 30 }, async (sampler, draws) => {
    const sizes = new Set<number>();
    for (const draw of draws) {
      const { before, after, residues, length } = draw;
      equal(length, (before?.residues ?? 0) + residues + (after?.residues ?? 0));
      ok(length <= 120);
      for (const part of [before, after]) {
        ok(part === undefined || part.residues >= 1 && part.residues <= 30);
        sizes.add(part?.residues ?? 0);
      }
    }
    equal(sizes.size, 31, "every length occurs, none too");
    const draw = draws.find(({ before, after }) => before && after)!;
    const parts = [draw.before!, draw, draw.after!];
    const ids = await sampler.tokens(draw);
    deepEqual([ids[0], ids.at(-1), ids.length], [CLS, EOS, draw.length + 2]);
    equal(
      Array.from(ids.subarray(1, -1), (id) => TOKENS[id]).join(""),
      parts.map(({ sequence, residues }) => letters[sequence].repeat(residues)).join(""),
    );
  }));

Deno.test("a draw is a function of its number and the seed alone", () =>
  withSampler({ windows: [0.4, 1], flanks: 9 }, (sampler, draws) => {
    deepEqual(sampler.draw(77), draws[77]);
    const again = new Sampler(sampler.sources, { ...sampler.settings });
    deepEqual(again.draw(1999), draws[1999]);
    const other = new Sampler(sampler.sources, { ...sampler.settings, seed: 4 });
    ok(draws.some((draw, i) => JSON.stringify(draw) !== JSON.stringify(other.draw(i))));
    const batch = sampler.batch(5, 200);
    deepEqual(batch, draws.slice(5, 5 + batch.length));
    ok(batch.reduce((sum, { length }) => sum + length + 2, 0) <= 200 || batch.length === 1);
  }));
