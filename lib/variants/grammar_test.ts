import { deepEqual, equal, match, ok, throws } from "../../tests/assert.ts";
import { fc } from "../../tests/property.ts";
import { UserError } from "../errors.ts";
import { type Edit, parseVariant, readEdits, splitVariants } from "./grammar.ts";
import { AMINO_ACIDS } from "./letters.ts";
import { fromSequence, LetterCheck, mutate, resolveVariant } from "./resolve.ts";
import type { Reason, Unscorable, Variant } from "./types.ts";

/** Edits in short: residue, letters checked, what replaces what. */
const brief = (edits: Edit[]) =>
  edits.map(({ named, begin, end, inserted, duplicated }) => {
    const letters = named.map(({ letter, residue }) => `${letter}${residue}`).join("_");
    return `${letters} ${begin}..${end} ${duplicated ? "dup" : inserted || "-"}`;
  });
const parsed = (text: string) => brief(parseVariant(text, "here"));

Deno.test("parseVariant reads one substitution in every spelling", () => {
  const spellings = ["A10G", "a10g", " A10G ", "p.Ala10Gly", "p.(Ala10Gly)", "ALA10GLY", "SA10G"];
  for (const text of spellings) deepEqual(parsed(text), ["A10 10..10 G"], text);
  deepEqual(parsed("S10G"), ["S10 10..10 G"], "serine itself is no prefix");
  deepEqual(parsed("SS10G"), ["S10 10..10 G"]);
  deepEqual(parsed("p.Ser10Gly"), ["S10 10..10 G"]);
  deepEqual(parsed("A-2G"), ["A-2 -2..-2 G"], "tags are numbered below 1");
  deepEqual(parsed("p.Ala10="), ["A10 10..10 A"]);
  deepEqual(parsed("X5A"), ["X5 5..5 A"]);
  const prefixed = [
    ...["NP_000537.3:p.Ala10Gly", "ENSP00000269305.4:p.(Ala10Gly)", "TP53:p.A10G", "P04637:A10G"],
    ...["NM_000546.6(TP53):c.524G>A (p.Ala10Gly)", "P53_HUMAN:p.[Ala10Gly]", "A0A024R1R8:A10G"],
  ];
  for (const text of prefixed) deepEqual(parsed(text), ["A10 10..10 G"], text);
  deepEqual(parsed("A10G:K20R").length, 2, "a mutation is no prefix");
  deepEqual(parsed("A1P_D2N:K3R").length, 3, "nor are two");
});

Deno.test("parseVariant joins mutations by every separator", () => {
  const both = ["A1P 1..1 P".replace("A1P", "A1"), "D2 2..2 N"];
  const texts = ["A1P:D2N", "A1P,D2N", "A1P/D2N", "A1P_D2N", "A1P+D2N", "A1P;D2N", "A1P D2N"];
  for (const text of [...texts, "A1P : D2N", "SA1P:SD2N", "p.[Ala1Pro;Asp2Asn]", "A1P:D2N:"]) {
    deepEqual(parsed(text), both, text);
  }
  equal(parsed("p.Ala1Pro_Asp2Asn").length, 2);
});

Deno.test("parseVariant reads insertions, deletions and duplications", () => {
  const cases: [string, string[]][] = [
    ["p.Ala3del", ["A3 3..3 -"]],
    ["A3del", ["A3 3..3 -"]],
    ["p.Ala3_Gly5del", ["A3_G5 3..5 -"]],
    ["A3_G5del", ["A3_G5 3..5 -"]],
    ["A3_G5delAVG", ["A3_G5_A3_V4_G5 3..5 -"]],
    ["p.Lys2_Gly3insGlnSer", ["K2_G3 3..2 QS"]],
    ["K2_G3insQS", ["K2_G3 3..2 QS"]],
    ["K2_G3insALA", ["K2_G3 3..2 ALA"]],
    ["p.Cys28delinsTrpVal", ["C28 28..28 WV"]],
    ["A3_G5delinsW", ["A3_G5 3..5 W"]],
    ["p.Ala3dup", ["A3 3..3 dup"]],
    ["p.Ala3dupAla", ["A3_A3 3..3 dup"]],
    ["p.Ala3_Gly5dupAlaValGly", ["A3_G5_A3_V4_G5 3..5 dup"]],
    ["p.Ala3_Gly5dup:K9R", ["A3_G5 3..5 dup", "K9 9..9 R"]],
  ];
  for (const [text, expected] of cases) deepEqual(parsed(text), expected, text);
});

Deno.test("parseVariant reads the wild type as no change", () => {
  for (const text of ["WT", "wt", "_wt", "wild-type", "p.=", "p.(=)", "p.[=]", "X:p.=", "="]) {
    deepEqual(parsed(text), []);
  }
});

Deno.test("parseVariant refuses what is no mutation, naming it and where it stands", () => {
  const cases: [string, RegExp][] = [
    ["", /must be like A10G/],
    ["A10", /"A10" \(here\)/],
    ["10G", /"10G"/],
    ["A10G:", /^ok$/],
    ["A10G:foo", /"foo" of "A10G:foo" \(here\)/],
    ["AA10G", /"AA10G"/],
    ["A10GG", /"A10GG"/],
    ["A10J", /new letters must be amino acids.*"J"/],
    ["A10X", /"X"/],
    ["A10*", /current value is a stop/],
    ["p.Trp24Ter", /a stop/],
    ["p.Ala3fs", /"Ala3fs"/],
    ["A3_G5ins", /letters must follow/],
    ["A3_G9insQ", /two residues beside it/],
    ["A5_G3del", /must ascend/],
    ["A3dupAV", /no letters may follow/],
    ["A3_G5delAV", /no letters may follow/],
    ["K2_G3insQB1", /must be like/],
    ["K2_G3insQB", /"B"/],
    ["A1.5G", /must be like/],
  ];
  for (const [text, message] of cases) {
    if (message.source === "^ok$") {
      equal(parseVariant(text, "here").length, 1);
      continue;
    }
    throws(
      () => parseVariant(text, "here"),
      (error: unknown) => {
        equal(error instanceof UserError, true, text);
        match((error as Error).message, message);
        match((error as Error).message, /\(here\)/);
        return true;
      },
      text,
    );
  }
});

Deno.test("splitVariants parts variants by commas, semicolons and spaces, not within brackets", () => {
  deepEqual(splitVariants("A10G,K20R:L21M; p.[Ala1Pro;Asp2Asn]  W3C,"), [
    "A10G",
    "K20R:L21M",
    "p.[Ala1Pro;Asp2Asn]",
    "W3C",
  ]);
  deepEqual(splitVariants(" , "), []);
});

const target = { id: "t", residues: "MKTAYIAKQR", offset: 11 };
const variantOf = (text: string) => resolveVariant(parseVariant(text, "here"), target, "here");
const made = (text: string) => mutate(target, variantOf(text));

Deno.test("resolveVariant gives positions along the sequence, in order, by its numbering", () => {
  deepEqual(variantOf("K18R:M11L").substitutions, [
    { position: 1, from: "M", to: "L" },
    { position: 8, from: "K", to: "R" },
  ]);
  deepEqual(variantOf("WT").substitutions, []);
});

Deno.test("mutate makes the sequence that HGVS means", () => {
  const cases: [string, string][] = [
    ["WT", "MKTAYIAKQR"],
    ["K18R:M11L", "LKTAYIARQR"],
    ["T13del", "MKAYIAKQR"],
    ["T13_Y15del", "MKIAKQR"],
    ["K12_T13insWW", "MKWWTAYIAKQR"],
    ["T13_Y15delinsC", "MKCIAKQR"],
    ["A14dup", "MKTAAYIAKQR"],
    ["K12_T13dup", "MKTKTAYIAKQR"],
    ["M11del:R20del", "KTAYIAKQ"],
    ["K12_T13insW:T13C:R20del", "MKWCAYIAKQ"],
  ];
  for (const [text, expected] of cases) equal(made(text), expected, text);
  // As many residues as before: nothing is shifted, so it is scored as substitutions.
  deepEqual(variantOf("T13_A14delinsWC").substitutions.map(({ position }) => position), [3, 4]);
});

Deno.test("resolveVariant refuses a residue that is changed twice", () => {
  for (const text of ["A14G:A14C", "T13_Y15del:A14G", "K12_T13insW:K12_T13insC"]) {
    throws(() => variantOf(text), /a residue must be changed once/, text);
  }
  throws(() => made("M11_R20del"), /must have residues/);
});

Deno.test("fromSequence finds what differs, and round-trips with mutate", () => {
  fc.assert(fc.property(fc.array(fc.constantFrom(...AMINO_ACIDS), { minLength: 1 }), (letters) => {
    const residues = letters.join("");
    equal(mutate(target, fromSequence(residues, target, "here") as Variant), residues);
  }));
  // A stop closes the whole protein; anywhere else it ends it early.
  deepEqual(fromSequence("MKTAYIAKQW*", target, "here"), {
    substitutions: [{ position: 10, from: "R", to: "W" }],
  });
  const cases = { "MKTAYIAKQJ": "letter", "MKTAY*AKQR": "stop", "MKT*": "stop", "MKX": "letter" };
  for (const [text, reason] of Object.entries(cases)) {
    const found = fromSequence(text, target, "row 3") as Unscorable;
    equal(found.reason, reason, text);
    match(found.message, /\(row 3\)/);
  }
  // A rare letter of the target itself is no reason.
  const rare = { ...target, residues: "MKUAYIAKQR" };
  deepEqual(fromSequence("MKUAYIAKQW", rare, "here"), {
    substitutions: [{ position: 10, from: "R", to: "W" }],
  });
  deepEqual(fromSequence("MKUAYIAKQ", rare, "here"), { substitutions: [], indel: "MKUAYIAKQ" });
});

Deno.test("readEdits says why a mutation has no score, and still which residues it names", () => {
  const cases: [string, Reason, string][] = [
    ["p.Ala4Ter", "stop", "A4"],
    ["p.(Ala4*)", "stop", "A4"],
    ["A4*", "stop", "A4"],
    ["p.[Lys2Arg;Ala4Ter]", "stop", "K2 A4"],
    ["p.Ala4_Tyr5delinsTrpTer", "stop", "A4 Y5"],
    ["p.Ala4fs", "frameshift", "A4"],
    ["p.Ala4ProfsTer5", "frameshift", "A4"],
    ["p.(Ala4Profs*5)", "frameshift", "A4"],
    ["A4Pfs*5", "frameshift", "A4"],
    ["A4fsX12", "frameshift", "A4"],
    ["p.Ala4fsTer?", "frameshift", "A4"],
    ["p.Met1ext-5", "extension", "M1"],
    ["p.Ter11GlnextTer17", "extension", ""],
    ["p.*11Leuext*?", "extension", ""],
    ["*11L", "extension", ""],
    ["p.Lys9_Ter11del", "extension", ""],
    ["p.Lys9_Ter11delinsGln", "extension", ""],
    ["p.?", "unknown", ""],
    ["?", "unknown", ""],
    ["p.0", "unknown", ""],
    ["p.(0?)", "unknown", ""],
    ["p.Met1?", "unknown", "M1"],
    ["p.Lys2_Thr3insXaa23", "letter", "K2 T3"],
    ["p.Lys2_Thr3ins17", "letter", "K2 T3"],
    ["p.Ala4Xaa", "letter", "A4"],
    ["p.Ala4Sec", "letter", "A4"],
    ["A4B", "letter", "A4"],
    ["_sy", "synonymous", ""],
    ["p.Ter11=", "synonymous", ""],
  ];
  for (const [text, reason, names] of cases) {
    const edits = readEdits(text, "here");
    const bad = edits.find(({ unscorable }) => unscorable)?.unscorable;
    equal(bad?.reason, reason, text);
    match(bad!.message, /\(here\)/);
    const named = edits.flatMap(({ named }) => named);
    equal(named.map(({ letter, residue }) => letter + residue).join(" "), names, text);
  }
});

Deno.test("LetterCheck names row, position, both letters and the offset that mends all rows", () => {
  const check = (texts: string[], offset: number) => {
    const letters = new LetterCheck({ ...target, offset });
    texts.forEach((text, i) => letters.add(parseVariant(text, "here"), `row ${i + 1}`));
    letters.done();
  };
  check(["M11A", "K12C:R20A"], 11);
  throws(
    () => check(["M11A", "K13C"], 11),
    /"K13C" \(row 2\) as residue 13 must be the sequence's T: current value is "K"$/,
  );
  // One residue of the right letter by chance (A14 is also A at 17 − 3) does not hide the shift.
  throws(
    () => check(["M1A", "K2C:Y5A", "A7G"], 11),
    /"M1A" \(row 1\) as residues of "t" must be in 11\.\.20: current value is 1; --offset 1 would fit all 4 residues named/,
  );
  throws(() => check(["Y19A", "I20C", "K22A"], 11), /--offset 15 would fit all 3/);
  // Numbers that no shift brings into the sequence together end the search before it begins.
  for (const far of ["2147483647", "9007199254740991", "9".repeat(400)]) {
    const begin = performance.now();
    throws(
      () => check(["A4G", `K${far}A`, "M1A"], 1),
      (error: Error) =>
        /must be in 1\.\.10: current value is/.test(error.message) &&
        !error.message.includes("--offset"),
    );
    ok(performance.now() - begin < 100, far);
  }
  throws(() => check(["M1A", "K3C", "A7G"], 11), (error: Error) => !/--offset/.test(error.message));
});
