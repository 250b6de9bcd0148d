// Walks the JSON Schema of the scenario language: which keys and values are possible at a path.

import document from "../../../schemas/scenario.schema.json";
import { ITEM } from "./yaml_path.ts";

interface Schema {
  $ref?: string;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  type?: string | string[];
  description?: string;
  default?: unknown;
  required?: string[];
}

const root = document as unknown as Schema & { definitions: Record<string, Schema> };

export interface Choice {
  name: string;
  about: string;
  /** What the value is, such as `text` or `list`. */
  type: string;
}

/** The schemas at the top: of a file, or of a text that may also be a single rule or modifier. */
export function start(single: boolean): Schema[] {
  return single ? [root.definitions["RuleSpec"]!, root.definitions["ModifierSpec"]!, root] : [root];
}

/** Returns all alternatives of a schema, references resolved. */
function expand(schema: Schema, seen: Set<Schema> = new Set()): Schema[] {
  if (seen.has(schema)) return [];
  seen.add(schema);
  const found = [schema];
  if (schema.$ref) {
    const target = root.definitions[schema.$ref.replace("#/definitions/", "")];
    if (target) found.push(...expand(target, seen));
  }
  for (const inner of [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]) found.push(...expand(inner, seen));
  return found;
}

/** Returns the schemas at a path. */
export function walk(schemas: Schema[], path: string[]): Schema[] {
  let current = schemas;
  for (const step of path) {
    current = current.flatMap((schema) => expand(schema)).flatMap((schema) => {
      if (step === ITEM) return schema.items ? [schema.items] : [];
      const own = schema.properties?.[step];
      if (own) return [own];
      return typeof schema.additionalProperties === "object" ? [schema.additionalProperties] : [];
    });
  }
  return current;
}

function typeOf(schema: Schema): string {
  const names = expand(schema).flatMap((each) => (Array.isArray(each.type) ? each.type : each.type ? [each.type] : []));
  const words: Record<string, string> = { string: "text", array: "list", object: "mapping", boolean: "true or false", integer: "number" };
  return [...new Set(names.map((name) => words[name] ?? name))].filter((name) => name !== "null").slice(0, 3).join(", ");
}

function about(schema: Schema): string {
  return (schema.description ?? expand(schema).find((each) => each.description)?.description ?? "").split("\n\n")[0]!;
}

/** Returns the keys that a mapping at these schemas may have. */
export function keys(schemas: Schema[]): Choice[] {
  const found = new Map<string, Choice>();
  for (const schema of schemas.flatMap((each) => expand(each))) {
    for (const [name, value] of Object.entries(schema.properties ?? {})) {
      if (!found.has(name)) found.set(name, { name, about: about(value), type: typeOf(value) });
    }
  }
  return [...found.values()];
}

/** Returns the values that these schemas name. */
export function values(schemas: Schema[]): Choice[] {
  const found = new Map<string, Choice>();
  for (const schema of schemas.flatMap((each) => expand(each))) {
    const named = [...(schema.enum ?? []), ...(schema.const === undefined ? [] : [schema.const])];
    if (schema.type === "boolean") named.push(true, false);
    for (const value of named) {
      if (value !== null && typeof value !== "object") found.set(String(value), { name: String(value), about: schema.description?.split("\n\n")[0] ?? "", type: "value" });
    }
  }
  return [...found.values()];
}

/** Returns the description of a key. */
export function describe(single: boolean, path: string[], key: string): Choice | undefined {
  return keys(walk(start(single), path)).find(({ name }) => name === key);
}
