import { PhiloxStream } from "../kernels/philox/mod.ts";
import { nearestNeighbours } from "../lib/embed/nearest.ts";
import { openBackend } from "../lib/backend/mod.ts";
import type { ProteinMap } from "../lib/embed/map/layout.ts";
import { QualitySum } from "../lib/embed/map/quality.ts";
import { colourColumns, MOST_CATEGORIES } from "../lib/embed/report/columns.ts";
import { mapFinding, searchFinding } from "../lib/embed/report/finding.ts";
import { mapView, renderEmbedReport } from "../lib/embed/report/report.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { type Browser, browserTest, writePage } from "./browser.ts";
import { checkSaved, checkWhole, figureBox } from "./page_checks.ts";

/** Proteins on a plane that is both the embedding and the map; labels are halves of it. */
async function sample(count: number): Promise<ProteinMap> {
  const random = new PhiloxStream(4);
  const points = Float64Array.from(
    { length: 2 * count },
    (_, i) => random.below(1e6, i, 0) / 1e5 - 5,
  );
  const table = {
    ids: Array.from({ length: count }, (_, i) => `p${i}`),
    width: 3,
    values: Float32Array.from(
      { length: 3 * count },
      (_, i) => i % 3 === 2 ? 10 : points[2 * Math.floor(i / 3) + i % 3],
    ),
  };
  const { backend } = await openBackend("cpu");
  await using _ = backend;
  const neighbours = await nearestNeighbours(table, table, 14, backend, { isSelf: true });
  const sum = new QualitySum(points);
  for (let i = 0; i < count; i++) {
    sum.add(
      i,
      Array.from(
        { length: count },
        (_, j) =>
          -((points[2 * i] - points[2 * j]) ** 2 + (points[2 * i + 1] - points[2 * j + 1]) ** 2),
      ),
    );
  }
  return {
    method: "umap",
    points,
    neighbours,
    quality: sum.result(),
    kept: sum.kept,
    nearestOnMap: sum.nearest,
  };
}

const run = { record: { command: "embed" }, input: "i", options: "o", files: ["map.csv"] };

async function page(count: number, more: Record<string, readonly string[]> = {}): Promise<string> {
  const map = await sample(count), ids = Array.from({ length: count }, (_, i) => `p${i}`);
  return renderEmbedReport({
    notes: ["</script><script>alert(1)</script>"],
    vectors: "mean of residues, after the final LayerNorm",
    map: mapView({
      ...{ map, ids, colourBy: "half" },
      columns: [
        { name: "half", values: ids.map((_, i) => map.points[2 * i] > 0 ? "right" : "left") },
        { name: "residues", values: ids.map((_, i) => `${100 + 7 * i}`) },
        ...Object.entries(more).map(([name, values]) => ({ name, values })),
      ],
    }),
    search: {
      hits: [{ protein: "p0", rank: 1, neighbour: "<b>", cosine: 0.99, z: 2.5 }],
      ...{ queries: 1, database: 10 },
    },
    run,
  });
}

Deno.test("colourColumns takes quantities and labels that are shared, the most frequent first", () => {
  const values = Array.from({ length: 20 }, (_, i) => `${i / 2}`);
  deepEqual(
    colourColumns([
      { name: "id", values: values.map((v) => `p${v}`) },
      { name: "same", values: values.map(() => "x") },
      { name: "empty", values: values.map(() => "") },
      { name: "quantity", values: ["", ...values.slice(1)] },
      { name: "class", values: values.map((_, i) => i === 0 ? "" : i % 3 === 0 ? "b" : "a") },
      { name: "few", values: values.map((_, i) => `${i % 3}`) },
    ]).map((column) =>
      column.kind === "labels"
        ? [column.name, column.labels, column.counts, column.of[0]]
        : [column.name, column.values[0], column.values[3]]
    ),
    [
      ["quantity", NaN, 1.5],
      ["class", ["a", "b"], [13, 6], -1],
      ["few", ["0", "1", "2"], [7, 7, 6], 0],
    ],
  );
});

Deno.test("the finding of a map says what chance gives, and no more than was found", () => {
  const quality = {
    ...{ neighbours: 15, trustworthiness: 0.95, continuity: 0.9 },
    ...{ preserved: 0.2, preservedByChance: 0.003 },
  };
  const shown = { column: "class", agreement: 0.71, onMap: 0.5, chance: 0.15, labelled: 90 };
  equal(
    mapFinding(100, quality, "umap", shown).answer,
    "For 71\u202f% of 90 labelled proteins the most similar one has the same class, where chance gives 15\u202f%.",
  );
  match(
    mapFinding(100, quality, "tsne", { ...shown, agreement: 0.15 }).answer,
    /^The most similar protein has the same class no more often than chance/,
  );
  const bare = mapFinding(100, quality, "pca", undefined, [0.5, 0.25]);
  match(bare.answer, /^Of the 15 proteins nearest to each of 100, the map keeps 20\u202f%/);
  match(bare.method!, /axes hold 50\u202f% and 25\u202f%.*Most neighbours on the map are not/);
});

Deno.test("the finding of a search names the nearest of all, against its own background", () => {
  const hits = [
    { protein: "a", rank: 1, neighbour: "x", cosine: 0.9, z: 3 },
    { protein: "a", rank: 2, neighbour: "y", cosine: 0.95, z: 9 },
    { protein: "b", rank: 1, neighbour: "z", cosine: 0.94, z: NaN },
  ];
  equal(
    searchFinding(hits, 2, 7).answer,
    "Of 2 proteins' nearest among 7, z is the most similar to b: cosine 0.9400.",
  );
  match(
    searchFinding(hits.slice(0, 1), 1, 7).answer,
    /^Of 7 proteins x is .* 3\.0 standard deviations above/,
  );
});

Deno.test("renderEmbedReport() escapes what it is given", async () => {
  const html = await page(30);
  ok(!html.includes("<b></td>") && !html.includes("alert(1)</script>"));
  equal(html.split("</script>").length, html.split(/<script[ >]/).length, "scripts are closed");
  ok(html.length < 150_000, `${html.length}`);
});

browserTest("map of proteins: page, looks and files", async (browser, dir, t) => {
  const url = await writePage(dir, "map", await page(60));
  const step = (name: string, check: (browser: Browser, url: string) => Promise<void>) =>
    t.step(name, () => check(browser, url)).then(() => {});
  await checkWhole(step, "main p, main td, main th, main button, main label, main dt", 30);
  await step("figures are saved, with their key", (browser, url) => checkSaved(browser, url, 3));
});

browserTest(
  "map of proteins: a click chooses, ties to the nearest and tells what the input says",
  async (browser, dir) => {
    const map = await sample(60), url = await writePage(dir, "map", await page(60));
    await using view = await browser.open(url, { width: 1280 });
    const box = await figureBox(view, "map");
    const xs = map.points.filter((_, i) => i % 2 === 0),
      ys = map.points.filter((_, i) => i % 2 === 1);
    const [x0, x1] = [Math.min(...xs), Math.max(...xs)],
      [y0, y1] = [Math.min(...ys), Math.max(...ys)];
    const unit = Math.min((box.width - 24) / (x1 - x0), (box.height - 24) / (y1 - y0));
    const at = (i: number) =>
      [
        box.x + box.width / 2 + (xs[i] - (x0 + x1) / 2) * unit,
        box.y + box.height / 2 - (ys[i] - (y0 + y1) / 2) * unit,
      ] as const;
    await view.click(...at(7));
    await view.settle();
    const said = () => view.evaluate<string>(`document.querySelector("[data-found]").textContent`);
    equal(await said(), "p7");
    const listed = await view.evaluate<string[]>(
      `[...document.querySelectorAll("[data-table=nearest] tbody tr")].map((row) => row.textContent)`,
    );
    equal(listed.length, 10);
    const first = map.neighbours.indices[7 * map.neighbours.each];
    ok(
      listed[0].startsWith(
        `p${first}${map.neighbours.cosines[7 * map.neighbours.each].toFixed(4)}`,
      ),
      listed[0],
    );
    match(
      await view.evaluate<string>(`document.querySelector("[data-said]").textContent`),
      new RegExp(`half${xs[7] > 0 ? "right" : "left"}residues149`),
    );
    // A list of the nearest leads on, and the field finds by a part of an id.
    await view.evaluate(`document.querySelector("[data-table=nearest] button").click()`);
    equal(await said(), `p${first}`);
    await view.evaluate(`{ const field = document.querySelector("[data-find] input");
    field.value = "P12"; field.dispatchEvent(new Event("change")); }`);
    equal(await said(), "p12");
    await view.evaluate(`{ const field = document.querySelector("[data-find] input");
    field.value = "nobody"; field.dispatchEvent(new Event("change")); }`);
    equal(await said(), "No id contains nobody.");
  },
);

/** Hashes what the map shows. */
const SHOWN = `(() => {
  const canvas = document.querySelector('[data-figure="map"] canvas');
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let painted = 0;
  for (let i = 3; i < data.length; i += 4) if (data[i] > 0) painted++;
  return painted;
})()`;

browserTest(
  "map of proteins: legend filters, buttons and wheel enlarge, All shows everything again",
  async (browser, dir) => {
    const url = await writePage(dir, "map", await page(60));
    await using view = await browser.open(url, { width: 1280 });
    await figureBox(view, "map");
    await view.settle();
    const all = await view.evaluate<number>(SHOWN);
    const press = async (selector: string) => {
      await view.evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);
      await view.settle();
      return await view.evaluate<number>(SHOWN);
    };
    const one = await press("[data-legend] button:nth-child(1)");
    ok(one < all, `${one} of ${all}`);
    const two = await press("[data-legend] button:nth-child(2)");
    // Both labels chosen are all labels.
    equal(two, all);
    await press("[data-legend] button:nth-child(1)");
    await press("[data-legend] button:nth-child(2)");
    const larger = await press('[data-do="map-in"]');
    ok(larger !== all);
    equal(await press('[data-do="map-all"]'), all);
    await view.evaluate(`document.querySelector('[data-figure="map"] canvas').dispatchEvent(
    new WheelEvent("wheel", { deltaY: -400, clientX: 300, clientY: 300, cancelable: true }))`);
    await view.settle();
    ok(await view.evaluate<number>(SHOWN) !== all);
    // By the keyboard.
    await view.evaluate(`document.querySelector('[data-figure="map"]').dispatchEvent(
    new KeyboardEvent("keydown", { key: "0", bubbles: true }))`);
    await view.settle();
    equal(await view.evaluate<number>(SHOWN), all);
    // Another column: a scale instead of a legend.
    await view.evaluate(`{ const select = document.querySelector("[data-pick=colour]");
    select.value = "residues"; select.dispatchEvent(new Event("change")); }`);
    await view.settle();
    deepEqual(
      await view.evaluate(`[document.querySelector("[data-legend]").children.length,
      document.querySelector("[data-ramp=numbers]").hidden]`),
      [0, false],
    );
  },
);

browserTest(
  "map of proteins: labels beyond the forms and colours are told to be others",
  async (browser, dir) => {
    const labels = Array.from({ length: 90 }, (_, i) => `class ${i % 30}`);
    const html = (await page(90, { classes: labels })).replace(
      `"colourBy":"half"`,
      `"colourBy":"classes"`,
    );
    await using view = await browser.open(await writePage(dir, "map", html), { width: 1280 });
    const entries = await view.evaluate<string[]>(
      `[...document.querySelectorAll("[data-legend] button")].map(({ textContent }) => textContent)`,
    );
    equal(entries.length, MOST_CATEGORIES + 1);
    equal(entries.at(-1), "5 others 15");
  },
);
