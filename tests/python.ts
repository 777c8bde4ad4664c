/** Python with NumPy, where there is one: what other programs read of our files. */

/** The first of these that has NumPy. */
const PYTHON = ["python3", "/usr/bin/python3"].find((command) => {
  try {
    return new Deno.Command(command, { args: ["-c", "import numpy"], stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
});

/** Whether there is one. */
export const hasNumpy = PYTHON !== undefined;

/** What the name of a test that needs it ends with where it is skipped. */
export const numpySkipped = hasNumpy ? "" : " (skipped: no python3 with numpy)";

/** What a program prints. @throws {Error} with what it says on stderr, if it fails */
export async function runPython(code: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(PYTHON!, {
    args: ["-c", code, ...args],
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (!success) throw new Error(text(stderr));
  return text(stdout);
}
