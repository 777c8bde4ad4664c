/** The modules of a page that need no page. */
import { allClose, deepEqual, equal, match, ok, throws } from "../../../tests/assert.ts";
import { bundle, inOrder } from "../bundle.ts";
import { binOf, quantise } from "../quantise.ts";
import { csvText, fileName } from "./figure.js";
import { CORE } from "./mod.ts";
import { fixed, linear, logTicks, percent, residueTicks, short, ticks } from "./numbers.js";
import { channels, inkOn, mix } from "./palette.js";
import { PageState } from "./state.js";
import { SvgPen, wrap } from "./svg_pen.js";
import { turnedBy, turnOf } from "../figures/structure/structure.js";

Deno.test("numbers are written with a true minus, and what is undefined is a dash", () => {
  deepEqual([1.25, -0.04, -0.001, NaN, Infinity].map((x) => fixed(x, 1)), [
    ...["1.3", "0.0", "0.0", "–", "∞"],
  ]);
  equal(fixed(-2.5, 2), "−2.50");
  equal(percent(0.1134), "11\u202f%");
  deepEqual([0, 0.0012345, -2.504, 1234.4, 123456, -1e-9].map(short), [
    ...["0", "0.00123", "−2.5", "1234", "1.2 × 10⁵", "−1.0 × 10⁻⁹"],
  ]);
});

Deno.test("ticks are multiples of 1, 2 or 5 within the range", () => {
  deepEqual(ticks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  deepEqual(ticks(-3, 12, 4), [0, 5, 10]);
  deepEqual(ticks(2, 2, 4), [2]);
  deepEqual(logTicks(0.03, 450, 4), [0.1, 1, 10, 100]);
  deepEqual(logTicks(1e-4, 1, 2), [1e-4, 0.01, 1]);
  deepEqual(logTicks(0.01, 1, 9), [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]);
  deepEqual(residueTicks([1, 412], 8), [100, 200, 300, 400]);
  deepEqual(residueTicks([5, 9], 20), [5, 6, 7, 8, 9]);
  equal(linear(0, 4, 10, 50)(1), 20);
});

Deno.test("PageState tells what changed, and only that", () => {
  const state = new PageState(100), seen: string[] = [];
  state.follow((changed) => seen.push([...changed].sort().join()));
  state.select(40);
  state.select(40);
  state.selectPair(40, 70);
  state.set({ hovered: 3 });
  state.clear();
  deepEqual(seen, ["residue", "partner", "hovered", "partner,residue"]);
});

Deno.test("PageState keeps the range inside the sequence, wide enough, and around the selection", () => {
  const state = new PageState(100);
  state.show(95, 97);
  deepEqual(state.chosen.range, [89, 100], "twelve residues at least");
  state.show(-5, 30);
  deepEqual(state.chosen.range, [1, 36]);
  state.select(50);
  ok(state.chosen.range[0] <= 50 && state.chosen.range[1] >= 50, "the selection is on view");
  equal(state.chosen.range[1] - state.chosen.range[0], 35);
  state.select(999);
  equal(state.chosen.residue, 100);
  state.zoom(1000);
  deepEqual(state.chosen.range, [1, 100]);
  state.clear();
  state.move(1);
  equal(state.chosen.residue, 1);
  state.move(-5);
  equal(state.chosen.residue, 1);
  const short = new PageState(5);
  short.zoom(0.1);
  deepEqual(short.chosen.range, [1, 5]);
});

Deno.test("ink on a colour has a contrast of 4.5 at least, whatever the colour", () => {
  const light = (x: number) =>
    x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4;
  const luminance = (rgb: readonly number[]) =>
    0.2126 * light(rgb[0]) + 0.7152 * light(rgb[1]) + 0.0722 * light(rgb[2]);
  for (let k = 0; k < 4096; k++) {
    const rgb = [k >> 8, k >> 4 & 15, k & 15].map((x) => 17 * x) as [number, number, number];
    const [a, b] = [luminance(rgb), luminance(channels(inkOn(rgb)))].sort((x, y) => y - x);
    ok((a + 0.05) / (b + 0.05) >= 4.5, rgb.join());
  }
  deepEqual(mix([0, 0, 0], [100, 200, 50], 0.5), [50, 100, 25]);
  deepEqual(channels("rgb(1, 2, 3)"), [1, 2, 3]);
});

Deno.test("SvgPen writes what is drawn, escaped, with title, caption and source", () => {
  const pen = new SvgPen(200, 100);
  pen.fillStyle = "rgb(1,2,3)";
  pen.fillRect(1, 2, 3, 4);
  pen.save();
  pen.translate(10, 20);
  pen.rotate(-Math.PI / 2);
  pen.textAlign = "center";
  pen.fillText("a<b", 5, 6);
  pen.restore();
  pen.beginPath();
  pen.moveTo(0, 0);
  pen.lineTo(5, 5);
  pen.setLineDash([2, 3]);
  pen.stroke();
  const svg = pen.svg({
    ...{ title: "T & t", caption: "one two", source: "esmscope", paper: "#fff" },
    ...{ ink: "#000", font: 'a "b"' },
  });
  match(svg, /<path d="M1 2h3v4h-3Z" fill="rgb\(1,2,3\)"\/>/);
  match(
    svg,
    /<g transform="translate\(10 20\)rotate\(-90\)"><text x="5" y="6" text-anchor="middle"/,
  );
  match(svg, /a&#60;b<\/text>/);
  match(svg, /d="M0 0L5 5" fill="none" stroke="#000" stroke-width="1" stroke-dasharray="2 3"/);
  match(svg, /T &#38; t/);
  ok(svg.includes("one two") && svg.includes(">esmscope<"));
  deepEqual(wrap("aa bb cc dd", 6), ["aa bb", "cc dd"]);
});

Deno.test("csvText quotes what needs it; a file is named after its figure", () => {
  equal(csvText([["a", 'b"c'], [1, Infinity], ["x,y", NaN]]), 'a,"b""c"\n1,inf\n"x,y",NaN\n');
  equal(fileName("Which heads look — at the sites?"), "which-heads-look-at-the-sites");
});

Deno.test("bundle gives each module its scope and refuses one that comes too early", () => {
  const a = { name: "a.js", script: "/** A. */\nexport const x = 1;\nconst own = 2;\n" };
  const b = {
    name: "b.js",
    script:
      'import { x as y } from "../a.js";\nconst own = 3;\nexport function f() { return y + own; }\n',
    uses: [a],
  };
  deepEqual(inOrder([b, a]), [a, b]);
  equal(new Function(`${bundle([a, b])}return $b.f();`)(), 4);
  throws(() => bundle([b, a]), /b\.js must come after a\.js/);
  // All of the core reads as one script.
  new Function(bundle(CORE));
});

Deno.test("quantise errs by at most half a square-root step, and a pixel has its largest value", () => {
  const map = Float32Array.from({ length: 36 }, (_, i) => ((i * 7) % 36) / 36);
  const { max, steps } = quantise(map, 6);
  allClose(
    Float64Array.from(steps, (step) => Math.sqrt(max) * step / 255),
    map.map(Math.sqrt),
    { atol: Math.sqrt(max) / 510 + 1e-7 },
  );
  const halved = quantise(map, 6, 2);
  equal(halved.steps.length, 9);
  const largest = Math.max(map[0], map[1], map[6], map[7]);
  ok(Math.abs(halved.max * (halved.steps[0] / 255) ** 2 - largest) < 0.01);
  deepEqual(quantise(new Float32Array(4), 2), { max: 0, steps: new Uint8Array(4) });
  deepEqual([412, 1024, 1025, 3000].map(binOf), [1, 1, 2, 3]);
});

Deno.test("turns are rotations, and a quarter turn of the quaternion is one", () => {
  const half = Math.SQRT1_2;
  const turn = turnedBy(turnOf(0, 0, half, half), 0.3, -0.2);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      const dot = turn[i].reduce((sum, x, k) => sum + x * turn[j][k], 0);
      ok(Math.abs(dot - Number(i === j)) < 1e-12);
    }
  }
  allClose(turnOf(0, 0, half, half).flat(), [0, -1, 0, 1, 0, 0, 0, 0, 1], { atol: 1e-12 });
});
