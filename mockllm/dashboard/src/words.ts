// What a person types into a field, as a value of the scenario language, and back.

import type { Json } from "./models.ts";
import { flow } from "./yaml.ts";

/** `[100ms, 2s]` is a list, `5` a number, all else a text. */
export function word(text: string): Json {
  const trimmed = text.trim();
  if (trimmed.startsWith("[") && trimmed.endsWith("]")) return trimmed.slice(1, -1).split(",").map(word);
  if (trimmed.startsWith("{")) {
    try {
      return JSON.parse(trimmed) as Json;
    } catch {
      return mapping(trimmed);
    }
  }
  return /^-?\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : trimmed;
}

/** `{normal: {mean: 1s, stddev: 100ms}}`, as far as a field needs it. */
function mapping(text: string): Json {
  const quoted = text.replace(/([A-Za-z0-9_.%]+)/g, '"$1"');
  try {
    return JSON.parse(quoted, (_, value: Json) => (typeof value === "string" ? word(value) : value)) as Json;
  } catch {
    return text;
  }
}

/** The same of a time: a bare number is one of milliseconds. */
export function time(text: string): Json {
  const found = word(text);
  if (typeof found === "number") return `${found}ms`;
  return Array.isArray(found) ? found.map((each) => (typeof each === "number" ? `${each}ms` : each)) : found;
}

export function percent(text: string): Json {
  const found = word(text);
  return typeof found === "number" ? `${found}%` : found;
}

export function shown(value: Json | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : flow(value);
}
