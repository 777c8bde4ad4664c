import { allClose, deepEqual, equal, ok, throws } from "../../tests/assert.ts";
import { adapterDropout } from "./dropout.ts";

Deno.test("adapterDropout drops its share, the same whenever it is asked, another everywhere else", () => {
  const drop = adapterDropout(0.3, 7, 2), count = 100_000;
  const mask = drop(1, "fc1", count)!;
  const kept = mask.filter((x) => x > 0).length / count;
  ok(Math.abs(kept - 0.7) < 4 * Math.sqrt(0.21 / count), `${kept} are kept`);
  allClose([...new Set(mask)].sort(), [0, 1 / 0.7], { rtol: 1e-6 });
  deepEqual(
    adapterDropout(0.3, 7, 2)(1, "fc1", 100),
    mask.slice(0, 100),
    "a shorter one begins it",
  );
  const others = [
    drop(0, "fc1", 100),
    drop(1, "fc2", 100),
    drop("head", "lm_head.dense", 100),
    adapterDropout(0.3, 8, 2)(1, "fc1", 100),
    adapterDropout(0.3, 7, 3)(1, "fc1", 100),
  ];
  for (const other of others) ok(`${other}` !== `${mask.slice(0, 100)}`);
  equal(new Set(others.map(String)).size, others.length);
  equal(adapterDropout(0, 7, 2)(1, "fc1", 100), undefined);
  throws(() => adapterDropout(1, 7, 2), /Cannot drop as .* current value is 1$/);
});
