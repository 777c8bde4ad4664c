import { equal, match, ok } from "../../tests/assert.ts";
import { UserError } from "../errors.ts";
import { explainFileError } from "./file_error.ts";

Deno.test("explainFileError makes a full disk a UserError that names the file", () => {
  // As Deno 2.9 throws it for a write to /dev/full.
  const full = Object.assign(new Error("No space left on device (os error 28)"), {
    code: "ENOSPC",
  });
  const told = explainFileError(full, "/cache/model.part");
  ok(told instanceof UserError);
  equal(
    told.message,
    'Cannot write "/cache/model.part" as the disk must have room for it: ' +
      "No space left on device (os error 28)",
  );
  equal(told.cause, full);
});

Deno.test("explainFileError explains a path through a file", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/file`, "");
    const told = await Deno.mkdir(`${folder}/file/below`).catch((error) =>
      explainFileError(error, "p")
    );
    match((told as Error).message, /^Cannot write "p" as every folder of its path must be/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("explainFileError leaves every other error as it is", () => {
  const other = new TypeError("x");
  equal(explainFileError(other, "p"), other);
});
