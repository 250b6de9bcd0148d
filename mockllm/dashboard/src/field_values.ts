// Conversion between the text of a field and a value of the scenario language.

import type { Json } from "./models.ts";
import { flow } from "./yaml.ts";

/** Parses a field: `[100ms, 2s]` is a list, `5` a number, other input a string. */
export function parseValue(text: string): Json {
  const trimmed = text.trim();
  if (trimmed.startsWith("[") && trimmed.endsWith("]")) return trimmed.slice(1, -1).split(",").map(parseValue);
  if (trimmed.startsWith("{")) {
    try {
      return JSON.parse(trimmed) as Json;
    } catch {
      return parseMapping(trimmed);
    }
  }
  return /^-?\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : trimmed;
}

/** Parses `{normal: {mean: 1s, stddev: 100ms}}`: the part of YAML that a field needs. */
function parseMapping(text: string): Json {
  const quoted = text.replace(/([A-Za-z0-9_.%]+)/g, '"$1"');
  try {
    return JSON.parse(quoted, (_, value: Json) => (typeof value === "string" ? parseValue(value) : value)) as Json;
  } catch {
    return text;
  }
}

/** Parses a time; a number without a unit is in milliseconds. */
export function parseTime(text: string): Json {
  const value = parseValue(text);
  if (typeof value === "number") return `${value}ms`;
  return Array.isArray(value) ? value.map((item) => (typeof item === "number" ? `${item}ms` : item)) : value;
}

export function parsePercent(text: string): Json {
  const value = parseValue(text);
  return typeof value === "number" ? `${value}%` : value;
}

export function fieldText(value: Json | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : flow(value);
}
