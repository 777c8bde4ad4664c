import { equal } from "../tests/assert.ts";
import { printable, printableLines, quote, shown } from "./errors.ts";

/** A list of two that are the same list of two …: 2^depth leaves if it were written out. */
function shared(depth: number): unknown {
  let value: unknown = [1, 2];
  for (let i = 0; i < depth; i++) value = [value, value];
  return value;
}

/** A list in a list in a list …. */
function deep(depth: number): unknown {
  let value: unknown = [];
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

Deno.test("quote and shown tell the kind of a container, however deep or wide", () => {
  for (const tell of [quote, shown]) {
    equal(tell(shared(2000)), "a list of 2");
    equal(tell(deep(1_000_000)), "a list of 1");
    equal(tell(Array.from({ length: 1e6 }, () => 1)), "a list of 1000000");
    equal(tell(new Map([[shared(100), 1]])), "a dict");
    equal(tell({ toString: () => "x".repeat(1e6) }), "an object");
    equal(tell(() => 1), "an object");
    equal(tell([3, -4]), "[3,-4]");
  }
});

Deno.test("quote cuts long text, and shown leaves numbers as they are", () => {
  equal(quote("a".repeat(60)), `"${"a".repeat(60)}"`);
  equal(quote("a".repeat(61)), `"${"a".repeat(59)}…"`);
  equal(quote("\n".repeat(1e7)), `"${"\\n".repeat(29)}\\…"`);
  equal(shown(5), "5");
  equal(shown(undefined), "absent");
  equal(shown(null), "null");
  equal(shown("x"), '"x"');
});

Deno.test("printable escapes what a terminal would obey, and nothing else", () => {
  equal(printable("\x1b]0;owned\x07\x1b[31mred"), "\\u001b]0;owned\\u0007\\u001b[31mred");
  equal(printable("a\r\x08b\n\x7f\x9b2J\u202Exdp"), "a\\r\\bb\\n\\u007f\\u009b2J\\u202exdp");
  equal(printable("\u2028\ufeff"), "\\u2028\\ufeff");
  equal(printable("Größe Δψ 蛋白 🧬 −0.36 %"), "Größe Δψ 蛋白 🧬 −0.36 %");
  equal(printableLines("a\x1b\nb"), "a\\u001b\nb");
  equal(quote("\u202e\x9b\x7f"), '"\\u202e\\u009b\\u007f"');
});
