import { deepEqual, rejects } from "../../tests/assert.ts";
import { parseFasta } from "./fasta.ts";
import { streamFasta } from "./fasta_stream.ts";

async function withFile(text: string, body: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".fasta" });
  try {
    await Deno.writeTextFile(path, text);
    await body(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("streamFasta gives the records that parseFasta gives", async () => {
  // Longer than the 64 KiB that are read at a time.
  const long = Array.from({ length: 3000 }, (_, i) => `>r${i} of many\r\nMKTAYIAKQR\r\nMLSD\r\n`);
  for (
    const text of [
      "\uFEFF>a first\nMKT\n\nAYI*\n; note\n>b\nmk t\n",
      long.join(""),
      ">x\rMKT\r>y\rMLS",
    ]
  ) {
    await withFile(text, async (path) => {
      deepEqual(await Array.fromAsync(streamFasta(path)), parseFasta(text, path));
    });
  }
});

Deno.test("streamFasta refuses what parseFasta refuses, with the line", async () => {
  const cases: [string, RegExp][] = [
    ["", /an empty file/],
    ["\n\n", /no line that starts with ">"/],
    ["MKT\n", /line 1 as the first line must be a header/],
    [">a\nMKT\n>a\nMKT\n", /line 3 as record names must differ \(line 1/],
    [">a\n>b\nMKT\n", /line 1 as a record must have a sequence/],
    [">a\nMK1T\n", /line 2 must hold residue letters only/],
    [">a\nMK\u0001T\n", /binary character \(U\+0001\) in line 2/],
  ];
  for (const [text, message] of cases) {
    await withFile(text, async (path) => {
      await rejects(Array.fromAsync(streamFasta(path)), message);
    });
  }
  await rejects(Array.fromAsync(streamFasta("no.fasta")), /no such file/);
});
