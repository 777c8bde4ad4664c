/** The example proteins that commands run without any input file. */
import { a2a } from "./a2a.ts";
import type { ExampleProtein } from "./example_protein.ts";

export type { ExampleProtein, SiteSet } from "./example_protein.ts";

/** Example proteins by short name. */
export const examples: Record<string, ExampleProtein> = { a2a };
