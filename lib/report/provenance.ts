/** A record as dotted names and texts. */
export function flatten(value: unknown, name = ""): [string, string][] {
  if (Array.isArray(value) && value.every((each) => typeof each !== "object" || each === null)) {
    return [[name, value.map(text).join(", ")]];
  }
  if (typeof value !== "object" || value === null || value instanceof Date) {
    return [[name, text(value)]];
  }
  return Object.entries(value).flatMap(([key, each]) =>
    flatten(each, name === "" ? key : `${name}.${key}`)
  );
}

function text(value: unknown): string {
  if (value === null || value === undefined) return "none";
  return value instanceof Date ? value.toISOString() : String(value);
}
