import { deepEqual, equal, ok } from "../../tests/assert.ts";
import { Feed, splitSequences } from "./feed.ts";
import { permutation } from "./random.ts";

const lengths = Uint32Array.from({ length: 50 }, (_, i) => 5 + (i * 37) % 60);
const settings = { maxLength: 40, bufferTokens: 200, extraTokens: 0, seed: 11 };

/** Two epochs of buffers. */
function twoEpochs(feed: Feed) {
  const buffers = [];
  for (let cursor = { epoch: 0, position: 0 }; cursor.epoch < 2;) {
    const { crops, cursor: after } = feed.next(cursor);
    buffers.push(crops);
    cursor = after;
  }
  return buffers;
}

Deno.test("Feed gives every training sequence once per epoch, each epoch in another order", () => {
  const { training } = splitSequences(50, 0.1, 1);
  const seen = twoEpochs(new Feed(training, lengths, settings)).flat().map(({ sequence }) =>
    sequence
  );
  const first = seen.slice(0, 45), second = seen.slice(45, 90);
  deepEqual(Uint32Array.from(first).sort(), training);
  deepEqual(Uint32Array.from(second).sort(), training);
  ok(`${first}` !== `${second}` && `${first}` !== `${training}`);
});

Deno.test("Feed fills buffers up to their size and crops long sequences anywhere", () => {
  const training = Uint32Array.from(lengths, (_, i) => i),
    feed = new Feed(training, lengths, settings);
  const buffers = twoEpochs(feed), starts = new Set<number>();
  for (const crops of buffers) {
    const tokens = crops.reduce((sum, { residues }) => sum + residues, 0);
    ok(tokens <= 200 && tokens > 200 - 40, `${tokens}`);
    for (const { sequence, from, residues } of crops) {
      equal(residues, Math.min(40, lengths[sequence]));
      ok(from >= 0 && from + residues <= lengths[sequence]);
      starts.add(from);
    }
  }
  ok(starts.size > 8);
  equal(feed.epochTokens, lengths.reduce((sum, n) => sum + Math.min(40, n), 0));
});

Deno.test("Feed gives one sequence where it alone passes the buffer", () => {
  const feed = new Feed(Uint32Array.of(3), lengths, {
    ...settings,
    bufferTokens: 2,
    extraTokens: 2,
  });
  const { crops, cursor } = feed.next({ epoch: 4, position: 0 });
  equal(crops.length, 1);
  deepEqual(cursor, { epoch: 5, position: 0 });
});

Deno.test("splitSequences holds out the share, rounded up, and loses none", () => {
  for (const share of [0, 0.01, 0.3]) {
    const { training, heldOut } = splitSequences(77, share, 5);
    equal(heldOut.length, Math.ceil(77 * share));
    deepEqual(new Set([...training, ...heldOut]).size, 77);
  }
});

Deno.test("permutation puts every number anywhere about equally often", () => {
  const counts = Array.from({ length: 4 }, () => new Float64Array(4));
  for (let draw = 0; draw < 4000; draw++) {
    permutation(4, 3, 1, draw).forEach((v, at) => counts[at][v]++);
  }
  // Each count is binomial(4000, 1/4): standard deviation 27.
  counts.forEach((row) =>
    row.forEach((count) => ok(Math.abs(count - 1000) < 5 * 27.4, `${count}`))
  );
});
