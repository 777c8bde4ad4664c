import { equal, ok, rejects, throws } from "../../tests/assert.ts";
import { ErrorLatch, GpuError, trimMessage } from "./errors.ts";

Deno.test("trimMessage() skips blank lines and source quotes", () => {
  equal(
    trimMessage(
      "\n  Shader parsing error: oops\n  ┌─ wgsl:8:51\n  │\n8 │ let x;\n  │ ^^^ here\n\n",
    ),
    "Shader parsing error: oops",
  );
  equal(trimMessage("Outer\nCaused by:\n  inner"), "Outer; Caused by:; inner");
  equal(trimMessage(" \n"), "no message from the device");
  ok(trimMessage("x".repeat(1000)).length < 310);
});

Deno.test("ErrorLatch keeps the first error and stays shut", () => {
  const latch = new ErrorLatch();
  latch.check();
  latch.set("first");
  latch.set("second");
  for (let i = 0; i < 2; i++) throws(() => latch.check(), { name: "GpuError", message: "first" });
});

Deno.test("ErrorLatch.settle() waits for watched scopes", async () => {
  const latch = new ErrorLatch();
  latch.watch(Promise.resolve(null), "fine");
  await latch.settle();
  const { promise, resolve } = Promise.withResolvers<GPUError | null>();
  latch.watch(promise, "Cannot allocate");
  latch.check();
  resolve({ message: "\nno room" } as GPUError);
  await rejects(() => latch.settle(), (error) => {
    ok(error instanceof GpuError);
    equal(error.message, "Cannot allocate: no room");
    return true;
  });
});
