/** The one place that names the accessibility checker: WCAG 2.2 A and AA over a page as it stands. */
import source from "npm:axe-core@4.12.1/axe.min.js" with { type: "text" };
import { deepEqual } from "./assert.ts";
import type { Page } from "./browser.ts";

interface Violation {
  id: string;
  nodes: { html: string; any: { message: string }[] }[];
}

/** Requires that the checker finds nothing on the page. */
export async function checkAccessible(page: Page): Promise<void> {
  await page.evaluate(source as unknown as string);
  const { violations } = await page.evaluate<{ violations: Violation[] }>(
    `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })
      .then(({ violations }) => ({ violations }))`,
  );
  deepEqual(
    violations.map(({ id, nodes }) =>
      `${id}: ${nodes[0].html.slice(0, 200)} ${nodes[0].any[0]?.message ?? ""}`
    ),
    [],
  );
}
