import { equal, throws } from "../../tests/assert.ts";
import { decimal, isInfinite, isMissing, NumberColumn } from "./numbers.ts";

const read = (texts: string[], delimiter: string) => {
  const column = new NumberColumn("x", delimiter);
  return texts.map((text) => column.read(text, "t.csv line 2"));
};

Deno.test("NumberColumn reads points anywhere and commas where they part no columns", () => {
  equal(read(["-1.5", "+2e-3", "7", ".5"], ",").join(), "-1.5,0.002,7,0.5");
  equal(read(["-1,5", "2,5e-3", "7", "1,234"], ";").join(), "-1.5,0.0025,7,1.234");
  equal(decimal("0,5", "\t"), 0.5);
  equal(decimal("0,5", ","), NaN);
  equal(decimal("", ";"), NaN);
});

Deno.test("NumberColumn takes errors of spreadsheets and infinite values for nothing", () => {
  const texts = ["", "NA", "nan", "#N/A", "#NV", "#DIV/0!", "#VALUE!", "inf", "-Infinity"];
  for (const text of texts) equal(read([text], ",")[0], NaN, text);
  equal(texts.filter(isInfinite).length, 2);
  equal(texts.filter(isMissing).length, 7);
});

Deno.test("NumberColumn refuses thousands separators by name, and two decimal signs", () => {
  const grouped = ["1,234.5", "1.234,5", "1 234", "1'234'567", "1,234,567", "12,345.6"];
  for (const delimiter of [",", ";"]) {
    for (const text of grouped) {
      throws(() => read([text], delimiter), /column "x" must hold numbers without thousands/, text);
    }
  }
  throws(() => read(["1,234"], ","), /thousands separators: current value is "1,234"/);
  throws(() => read(["0,5126"], ","), /must hold a number or nothing: current value is "0,5126"/);
  throws(() => read(["0,5", "0.5"], ";"), /one decimal sign .*"0,5".*: current value is "0\.5"/);
  throws(() => read(["0.5", "0,5"], ";"), /one decimal sign .*"0\.5".*: current value is "0,5"/);
  throws(() => read(["high"], ","), /t\.csv line 2 as column "x" must hold a number or nothing/);
});
