// The place of a cursor in YAML: the keys and lists that it is in, by indentation and by the braces of its line.

export const ITEM = "[]";

export interface YamlPosition {
  /** Keys from the top, and `[]` for each list. */
  path: string[];
  /** The key whose value the cursor is in; null where a key is typed. */
  key: string | null;
  /** Where the typed word begins, as a column from 0. */
  start: number;
}

interface Parsed {
  dashes: number[];
  /** The column of the content behind indentation and dashes. */
  column: number;
  key: string | null;
  /** What is behind the colon. */
  value: string;
}

const KEY = /^(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s#'"{}[\],:][^:#]*?))\s*:(?:\s+|$)/;

function parse(line: string): Parsed {
  let column = line.length - line.trimStart().length;
  const dashes: number[] = [];
  while (/^-(\s|$)/.test(line.slice(column))) {
    dashes.push(column);
    column += 1;
    column += line.slice(column).length - line.slice(column).trimStart().length;
  }
  const found = KEY.exec(line.slice(column));
  const key = found ? (found[1] ?? found[2] ?? found[3] ?? null) : null;
  return { dashes, column, key, value: found ? line.slice(column + found[0].length) : "" };
}

/** Returns where the cursor is; null in a comment. `lines` are those up to the cursor's, which ends at the cursor. */
export function placeAt(lines: string[]): YamlPosition | null {
  const last = lines.at(-1) ?? "";
  if (/(^|\s)#/.test(last)) return null;
  const own = parse(last);
  const inner = flowPlace(own.key === null ? "" : own.value);
  const path: string[] = [];
  let want = own.column;
  for (const dash of [...own.dashes].reverse()) {
    path.push(ITEM);
    want = dash;
  }
  for (let number = lines.length - 2; number >= 0 && (want > 0 || path.at(-1) === ITEM); number--) {
    const line = lines[number]!;
    if (!line.trim() || line.trimStart().startsWith("#")) continue;
    const above = parse(line);
    const isParent = above.key !== null && !above.value.trim().replace(/^[|>][-+0-9]*$/, "");
    const sameColumn = above.column === want && path.at(-1) === ITEM && !above.dashes.length;
    if (isParent && (above.column < want || sameColumn)) {
      path.push(above.key!);
      want = above.column;
    } else if (above.column > want || (above.column === want && !above.dashes.length)) {
      continue;
    }
    for (const dash of [...above.dashes].reverse()) {
      if (dash >= want) continue;
      path.push(ITEM);
      want = dash;
    }
    if (want === 0 && path.at(-1) !== ITEM) break;
  }
  path.reverse();
  if (inner) {
    return { path: [...path, own.key!, ...inner.path], key: inner.key, start: last.length - inner.typed.length };
  }
  if (own.key !== null) return { path, key: own.key, start: last.length - own.value.length };
  return { path, key: null, start: own.column };
}

/** Returns the place inside of `{user: {contains: x`; null outside of braces and brackets. */
function flowPlace(text: string): { path: string[]; key: string | null; typed: string } | null {
  const stack: { list: boolean; key: string | null }[] = [];
  let word = "";
  let quote = "";
  for (const character of text) {
    const top = stack.at(-1);
    if (quote) {
      if (character === quote) quote = "";
      else word += character;
    } else if (character === '"' || character === "'") quote = character;
    else if (character === "{" || character === "[") {
      stack.push({ list: character === "[", key: null });
      word = "";
    } else if (character === "}" || character === "]") {
      stack.pop();
      word = "";
    } else if (character === ",") {
      if (top && !top.list) top.key = null;
      word = "";
    } else if (character === ":" && top && !top.list && top.key === null) {
      top.key = word.trim();
      word = "";
    } else word += character;
  }
  if (!stack.length) return null;
  const path: string[] = [];
  for (const [depth, part] of stack.entries()) {
    if (part.list) path.push(ITEM);
    else if (depth < stack.length - 1 && part.key !== null) path.push(part.key);
  }
  const top = stack.at(-1)!;
  return { path, key: top.list ? null : top.key, typed: word.trimStart() };
}
