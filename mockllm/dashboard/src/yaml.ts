// Data as YAML of the scenario language. A control sends the same text that it shows.

import type { Json } from "./models.ts";

const WIDTH = 48;
const PLAIN = /^[A-Za-z0-9_][A-Za-z0-9_ .%/*-]*$/;
const NUMBER = /^[-+]?(0x|0o)?[0-9._]+(e[-+]?[0-9]+)?$/i;
const WORDS = new Set(["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"]);

export function scalar(value: null | boolean | number | string): string {
  if (typeof value !== "string") return String(value);
  const plain = PLAIN.test(value) && !NUMBER.test(value) && !WORDS.has(value.toLowerCase()) && !value.endsWith(" ");
  return plain ? value : JSON.stringify(value);
}

/** Writes a value on one line: `{ttft: 300ms, itl: 50ms}`. */
export function flow(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (value !== null && typeof value === "object") {
    return `{${Object.entries(value).map(([key, inner]) => `${scalar(key)}: ${flow(inner)}`).join(", ")}}`;
  }
  return scalar(value);
}

type Item = { [key: string]: Json };

/** Writes rules or modifiers as in a scenario file, one key on each line. */
export function items(kind: "rules" | "modifiers", listed: Item[]): string {
  const lines = listed.flatMap((item) => block(item, "    ").map((line, index) => (index ? line : `  - ${line.trim()}`)));
  return lines.length ? `${kind}:\n${lines.join("\n")}\n` : "";
}

/** Returns the lines of an object; a value that is too long for one line begins below its key. */
function block(item: Item, indent: string): string[] {
  return Object.entries(item).flatMap(([key, value]) => {
    const line = `${indent}${scalar(key)}: ${flow(value)}`;
    const nested = value !== null && typeof value === "object" && !Array.isArray(value);
    return nested && line.length > WIDTH ? [`${indent}${scalar(key)}:`, ...block(value, `${indent}  `)] : [line];
  });
}

/** Returns the match of an endpoint such as `openai-chat`. */
export function matching(endpoint: string): Item {
  if (!endpoint) return {};
  const dash = endpoint.indexOf("-");
  return { match: { dialect: endpoint.slice(0, dash), api: endpoint.slice(dash + 1) } };
}
