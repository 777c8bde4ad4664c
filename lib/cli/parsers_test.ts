import { deepEqual, equal, throws } from "../../tests/assert.ts";
import { UserError } from "../errors.ts";
import * as parse from "./parsers.ts";

function refuses<T>(parser: parse.Parser<T>, ...texts: string[]): void {
  for (const text of texts) {
    throws(() => parser(text, "--x"), (error: Error) => {
      equal(error instanceof UserError, true);
      equal(error.message.startsWith("Cannot read --x as it must be "), true, error.message);
      equal(error.message.endsWith(`: current value is ${JSON.stringify(text)}`), true);
      return true;
    });
  }
}

Deno.test("number reads decimals within its range, ends included", () => {
  const unit = parse.number({ min: 0, max: 1 });
  deepEqual(["0", "1", "0.25", ".5", "1e-3", "+1"].map((t) => unit(t, "--x")), [
    0,
    1,
    0.25,
    0.5,
    0.001,
    1,
  ]);
  refuses(unit, "", " ", "abc", "1.01", "-0.1", "0x1", "NaN", "Infinity", "1e999", "0,5", "1 ");
  equal(parse.number()("-3.5", "--x"), -3.5);
});

Deno.test("integer and positiveInteger take whole numbers only", () => {
  equal(parse.integer()("-12", "--x"), -12);
  equal(parse.integer()("10_000", "--x"), 10_000);
  refuses(parse.integer(), "1.5", "1e3", "9007199254740993", "_1", "");
  equal(parse.positiveInteger(8)("8", "--x"), 8);
  refuses(parse.positiveInteger(8), "0", "9", "-1");
});

Deno.test("seed takes 0 to 2^53 - 1", () => {
  equal(parse.seed("0", "--x"), 0);
  equal(parse.seed("9007199254740991", "--x"), 2 ** 53 - 1);
  refuses(parse.seed, "-1", "9007199254740992", "1.0");
});

Deno.test("choice takes its words only", () => {
  const backend: parse.Parser<"cpu" | "webgpu"> = parse.choice("cpu", "webgpu");
  equal(backend("cpu", "--x"), "cpu");
  refuses(backend, "CPU", "", "toString");
});

Deno.test("path and text refuse what cannot be meant", () => {
  equal(parse.path("a/b c", "--x"), "a/b c");
  refuses(parse.path, "", "a\0b");
  equal(parse.text("t", "--x"), "t");
  refuses(parse.text, "");
});

Deno.test("integerRanges reads numbers and ranges, ascending and once each", () => {
  const layers = parse.integerRanges({ max: 32 });
  deepEqual(layers("0-5,7", "--x"), [0, 1, 2, 3, 4, 5, 7]);
  deepEqual(layers("7, 3 - 4,4", "--x"), [3, 4, 7]);
  deepEqual(layers("32", "--x"), [32]);
  refuses(layers, "", ",", "1,", "5-3", "33", "0-33", "-1", "1--2", "a", "1.5", "0-1-2");
  refuses(parse.integerRanges({ min: 1 }), "0", "0-3");
});
