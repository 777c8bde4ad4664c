/** Deno's environment, in the one file of what runs in a browser too that knows of it: there it is empty. */

/** Deno, or undefined in a browser. */
const deno = (globalThis as { Deno?: typeof Deno }).Deno;

/** Whether this is Deno on Linux. */
export const isLinux: boolean = deno?.build.os === "linux";

/** Whether a variable may be read and set without anybody being asked. */
export function isVariableGranted(name: string): boolean {
  return deno?.permissions.querySync({ name: "env", variable: name }).state === "granted";
}

/** A variable; undefined where it is not set, may not be read, or there is no environment. */
export function variableOf(name: string): string | undefined {
  return isVariableGranted(name) ? deno!.env.get(name) : undefined;
}

/** Sets a variable, where there is an environment. @throws {Error} if Deno may not set it */
export function setVariable(name: string, value: string): void {
  deno?.env.set(name, value);
}
