import { deepEqual, throws } from "../../tests/assert.ts";
import { parsePlaces, placeName, tokensOf } from "./places.ts";

const target = { id: "t", residues: "MKTAY", offset: 11 };
const substitutions = [{ position: 2, from: "K", to: "R" }, { position: 5, from: "Y", to: "F" }];

Deno.test("tokensOf counts <cls> as token 0 and residues from the offset", () => {
  deepEqual(tokensOf("all", target, substitutions), [0, 1, 2, 3, 4, 5, 6]);
  deepEqual(tokensOf("mutated", target, substitutions), [2, 5]);
  deepEqual(tokensOf(parsePlaces("11,13-15", "--at"), target, []), [1, 3, 4, 5]);
  for (const bad of ["10", "16"]) {
    throws(() => tokensOf(parsePlaces(bad, "--at"), target, []), /in 11\.\.15: current value is/);
  }
});

Deno.test("placeName gives residues their numbers and special tokens their names", () => {
  deepEqual([0, 1, 5, 6].map((token) => placeName(token, target)), ["<cls>", "11", "15", "<eos>"]);
});

Deno.test("parsePlaces refuses other words and descending ranges", () => {
  for (const bad of ["", "core", "5-3", "1,,2", "-4"]) {
    throws(() => parsePlaces(bad, "--at"), /--at as it must be mutated, all, or residues/, bad);
  }
});
