import { allClose, equal, ok, throws } from "../../tests/assert.ts";

import { generator } from "../onnx/testing/check_gradients.ts";
import { lddt, moved, superpose, tmDistance, tmScore } from "./compare.ts";

/** Points of a chain that walks at random, 3.8 Å a step. */
function walk(count: number, seed: number): Float64Array {
  const next = generator(seed), out = new Float64Array(3 * count);
  for (let i = 1; i < count; i++) {
    const step = [next() - 0.5, next() - 0.5, next() - 0.5], size = Math.hypot(...step);
    for (let c = 0; c < 3; c++) out[3 * i + c] = out[3 * i - 3 + c] + 3.8 * step[c] / size;
  }
  return out;
}

/** A rotation by an angle about an axis, and a translation. */
function turned(points: Float64Array, axis: readonly number[], angle: number): Float64Array {
  const [x, y, z] = axis.map((v) => v / Math.hypot(...axis)),
    c = Math.cos(angle),
    s = Math.sin(angle);
  const r = Float64Array.of(
    ...[c + x * x * (1 - c), x * y * (1 - c) - z * s, x * z * (1 - c) + y * s],
    ...[y * x * (1 - c) + z * s, c + y * y * (1 - c), y * z * (1 - c) - x * s],
    ...[z * x * (1 - c) - y * s, z * y * (1 - c) + x * s, c + z * z * (1 - c)],
  );
  return moved(points, { rotation: r, translation: [5, -7, 11], rmsd: 0 });
}

Deno.test("superpose undoes any rotation and translation", () => {
  const points = walk(57, 1);
  for (const [n, angle] of [0, 0.1, 1.5, 3.14159, -2.7].entries()) {
    const other = turned(points, [1 + n, -2, 0.5], angle), found = superpose(other, points);
    ok(found.rmsd < 1e-6, `${found.rmsd}`);
    allClose(moved(other, found), points, { atol: 1e-8 });
  }
});

Deno.test("superpose never mirrors, and its RMSD is that of the points that it moved", () => {
  const points = walk(40, 2), mirror = points.map((value, i) => i % 3 === 0 ? -value : value);
  const found = superpose(mirror, points), own = moved(mirror, found);
  const square = own.reduce((sum, value, i) => sum + (value - points[i]) ** 2, 0) / 40;
  allClose([found.rmsd], [Math.sqrt(square)], { rtol: 1e-9 });
  ok(found.rmsd > 1, "a mirror image does not fit");
  const [a, b, c, d, e, f, g, h, i] = found.rotation;
  allClose([a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)], [1], { atol: 1e-12 });
});

Deno.test("two pairs of points on a line have the RMSD of their stretch", () => {
  // Lengths 2 and 4 about one centre: each end is off by 1.
  const found = superpose(Float64Array.of(-1, 0, 0, 1, 0, 0), Float64Array.of(0, -2, 0, 0, 2, 0));
  allClose([found.rmsd], [1], { atol: 1e-12 });
});

Deno.test("a TM-score is 1 of the structure itself, and counts what is in place", () => {
  const points = walk(120, 3), other = turned(points, [1, 1, 2], 2);
  allClose([tmScore(other, points).score], [1], { atol: 1e-9 });
  // A third thrown far away: two thirds stay in place, and those count 1 each at least.
  const broken = other.slice();
  for (let i = 3 * 80; i < broken.length; i++) broken[i] += 500 + 50 * (i % 7);
  const { score, superposition } = tmScore(broken, points);
  ok(score >= 80 / 120 - 1e-9 && score < 80 / 120 + 0.01, `${score}`);
  const own = moved(broken, superposition);
  allClose(own.subarray(0, 240), points.subarray(0, 240), { atol: 0.05 });
});

Deno.test("a TM-score of residues all off by the same distance has its closed form", () => {
  // Ends pulled apart along a line, so that no superposition is better than about the centre: 4 points.
  const truth = Float64Array.of(0, 0, 0, 10, 0, 0, 0, 10, 0, 0, 0, 10);
  equal(tmDistance(4), 0.5);
  allClose([tmDistance(100)], [1.24 * Math.cbrt(85) - 1.8], { rtol: 1e-12 });
  const { score } = tmScore(truth, truth, 8);
  allClose([score], [0.5], { atol: 1e-12 }, "half of the residues are there");
});

Deno.test("lDDT counts distances that are kept within each tolerance", () => {
  const truth = Float64Array.of(0, 0, 0, 10, 0, 0),
    off = (by: number) => lddt(Float64Array.of(0, 0, 0, 10 + by, 0, 0), truth).all;
  allClose([0, 0.4, 0.7, -1.5, 3, 5].map(off), [1, 1, 0.75, 0.5, 0.25, 0], {});
  // Beyond 15 Å nothing is asked; pairs of one residue do not count.
  const far = Float64Array.of(0, 0, 0, 16, 0, 0);
  ok(Number.isNaN(lddt(far, far).all));
  const one = Float64Array.of(0, 0, 0, 1, 0, 0, 9, 0, 0);
  const { residues } = lddt(Float64Array.of(0, 0, 0, 4, 0, 0, 9, 0, 0), one, [0, 0, 1]);
  allClose(residues, [(1 + 0.25) / 2, (1 + 0.25) / 2], {});
  const points = walk(60, 4);
  allClose([lddt(turned(points, [3, 1, 1], 1), points).all], [1], { atol: 1e-12 });
});

Deno.test("superpose refuses structures of different sizes", () =>
  throws(() => superpose(new Float64Array(3), new Float64Array(6)), /counts are 1 and 2/));
