import { deepEqual, equal, match } from "../../tests/assert.ts";
import type { Fidelity } from "./fidelity.ts";
import { fidelityFaults, fidelityWarning } from "./fidelity_text.ts";
import type { OpenedSae } from "./open.ts";

const opened = (layout: OpenedSae["layout"], k?: number) =>
  ({ sae: { config: { depth: 3, k } }, layout }) as OpenedSae;
const fidelity = (lossRecovered: number, fvu = 0.1) => ({ lossRecovered, fvu }) as Fidelity;

Deno.test("fidelityWarning names the options that the command has, where little is recovered", () => {
  equal(fidelityWarning(fidelity(0.8), opened("interprot", 64), "hf"), undefined);
  const poor = fidelityWarning(fidelity(0.79), opened("interprot", 64), "hf");
  match(
    poor!,
    /the layer \(now 3; --layer\), k \(now 64; --k\), .* \(now hf; --embed-scale train\)/,
  );
  const several = fidelityWarning(fidelity(NaN), opened("interplm"), "hf", "--layers");
  match(several!, /the layer \(now 3; --layers\), or the model may not/);
});

Deno.test("fidelityFaults judges variance, losses and the layers beside, each by itself", () => {
  const good = { fvu: 0.1, lossRecovered: 0.99, masked: { lossRecovered: 0.98 } };
  const near = (...fvus: number[]) => fvus.map((fvu, i) => ({ depth: 2 + 2 * i, fvu }));
  deepEqual(fidelityFaults({ ...good, neighbours: near(0.09, 0.3) }, 3), []);
  const cases: [poor: Partial<typeof good> & Partial<Fidelity>, says: RegExp][] = [
    [{ fvu: 1.19 }, /^1\.19 of the variance is unexplained$/],
    [{ fvu: NaN }, /^NaN of the variance/],
    [{ lossRecovered: 0.5 }, /^only 0\.50 of the loss is recovered$/],
    [{ masked: { lossRecovered: -0.1 } as never }, /^only -0\.10 of the loss of masked residues/],
    [{ neighbours: near(0.3, 0.02) }, /^layer 4 is reconstructed better \(0\.02 .* than layer 3/],
  ];
  for (const [poor, says] of cases) {
    const faults = fidelityFaults({ ...good, ...poor }, 3);
    equal(faults.length, 1, faults.join());
    match(faults[0], says);
  }
});
