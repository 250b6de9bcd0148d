// Data as YAML of the scenario language. What a control shows is what it sends: the server reads this text.

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

/** On one line: `{ttft: 300ms, itl: 50ms}`. */
export function flow(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (value !== null && typeof value === "object") {
    return `{${Object.entries(value).map(([key, held]) => `${scalar(key)}: ${flow(held)}`).join(", ")}}`;
  }
  return scalar(value);
}

type Item = { [word: string]: Json };

/** Rules and modifiers as a scenario file has them, a word on each line. */
export function items(kind: "rules" | "modifiers", listed: Item[]): string {
  const lines = listed.flatMap((item) => block(item, "    ").map((line, place) => (place ? line : `  - ${line.trim()}`)));
  return lines.length ? `${kind}:\n${lines.join("\n")}\n` : "";
}

/** Lines of an object; what would be too long for one line stands below its key. */
function block(item: Item, indent: string): string[] {
  return Object.entries(item).flatMap(([key, value]) => {
    const line = `${indent}${scalar(key)}: ${flow(value)}`;
    const nested = value !== null && typeof value === "object" && !Array.isArray(value);
    return nested && line.length > WIDTH ? [`${indent}${scalar(key)}:`, ...block(value, `${indent}  `)] : [line];
  });
}

/** The match of one endpoint: `openai-chat`. */
export function matching(endpoint: string): Item {
  if (!endpoint) return {};
  const place = endpoint.indexOf("-");
  return { match: { dialect: endpoint.slice(0, place), api: endpoint.slice(place + 1) } };
}
