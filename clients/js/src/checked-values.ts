import { MockllmError } from "./mockllm-error.js";

const MAX_DEPTH = 100;

/** Throws MockllmError unless the options of a call are an object with known names: tests in JavaScript have no types.
 * A misspelt option would change nothing. */
export function checkOptions(options: object, names?: readonly string[]): void {
  const known = names === undefined ? "" : `; there are ${names.join(", ")}`;
  if (typeof options !== "object" || options === null) {
    throw new MockllmError(`options are an object, found ${JSON.stringify(options)}${known}`, 0);
  }
  const unknown = names && Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new MockllmError(`no option is called ${JSON.stringify(unknown)}${known}`, 0);
}

/** Throws MockllmError for a value that JSON would change or leave out, such as a RegExp. It has its place. */
export function checkValue(value: unknown, place = "", depth = 0): void {
  const name = unwritable(value);
  if (name !== undefined) throw new MockllmError(`${place}: ${name} cannot be in a file${regexAdvice(value)}`, 0);
  if (typeof value !== "object" || value === null || "toJSON" in value || depth > MAX_DEPTH) return;
  for (const [key, item] of Object.entries(value)) {
    const below = place === "" ? key : `${place}.${key}`;
    checkValue(item, Array.isArray(value) ? `${place}[${key}]` : below, depth + 1);
  }
}

/** Returns the name of a value that no file can contain; undefined for any other. */
function unwritable(value: unknown): string | undefined {
  if (typeof value === "function" || typeof value === "symbol" || typeof value === "bigint") return `a ${typeof value}`;
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  const kind = [RegExp, Map, Set, Promise].find((each) => value instanceof each);
  return kind && `a ${kind.name}`;
}

function regexAdvice(value: unknown): string {
  if (!(value instanceof RegExp)) return "";
  const ignoreCase = value.ignoreCase ? ", ignore_case: true" : "";
  return `; write {regex: ${JSON.stringify(value.source)}${ignoreCase}}`;
}
