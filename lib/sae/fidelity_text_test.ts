import { equal, match } from "../../tests/assert.ts";
import type { Fidelity } from "./fidelity.ts";
import { fidelityWarning } from "./fidelity_text.ts";
import type { OpenedSae } from "./open.ts";

const opened = (layout: OpenedSae["layout"], k?: number) =>
  ({ sae: { config: { depth: 3, k } }, layout }) as OpenedSae;
const fidelity = (lossRecovered: number) => ({ lossRecovered }) as Fidelity;

Deno.test("fidelityWarning names the options that the command has, where little is recovered", () => {
  equal(fidelityWarning(fidelity(0.5), opened("interprot", 64), "hf"), undefined);
  const poor = fidelityWarning(fidelity(0.49), opened("interprot", 64), "hf");
  match(
    poor!,
    /the layer \(now 3; --layer\), k \(now 64; --k\), .* \(now hf; --embed-scale train\)/,
  );
  const several = fidelityWarning(fidelity(NaN), opened("interplm"), "hf", "--layers");
  match(several!, /the layer \(now 3; --layers\), or the model may not/);
});
