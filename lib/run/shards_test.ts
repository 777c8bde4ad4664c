import { deepEqual, equal, throws } from "../../tests/assert.ts";
import { fc } from "../../tests/property.ts";
import { UserError } from "../errors.ts";
import { isOwn, parseShard } from "./shards.ts";

Deno.test("isOwn gives every piece to exactly one shard, and shards nearly the same number", () => {
  fc.assert(fc.property(
    fc.integer({ min: 0, max: 200 }),
    fc.integer({ min: 1, max: 30 }),
    (pieces, count) => {
      const sizes = new Array<number>(count).fill(0);
      for (let piece = 0; piece < pieces; piece++) {
        const owners = sizes.map((_, i) => i).filter((i) => isOwn(piece, { index: i + 1, count }));
        equal(owners.length, 1);
        sizes[owners[0]]++;
      }
      equal(Math.max(...sizes) - Math.min(...sizes) <= 1, true);
    },
  ));
  equal(isOwn(7, undefined), true);
});

Deno.test("parseShard reads i/n and refuses all else", () => {
  deepEqual(parseShard("3/8", "--shard"), { index: 3, count: 8 });
  deepEqual(parseShard(" 1 / 1 ", "--shard"), { index: 1, count: 1 });
  for (const text of ["", "3", "0/8", "9/8", "3/0", "-1/8", "1.5/8", "1/8/9", "1/100001"]) {
    throws(() => parseShard(text, "--shard"), UserError, text);
  }
});
