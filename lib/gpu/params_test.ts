import { deepEqual, equal, throws } from "../../tests/assert.ts";
import { paramFieldsOf, ParamLayout } from "./params.ts";

Deno.test("ParamLayout packs scalars in order, little-endian, padded to 16 bytes", () => {
  const layout = new ParamLayout({ rows: "u32", shift: "i32", theta: "f32" });
  equal(layout.sizeBytes, 16);
  equal(new ParamLayout({ a: "u32", b: "u32", c: "u32", d: "u32", e: "u32" }).sizeBytes, 32);
  const view = new DataView(new ArrayBuffer(32));
  layout.pack(view, 16, { theta: 0.3, rows: 0xffff_ffff, shift: -2 });
  equal(view.getUint32(16, true), 0xffff_ffff);
  equal(view.getInt32(20, true), -2);
  equal(view.getFloat32(24, true), Math.fround(0.3));
});

Deno.test("ParamLayout refuses values that would wrap silently", () => {
  const layout = new ParamLayout({ rows: "u32", shift: "i32" });
  const view = new DataView(new ArrayBuffer(16));
  for (const rows of [-1, 1.5, 2 ** 32, NaN]) {
    throws(() => layout.pack(view, 0, { rows, shift: 0 }), /as rows must be an integer in 0\.\./);
  }
  throws(() => layout.pack(view, 0, { rows: 0, shift: 2 ** 31 }), RangeError);
});

Deno.test("paramFieldsOf() reads struct Params without its comments, names in camel case", () => {
  const source = `struct Other { x: u32 }
    struct Params {
      row_begin: u32, // first: row
      theta: f32,
    }`;
  deepEqual(paramFieldsOf(source), [["rowBegin", "u32"], ["theta", "f32"]]);
  throws(() => paramFieldsOf("fn main() {}"), /no struct Params/);
});
