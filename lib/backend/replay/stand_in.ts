// deno-lint-ignore no-explicit-any -- methods of any native object
export type Call = (...args: any[]) => unknown;

/** Calls by name that go before an object's own. */
export type Calls = Readonly<Record<string, Call | undefined>>;

/**
 * A proxy of a native object whose methods can be replaced by name.
 *
 * Other methods run on `target` itself, as native objects refuse to work on a proxy.
 */
export function standIn<T extends object>(
  target: T,
  replaced: (name: string) => Call | undefined,
  fixed: Readonly<Record<string, unknown>> = {},
): T {
  const bound = new Map<PropertyKey, Call>();
  return new Proxy(target, {
    get(_, name) {
      if (typeof name === "string") {
        if (name in fixed) return fixed[name];
        const call = replaced(name);
        if (call) return call;
      }
      const known = bound.get(name);
      if (known) return known;
      const value = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      const method = value.bind(target) as Call;
      bound.set(name, method);
      return method;
    },
    set: (_, name, value) => Reflect.set(target, name, value, target),
  });
}
