import { execute } from "../lib/cli/main.ts";
import { command } from "../tasks/score.ts";
import { command as verify } from "../tasks/verify.ts";
import { equal } from "./assert.ts";
import { type BadInput, testBadInputs } from "./bad_input.ts";
import { fixturePath } from "./fixtures.ts";

const GB1 = "MTYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE";
const on = (...args: string[]) => ["--sequence", GB1, ...args];
const list = (mutations: string, ...args: string[]) => on("--mutations", mutations, ...args);
const header = "mutant,mutated_sequence,DMS_score,DMS_score_bin";
const T2A = "MAYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE";
const assay = (text: string | Uint8Array, ...args: string[]) => ({
  files: { "a.csv": text },
  args: ["--assay", "a.csv", ...args],
});
const rows = (...lines: string[]) => [header, ...lines, ""].join("\n");
const fasta = (text: string, ...args: string[]) => ({
  files: { "p.fasta": text },
  args: ["--fasta", "p.fasta", ...args],
});
const regions = (text: string) => ({
  files: { "a.csv": rows(`T2A,${T2A},1,1`), "r.csv": text },
  args: ["--assay", "a.csv", "--by", "r.csv"],
});
const aggregated = (text: string, reference?: string) => ({
  files: { "l.csv": text, ...(reference !== undefined && { "r.csv": reference }) },
  args: ["--aggregate", "l.csv", ...(reference !== undefined ? ["--reference", "r.csv"] : [])],
});
const referenceHeader = "DMS_id,DMS_filename,target_seq,DMS_binarization_cutoff";

const cases: BadInput[] = [
  // mutations
  { name: "empty list", args: list(" , "), says: /--mutations as it must name a mutation/ },
  { name: "no mutation", args: list("hello"), says: /"hello" \(--mutations\)/ },
  { name: "no new letter", args: list("T2"), says: /"T2"/ },
  { name: "unknown new letter", args: list("T2J"), says: /amino acids \(ACDEF.*"J"/ },
  { name: "a stop", args: list("T2*"), says: /a stop/ },
  { name: "wrong letter", args: list("A2G"), says: /"A2G".* residue 2 must be the sequence's T/ },
  {
    name: "wrong numbering of every row",
    args: list("M101A,T102A,Y103A,K104A"),
    says: /in 1\.\.56: current value is 101; --offset 101 would fit all 4 residues named/,
  },
  {
    name: "wrong offset",
    args: list("T2A,Y3A,K4A", "--offset", "24"),
    says: /in 24\.\.79: current value is 2; --offset 1 would fit/,
  },
  { name: "residue beyond the end", args: list("E57A"), says: /in 1\.\.56: current value is 57/ },
  { name: "a residue twice", args: list("T2A:T2C"), says: /changed once.*T2A and T2C/ },
  { name: "insertion at one residue", args: list("T2insA"), says: /two residues beside it/ },
  { name: "insertion of nothing", args: list("T2_Y3ins"), says: /letters must follow/ },
  { name: "falling deletion", args: list("Y3_T2del"), says: /must ascend/ },
  { name: "deletion of everything", args: list("M1_E56del"), says: /must have residues/ },
  {
    name: "deletion past the end",
    args: list("E56_A60del"),
    says: /in 1\.\.56: current value is 60/,
  },
  // sequence
  { name: "unknown letter", args: ["--sequence", "MK1T"], says: /residue 3/ },
  { name: "masked target", args: ["--sequence", "MK<mask>T"], says: /must be known.*residue 3/ },
  { name: "empty sequence", args: ["--sequence", ""], says: /--sequence/ },
  { name: "no such FASTA", args: ["--fasta", "no.fasta"], says: /no such file/ },
  { name: "empty FASTA", ...fasta(""), says: /p\.fasta/ },
  {
    name: "mutations of one of several records",
    ...fasta(">a\nMKT\n>b\nMKT\n", "--mutations", "M1A"),
    says: /--id must name it/,
  },
  {
    name: "regions of several proteins",
    files: { "r.csv": "region,start,end\nh,1,2\n", "p.fasta": ">a\nMKT\n>b\nMKT\n" },
    args: ["--fasta", "p.fasta", "--by", "r.csv"],
    says: /--by as it must be given with one protein: current count is 2/,
  },
  {
    name: "a table's column that is none",
    files: { "t.csv": "asay,offset\na.csv,1\n" },
    args: ["--table", "t.csv"],
    says: /line 1 as its columns must be among assay, .*"asay"; did you mean assay\?/,
  },
  {
    name: "a row of a table whose file is not there",
    files: { "t.csv": "assay,offset\nno.csv,1\n" },
    args: ["--table", "t.csv"],
    says: /no\.csv.*no such file \(t\.csv line 2\)/,
  },
  {
    name: "a row of a table without a protein",
    files: { "t.csv": "sequence,mutations\nMKT,M1A\n,K2A\n" },
    args: ["--table", "t.csv"],
    says: /t\.csv line 3 as it must have an assay, a fasta or a sequence/,
  },
  {
    name: "a table and an assay",
    files: { "t.csv": "assay\na.csv\n" },
    args: ["--table", "t.csv", "--assay", "a.csv"],
    says: /--table and --assay together/,
  },
  {
    name: "proteins of one name",
    files: { "t.csv": "id,sequence\np,MKT\np,MKTA\n" },
    args: ["--table", "t.csv"],
    says: /names of their own: current value is "p" twice/,
  },
  { name: "missing record", ...fasta(">a\nMKT\n", "--id", "z"), says: /current value is "z"/ },
  { name: "sequence and FASTA", ...fasta(">a\nMKT\n", "--sequence", "MKT"), says: /together/ },
  { name: "id without sequence", args: ["--id", "x"], says: /--fasta or --sequence/ },
  // assay
  { name: "no such assay", args: ["--assay", "no.csv"], says: /"no\.csv".*no such file/ },
  { name: "empty assay", ...assay(""), says: /header row/ },
  { name: "assay without rows", ...assay(rows()), says: /a row must have mutations and sequence/ },
  {
    name: "assay without rows, sequence given",
    ...assay(rows(), "--sequence", GB1),
    says: /must have a row/,
  },
  { name: "binary assay", ...assay(Uint8Array.of(0xff, 0, 1)), says: /UTF-8/ },
  { name: "no mutant column", ...assay("x,y\n1,2\n"), says: /column "mutant" \(--mutant-column/ },
  {
    name: "assay without any sequence",
    ...assay("mutant,DMS_score\nT2A,1\n"),
    says: /"mutated_sequence", or --sequence, --fasta or --reference/,
  },
  {
    name: "ragged assay",
    ...assay(rows(`T2A,${T2A}`)),
    says: /line 2 as a row must have 4 fields/,
  },
  {
    name: "assay without a row that can be scored",
    ...assay(rows("T2*,,1,1", "Y3fs,,1,1", ",,1,1"), "--sequence", GB1),
    says: /current count is 0 of 3 \(1 stop, 1 frameshift, 1 no mutation given\).*"T2\*"/,
  },
  {
    name: "wrong letter at a stop",
    ...assay(rows(`T2A,${T2A},1,1`, "K3*,,1,1")),
    says: /a\.csv line 3.* residue 3 must be the sequence's Y: current value is "K"/,
  },
  {
    name: "wrong letter in the first row of an assay that states its target",
    ...assay(rows(`K2A,${T2A},1,1`, `T2A,${T2A},1,1`, `T2A,${T2A},1,1`)),
    says: /"K2A" \(a\.csv line 2\) as residue 2 must be the sequence's T/,
  },
  {
    name: "numbers far beyond the sequence",
    ...assay(
      rows("T1000000001A,,1,1", "Y1000000002A,,1,1", "K2147480000A,,1,1"),
      "--sequence",
      GB1,
    ),
    says: /in 1\.\.56: current value is 1000000001/,
  },
  {
    name: "unreadable mutant",
    ...assay(rows(`T2A,${T2A},1,1`, `T2,${T2A},1,1`)),
    says: /"T2" \(a\.csv line 3\)/,
  },
  {
    name: "wrong letter in a row",
    ...assay(rows(`T2A,${T2A},1,1`, `K3A,,1,1`)),
    says: /a\.csv line 3.* residue 3 must be the sequence's Y: current value is "K"/,
  },
  {
    name: "sequence that is not the mutant's",
    ...assay(rows(`T2A,${T2A},1,1`, `Y3A,${T2A},1,1`)),
    says: /"Y3A" \(a\.csv line 3\) as letter 2 of its sequence must be T/,
  },
  {
    name: "sequence of another length",
    ...assay(rows(`T2A,${T2A},1,1`, `Y3A,${T2A}A,1,1`)),
    says: /line 3.* must have 56 residues.*57/,
  },
  {
    name: "first row whose sequence lacks its mutation",
    ...assay(rows(`T2C,${T2A},1,1`)),
    says: /line 2 as residue 2 of its sequence must be the C .*"A".*--offset/,
  },
  {
    name: "indel assay without target",
    ...assay(rows(`${T2A},${T2A},1,1`)),
    says: /mutations must be named, or --sequence/,
  },
  {
    name: "measured value no number",
    ...assay(rows(`T2A,${T2A},high,1`)),
    says: /line 2 as column "DMS_score" must hold a number.*"high"/,
  },
  {
    name: "label no label",
    ...assay(rows(`T2A,${T2A},1,yes`)),
    says: /"DMS_score_bin" must hold 0, 1 or nothing.*"yes"/,
  },
  {
    name: "named column that is not there",
    ...assay(rows(`T2A,${T2A},1,1`), "--measured-column", "fitness"),
    says: /column "fitness" that --measured-column names/,
  },
  {
    name: "cutoff without measured values",
    ...assay(`mutant,mutated_sequence\nT2A,${T2A}\n`, "--cutoff", "1"),
    says: /"DMS_score" to apply --cutoff to/,
  },
  {
    name: "column name taken",
    ...assay(rows(`T2A,${T2A},1,1`), "--column", "DMS_score"),
    says: /name that the input lacks \(--column\).*"DMS_score"/,
  },
  {
    name: "assay and mutations",
    ...assay(rows(`T2A,${T2A},1,1`), "--mutations", "T2A"),
    says: /--assay and --mutations together/,
  },
  { name: "cutoff without assay", args: on("--cutoff", "1"), says: /--cutoff as --assay must/ },
  {
    name: "column without assay",
    args: on("--mutant-column", "m"),
    says: /--mutant-column as --assay must/,
  },
  { name: "reference without assay", args: on("--reference", "r.csv"), says: /--reference as/ },
  {
    name: "assay that the reference lacks",
    files: { "a.csv": rows(`T2A,${T2A},1,1`), "r.csv": `${referenceHeader}\nb,b.csv,${GB1},1\n` },
    args: ["--assay", "a.csv", "--reference", "r.csv"],
    says: /"r\.csv" as a row must have its DMS_filename: current value is "a\.csv"/,
  },
  {
    name: "reference of another kind",
    files: { "a.csv": rows(`T2A,${T2A},1,1`), "r.csv": "a,b\n1,2\n" },
    args: ["--assay", "a.csv", "--reference", "r.csv"],
    says: /"r\.csv" line 1 as it must have the column "DMS_id"/,
  },
  // regions
  { name: "regions without assay", args: on("--by", "r.csv"), says: /--by as --assay must/ },
  { name: "no such regions", ...assay(rows(`T2A,${T2A},1,1`), "--by", "no.csv"), says: /no such/ },
  {
    name: "regions of other columns",
    ...regions("name,from\na,1\n"),
    says: /"region" and "start"/,
  },
  {
    name: "region past the end",
    ...regions("region,start,end\nh,1,57\n"),
    says: /line 2.*1\.\.56/,
  },
  { name: "falling region", ...regions("region,start,end\nh,9,3\n"), says: /span must ascend/ },
  // flags
  { name: "unknown mode", args: on("--mode", "pppl"), says: /masked-marginal, wt-marginal/ },
  { name: "unknown window", args: on("--window", "tiled"), says: /optimal, overlapping, full/ },
  { name: "unknown multi", args: on("--multi", "product"), says: /additive, joint/ },
  { name: "unknown legacy tool", args: on("--legacy", "esm1v"), says: /proteingym, fair-esm/ },
  {
    name: "legacy in a mode of ours",
    args: list("T2A", "--legacy", "fair-esm", "--mode", "mutant-marginal"),
    says: /--legacy fair-esm as that tool must know the mode/,
  },
  {
    name: "legacy with joint masking",
    args: list("T2A:Y3C", "--legacy", "proteingym", "--multi", "joint"),
    says: /adds single mutations/,
  },
  {
    name: "legacy of doubles",
    args: list("T2A:Y3C", "--legacy", "fair-esm"),
    says: /one substitution at a time: current value is 1 multiple mutants/,
  },
  {
    name: "legacy of indels",
    args: list("T2del", "--legacy", "proteingym"),
    says: /substitutions only/,
  },
  {
    name: "legacy overlapping masked marginals",
    args: list("T2A", "--legacy", "proteingym", "--window", "overlapping"),
    says: /no overlapping windows/,
  },
  { name: "positions no list", args: on("--positions", "a-b"), says: /--positions/ },
  { name: "position past the end", args: on("--positions", "1,57"), says: /1\.\.56.*"57"/ },
  { name: "negative bootstrap", args: on("--bootstrap", "-1"), says: /--bootstrap/ },
  { name: "offset no number", args: on("--offset", "x"), says: /--offset/ },
  { name: "no token budget", args: on("--token-budget", "0"), says: /--token-budget/ },
  { name: "unknown flag", args: ["--mutation", "A1G"], says: /--mutations/ },
  { name: "unknown model", args: on("--model", "esm3"), says: /esm2_t33_650M_UR50D/ },
  { name: "unknown backend", args: on("--backend", "cuda"), says: /auto, webgpu, cpu, wasm/ },
  {
    name: "output is a file",
    files: { out: "" },
    args: on("--out", "out"),
    says: /must be a folder/,
  },
  // aggregation
  { name: "no such table", args: ["--aggregate", "no.csv"], says: /no such file/ },
  { name: "table without assays", ...aggregated("model,x\na,1\n"), says: /column "DMS ID"/ },
  {
    name: "assay of unknown type",
    ...aggregated("DMS ID,m\na,1\n", "DMS_id,UniProt_ID,coarse_selection_type\nb,B,Binding\n"),
    says: /line 2 as "r\.csv" must have its assay.*"a"/,
  },
  {
    name: "aggregation and scoring",
    files: { "l.csv": "DMS ID,m\n" },
    args: ["--aggregate", "l.csv", "--mutations", "A1G"],
    says: /--aggregate and --mutations together/,
  },
];

const verifyCases: BadInput[] = [
  { name: "no such assay", args: ["--assay", "no.csv"], says: /no such file/ },
  {
    name: "an assay without measured values",
    files: { "a.csv": `mutant,mutated_sequence\nT2A,${T2A}\n` },
    args: ["--assay", "a.csv"],
    says: /column "DMS_score"/,
  },
  {
    name: "an assay that is not published",
    files: { "a.csv": rows(`T2A,${T2A},1,1`) },
    args: ["--assay", "a.csv"],
    says: /esm2_t6_1M_PF20 on a\.csv as no correlation with an assay is published for this model/,
  },
  {
    name: "a model of another size",
    args: ["--model", fixturePath("rand_t2_d64_h4")],
    says: /must have the size of .*2 layers, width 64, 4 heads/,
  },
  { name: "an unknown model", args: ["--model", "esm3"], says: /esm2_t6_8M_UR50D/ },
];

Deno.test("score: there are at least 40 malformed inputs", () => {
  equal(cases.length >= 40, true);
  equal(new Set(cases.map((c) => c.name)).size, cases.length);
});

testBadInputs("score", (args, settings) => execute(command, args, settings), cases);
testBadInputs("verify", (args, settings) => execute(verify, args, settings), verifyCases);
