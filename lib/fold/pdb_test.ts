import { openBackend } from "../backend/mod.ts";
import { equal } from "../../tests/assert.ts";
import { fixturePath } from "../../tests/fixtures.ts";
import { foldChains } from "./input.ts";
import { EsmFold, type Fold } from "./model.ts";
import { openFold } from "./open.ts";
import { pdbText } from "./pdb.ts";

async function folded(residues: string, recycles: number): Promise<Fold> {
  const { backend } = await openBackend("cpu");
  await using _ = backend;
  using checkpoint = await openFold(fixturePath("esmfold/model"));
  await using model = await EsmFold.open(checkpoint, backend);
  return await model.fold(foldChains({ id: "one", residues }), { recycles });
}

const options = { sanitizeOps: false, sanitizeResources: false };
for (
  const [name, residues, recycles] of [
    ["s12", "MKTAYIAKQRQW", 3],
    ["s21", "GSHVLCEPDFNRXKGYWTMIA", 3],
    ["multimer", "MKTAYI:GSHVL", 0],
  ] as const
) {
  Deno.test({
    name: `the PDB file of ${name} is fair-esm's, byte for byte`,
    ...options,
    async fn() {
      const golden = await Deno.readTextFile(fixturePath(`esmfold/${name}_fair.pdb`));
      const text = pdbText(await folded(residues, recycles));
      const [own, other] = [text.split("\n"), golden.split("\n")];
      equal(own.findIndex((line, i) => line !== other[i]), -1);
      equal(text, golden);
    },
  });
}
