/** Prints the largest difference to fair-esm per fixture, backend and layer: `deno task parity`. */
import { BACKEND_CHOICES, openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { defineCommand, option } from "../lib/cli/command.ts";
import { runCommand } from "../lib/cli/main.ts";
import * as parse from "../lib/cli/parsers.ts";
import { formatTable } from "../lib/cli/table.ts";
import { quote, UserError } from "../lib/errors.ts";
import { forwardFixtures } from "./fixtures.ts";
import { compare, type ParityRow } from "./parity.ts";
import { adapterFixtures, compareAdapter } from "./adapter_parity.ts";
import { compareTraining, trainingFixtures } from "./training_parity.ts";

export const command = defineCommand({
  name: "parity",
  summary: "Largest difference to golden arrays, per fixture, backend and array",
  description:
    "hidden n is the residual stream after n blocks, before the final LayerNorm; grad are gradients of " +
    "weights, norm the length of one, param and after3 what three training steps made of a weight, " +
    "merged a matrix with an adapter in it. The reference is fair-esm, PEFT and torch in double " +
    "precision; float32 alone explains differences of 1e-5 of the largest value.",
  options: {
    backend: option({
      placeholder: "name",
      parse: parse.choice(...BACKEND_CHOICES.filter((name) => name !== "auto")),
      description: "one backend only",
      defaultText: "all three",
    }),
    fixture: option({ placeholder: "name", parse: parse.text, description: "one fixture only" }),
  },
  examples: [
    { command: "deno task parity", shows: "every fixture on every backend" },
    { command: "deno task parity --backend cpu --fixture tiny_gb1", shows: "one of them" },
  ],
  async run({ backend: only, fixture: wanted }, ctx) {
    const fixtures = forwardFixtures();
    const adapters = adapterFixtures.map((name) => `lora/${name}`);
    const all = [...fixtures.map(({ name }) => name), ...trainingFixtures, ...adapters];
    if (wanted && !all.includes(wanted)) {
      throw new UserError(
        `Cannot use --fixture as it must be one of ${all.join(", ")}: current value is ${
          quote(wanted)
        }`,
      );
    }
    const names = only ? [only] : BACKEND_CHOICES.filter((name) => name !== "auto");
    const rows: ParityRow[] = [];
    for (const name of names) {
      const { backend } = await openBackend(name);
      await using _ = backend;
      for (const fixture of fixtures) {
        if (wanted && fixture.name !== wanted) continue;
        using checkpoint = await openCheckpoint(fixture.model);
        rows.push(...await compare(fixture, checkpoint, backend));
      }
      for (const fixture of trainingFixtures) {
        if (wanted && fixture !== wanted) continue;
        rows.push(...await compareTraining(fixture, backend));
      }
      for (const fixture of adapterFixtures) {
        if (wanted && `lora/${fixture}` !== wanted) continue;
        rows.push(...await compareAdapter(fixture, backend));
      }
    }
    const keys = [...new Set(rows.map(({ fixture, array }) => `${fixture}\t${array}`))];
    const scientific = (value: number) => value === 0 ? "0" : value.toExponential(1);
    ctx.print(formatTable(
      [
        { header: "fixture" },
        { header: "array" },
        ...names.map((header) => ({ header, align: "right" as const, format: scientific })),
        { header: "allowed", format: scientific },
      ],
      keys.map((key) => {
        const [fixture, array] = key.split("\t");
        const own = rows.filter((r) => r.fixture === fixture && r.array === array);
        return [
          fixture,
          array,
          ...names.map((name) => own.find((r) => r.backend === name)!.maxAbsDiff),
          own[0].allowed,
        ];
      }),
    ));
    const worst = Math.max(...rows.map((r) => r.maxAbsDiff / (r.allowed || 1)));
    ctx.print(
      `\n${rows.length} arrays; the worst uses ${(100 * worst).toFixed(0)} % of its tolerance.`,
    );
  },
});

if (import.meta.main) await runCommand(command, Deno.args);
