import { equal, ok } from "../../tests/assert.ts";
import { reportPage } from "./page.ts";

/** The head of a page with so many notes. */
const header = (count: number) =>
  reportPage({
    ...{ name: "n", about: "a", context: [], finding: { answer: "f" }, body: "", pieces: [] },
    cautions: Array.from({ length: count }, (_, i) => `note ${i} <b>`),
    run: { record: {}, input: "i", options: "o", files: [] },
  }).split("</header>")[0];

Deno.test("page keeps every note and folds away those of many, which would hide the results", () => {
  for (const count of [0, 1, 4, 5, 40]) {
    const text = header(count);
    equal(text.match(/class="caution"/g)?.length ?? 0, count);
    ok(!text.includes("<b>"), "notes are escaped");
    const [open, folded] = text.split("<details>");
    equal(open.match(/class="caution"/g)?.length ?? 0, count > 4 ? 3 : count);
    equal(/(\d+) more notes/.exec(folded ?? "")?.[1], count > 4 ? `${count - 3}` : undefined);
  }
});
