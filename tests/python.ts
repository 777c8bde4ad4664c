/** Python with NumPy, where there is one: what other programs read of our files, and find with our data. */

/** The first of these that has a module. */
const pythonWith = (module: string) =>
  ["python3", "/usr/bin/python3"].find((command) => {
    try {
      return new Deno.Command(command, { args: ["-c", `import ${module}`], stderr: "null" })
        .outputSync().success;
    } catch {
      return false;
    }
  });

const skipped = (python: string | undefined, name: string) =>
  python === undefined ? ` (skipped: no python3 with ${name})` : "";

const withNumpy = pythonWith("numpy"), withSklearn = pythonWith("numpy, sklearn");

/** Whether there is one. */
export const hasNumpy = withNumpy !== undefined;
export const hasSklearn = withSklearn !== undefined;

/** What the name of a test that needs it ends with where it is skipped. */
export const numpySkipped = skipped(withNumpy, "numpy");
export const sklearnSkipped = skipped(withSklearn, "scikit-learn");

/** What a program prints. @throws {Error} with what it says on stderr, if it fails */
export async function runPython(code: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command((withSklearn ?? withNumpy)!, {
    args: ["-c", code, ...args],
    // Threads of a library that spins wait for each other where others compute, too.
    env: { OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (!success) throw new Error(text(stderr));
  return text(stdout);
}
