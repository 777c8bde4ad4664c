import { allClose, equal, ok, rejects, throws } from "../../tests/assert.ts";
import { random } from "../../tests/report_sample.ts";
import { openBackend } from "../backend/mod.ts";
import { covariance, covarianceContacts } from "./covariance.ts";
import { inverse, invertDirectly } from "./inverse.ts";
import { columnsFor } from "./msa.ts";
import { readMsa } from "./msa_file.ts";

Deno.test("inverse() times the matrix is one, beyond the size that is inverted directly", async () => {
  await using backend = (await openBackend("cpu")).backend;
  const next = random(1);
  for (const size of [1, 5, 96, 97, 230]) {
    const root = Float32Array.from({ length: size * size }, () => next() - 0.5);
    const matrix = new Float32Array(size * size);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        let sum = i === j ? 1 : 0;
        for (let k = 0; k < size; k++) sum += root[i * size + k] * root[j * size + k];
        matrix[i * size + j] = sum;
      }
    }
    const found = await inverse(backend, matrix, size);
    // Eigenvalues from 1 to about size / 3: errors of single precision grow by that much.
    allClose(found, invertDirectly(matrix, size), { atol: 1e-4 }, `size ${size}`);
    let worst = 0;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        let sum = 0;
        for (let k = 0; k < size; k++) sum += found[i * size + k] * matrix[k * size + j];
        worst = Math.max(worst, Math.abs(sum - (i === j ? 1 : 0)));
      }
    }
    ok(worst < 1e-3, `size ${size}: ${worst}`);
  }
  equal(backend.liveBytes, 0);
});

/** Rows of letters in which columns 1 and 4 always mutate together; the others are free. */
function coupled(rows: number): string[] {
  const next = random(5);
  return Array.from({ length: rows }, () => {
    const letters = Array.from({ length: 7 }, () => "LAGV"[Math.floor(4 * next())]);
    letters[4] = letters[1] === "L" ? "E" : letters[1] === "A" ? "K" : letters[1];
    return letters.join("");
  });
}

Deno.test("covarianceContacts() finds the pair of columns that vary together", async () => {
  await using backend = (await openBackend("cpu")).backend;
  const rows = ["LAGVSER".replace("S", "K"), ...coupled(300)];
  const columns = columnsFor({ source: "x", rows }, { id: "x", residues: rows[0] });
  const map = await covarianceContacts(backend, columns, 7);
  const best = [...map].reduce((most, x, i) => x > map[most] ? i : most, 0);
  equal(best, 1 * 7 + 4);
});

Deno.test("covariance() equals that of one-hot columns by the definition", () => {
  const rows = coupled(12);
  const columns = columnsFor({ source: "x", rows }, { id: "x", residues: rows[0] });
  const size = 7 * 21, n = rows.length;
  const oneHot = rows.map((_, r) =>
    Float64Array.from(
      { length: size },
      (_, i) => columns.states[r * 7 + Math.floor(i / 21)] === i % 21 ? 1 : 0,
    )
  );
  const mean = Float64Array.from(
    { length: size },
    (_, i) => oneHot.reduce((sum, row) => sum + row[i], 0) / n,
  );
  const expected = Float64Array.from({ length: size * size }, (_, k) => {
    const i = Math.floor(k / size), j = k % size;
    return oneHot.reduce((sum, row) => sum + (row[i] - mean[i]) * (row[j] - mean[j]), 0) / (n - 1);
  });
  allClose(covariance(columns), expected, { atol: 1e-7 });
});

Deno.test("columnsFor() takes the row of the sequence, without the columns it lacks", () => {
  const rows = ["MK-TAY", "MKGTAW", "--GTA-"];
  const { residues, states, rows: n } = columnsFor({ source: "x", rows }, {
    id: "x",
    residues: "MKTAY",
  });
  equal(residues.join(), "0,1,2,3,4");
  equal(n, 3);
  // Row 3 has gaps in the first two columns and T in the third.
  equal(states.slice(10).join(), "20,20,7,5,20".replace("7,5", `${"LAGVSERT".indexOf("T")},1`));
  throws(
    () => columnsFor({ source: "x", rows }, { id: "p", residues: "WWWWWWWW" }),
    /a row must resemble the sequence/,
  );
});

Deno.test("readMsa() drops A3M insertions and refuses ragged and single rows", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const write = async (text: string) => {
      await Deno.writeTextFile(`${dir}/x.a3m`, text);
      return await readMsa(`${dir}/x.a3m`);
    };
    equal((await write(">q\nMK-T\n>q\nMKgg.AT\n")).rows.join(), "MK-T,MKAT");
    await rejects(write(">q\nMKT\n>r\nMK\n"), /row 2 has 2 columns, the first 3/);
    await rejects(write(">q\nMKT\n"), /at least 2 rows/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
