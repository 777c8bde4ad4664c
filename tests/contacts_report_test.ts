import { evaluate } from "../lib/contacts/evaluate.ts";
import { truthFromStructure } from "../lib/contacts/truth.ts";
import type { ContactResult } from "../lib/contacts/types.ts";
import { renderContactReport } from "../lib/contacts/report/report.ts";
import { backbonePdb } from "../lib/structure/molecules.ts";
import { chainLetters, structureOf } from "../lib/structure/structure.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { browserTest, writePage } from "./browser.ts";
import { random } from "./report_sample.ts";

/** A helix of `length` alanines with backbone atoms, residue 5 missing. */
function helix(length: number): string {
  const lines: string[] = [];
  for (let i = 0; i < length; i++) {
    if (i === 4) continue;
    ["N", "CA", "C", "O", "CB"].forEach((atom, k) => {
      const angle = (100 * i + 25 * k) * Math.PI / 180, radius = atom === "CB" ? 3.3 : 1.9;
      const point = [radius * Math.cos(angle), radius * Math.sin(angle), 1.5 * i + 0.4 * k];
      const xyz = point.map((v) => v.toFixed(3).padStart(8)).join("");
      lines.push(
        `ATOM  ${String(lines.length + 1).padStart(5)}  ${atom.padEnd(3)} ALA A` +
          `${String(i + 1).padStart(4)}    ${xyz}  1.00 20.00           ${atom[0]}`,
      );
    });
  }
  return lines.join("\n") + "\n";
}

async function sample(id: string): Promise<ContactResult> {
  const residues = "A".repeat(40), structure = await structureOf(helix(40), "helix.pdb");
  const { truth } = truthFromStructure({ id, residues }, structure, { cutoff: 12 });
  const next = random(3), map = new Float32Array(1600);
  for (let i = 0; i < 40; i++) {
    for (let j = 0; j < i; j++) map[i * 40 + j] = map[j * 40 + i] = next() ** 3;
  }
  const point = (flank: number) => ({ flank, unmasked: 10 + 2 * flank, recovery: flank / 10 });
  const curve = [0, 5, 10].map(point);
  return {
    id,
    residues,
    map,
    truth,
    scores: evaluate(map, truth),
    baseline: { name: "covariance", map, scores: evaluate(map, truth) },
    heads: [{ layer: 1, head: 2, precisionL: [0.1, 0.2, 0.3] }],
    motif: [{
      unit: {
        set: "pair_15_100",
        blocks: [{ begin: 1, end: 12 }, { begin: 20, end: 31 }],
        elements: [{ kind: "E", begin: 4, end: 10 }, { kind: "H", begin: 20, end: 30 }],
        weight: 3,
      },
      curves: { flanks: curve, random: curve, random_far: [] },
      minimalLength: 20,
    }],
  };
}

const page = async (result: ContactResult) =>
  await renderContactReport({
    title: "Contacts of <b>",
    subtitle: "model, method",
    notes: ["</script><script>alert(1)</script>"],
    method: "head",
    results: [result],
    drawn: [result],
    provenance: { command: "contacts" },
  });

Deno.test("renderContactReport() escapes what it is given and embeds the viewer once", async () => {
  const html = await page(await sample('<img src="x">'));
  ok(!html.includes("<img") && !html.includes("<b>") && !html.includes("alert(1)</script>"));
  equal(html.split("</script>").length, html.split(/<script[ >]/).length, "scripts are closed");
  // 3Dmol.js has 540 kB; everything else of this page is small.
  ok(html.length > 500_000 && html.length < 700_000, String(html.length));
  const [, model] = /<script type="application\/json" class="model">(.*?)<\/script>/.exec(html)!;
  for (const { label } of JSON.parse(model).contacts) match(label, /^A\/\d+ A\/\d+, \d+\.\d Å$/);
  const { truth: _, scores: _scores, ...bare } = await sample("bare");
  ok((await page(bare)).length < 120_000, "no viewer without a structure");
});

Deno.test("backbonePdb() is a structure of the same residues at the same places", async () => {
  const { chains: [chain] } = await structureOf(helix(40), "helix.pdb");
  const { chains: [again] } = await structureOf(backbonePdb(chain), "again.pdb");
  equal(chainLetters(again), chainLetters(chain));
  deepEqual(again.residues.map(({ alpha }) => alpha), chain.residues.map(({ alpha }) => alpha));
});

browserTest(
  "renderContactReport gives a page that a browser shows whole, offline, in light and dark",
  async (browser, dir) => {
    const result = await sample("helix");
    result.map[3 * 40 + 35] = result.map[35 * 40 + 3] = -0.36;
    const url = await writePage(dir, "r", await page(result));
    for (const scheme of ["light", "dark"] as const) {
      await using view = await browser.open(url, { scheme });
      // What the driver says of its software renderer is not the page's.
      deepEqual(view.complaints.filter((text) => !/WebGL|GL Driver/.test(text)), []);
      deepEqual(view.requests, [url]);
      const colours = await view.evaluate<string[]>(`
      { const canvas = document.querySelector(".contact-map canvas");
        const context = canvas.getContext("2d"), size = canvas.width / 40;
        const at = (row, column) => [...context.getImageData(
          Math.floor((column + 0.5) * size), Math.floor((row + 0.5) * size), 1, 1).data].join();
        [at(4, 30), at(30, 4), at(12, 4), at(20, 4), at(17, 16)]; }`);
      // Above: the map, also where no truth is known; below: residue 5 is not known.
      ok(colours[0] !== colours[1], colours.join(" "));
      equal(colours[1], colours[2]);
      ok(colours[4] !== colours[1], "neighbours are contacts");
      const box = await view.evaluate<{ x: number; y: number; width: number; height: number }>(
        `{ const c = document.querySelector(".contact-map canvas"); c.scrollIntoView();
         c.getBoundingClientRect().toJSON(); }`,
      );
      await view.point(box.x + box.width * 30.5 / 40, box.y + box.height * 10.5 / 40);
      const shown = await view.evaluate<string[]>(
        `[...tooltip.querySelectorAll("dd")].map((dd) => dd.textContent)`,
      );
      const value = result.map[10 * 40 + 30];
      // Every digit of a float32, below zero too.
      const exact = (text: string) => Number(text.replaceAll("−", "-"));
      ok(Math.abs(exact(shown[0]) - value) <= 1e-6 * Math.abs(value), `${shown} for ${value}`);
      const least = result.map.indexOf(Math.min(...result.map));
      ok(result.map[least] < 0);
      await view.point(
        box.x + box.width * (least % 40 + 0.5) / 40,
        box.y + box.height * (Math.floor(least / 40) + 0.5) / 40,
      );
      const [lowest] = await view.evaluate<string[]>(
        `[...tooltip.querySelectorAll("dd")].map((dd) => dd.textContent)`,
      );
      ok(
        Math.abs(exact(lowest) - result.map[least]) <= 1e-6 * -result.map[least],
        `${lowest} for ${result.map[least]}`,
      );
      // The caption's colours are the picture's.
      deepEqual(await view.evaluate("[chainColour(0), chainColour(0.5), chainColour(1)]"), [
        ...[0x0000ff, 0x00ff00, 0xff0000],
      ]);
      equal(shown[1], "20");
      const { points } = result.truth!, a = points![10]!, b = points![30]!;
      const distance = Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
      ok(shown.includes("A/11 – A/31") && shown.includes(`${distance.toFixed(1)} Å`), `${shown}`);
      const stage = await view.evaluate<string>(
        `document.querySelector(".stage canvas") ? "drawn" : document.querySelector(".stage").textContent`,
      );
      ok(stage === "drawn" || /WebGL is not available/.test(stage), stage);
      await view.evaluate(`document.querySelector("[data-share='1']").click()`);
      const wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
      equal(await view.evaluate(wide), 0);
      await view.look({ width: 688, media: "print" });
      const outside = await view.evaluate<number>(`{
        const canvas = document.querySelector(".stage canvas");
        const stage = document.querySelector(".stage").getBoundingClientRect();
        const box = canvas?.getBoundingClientRect() ?? stage;
        Math.max(box.right - stage.right, box.bottom - stage.bottom, stage.right - innerWidth); }`);
      ok(outside <= 1, `the picture is ${outside} px beyond the page`);
      await view.look({ width: 390, scheme });
      equal(await view.evaluate(wide), 0);
    }
  },
);
