// Writes src/generated: the types of scenario files from the JSON Schema, and those of the control API from its OpenAPI
// document. scripts/build_clients.py calls this: it writes the OpenAPI document and the table of environment variables.
import { readFile, writeFile } from "node:fs/promises";
import { compile } from "json-schema-to-typescript";
import openapiTS, { astToString } from "openapi-typescript";

const generated = new URL("../src/generated/", import.meta.url);
const schema = JSON.parse(await readFile(new URL("../../../schemas/scenario.schema.json", import.meta.url), "utf8"));
const api = JSON.parse(await readFile(new URL("openapi.json", generated), "utf8"));

/** Conditions that only say which keys belong together have no form in TypeScript; the server checks them. */
function withoutRequirements(value) {
  if (Array.isArray(value)) return value.map(withoutRequirements);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).filter(([key, inner]) => {
    if (!["allOf", "anyOf", "oneOf"].includes(key) || !Array.isArray(inner)) return key !== "not" && key !== "if";
    return inner.some((each) => ["type", "$ref", "const", "enum", "properties"].some((word) => word in each));
  });
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutRequirements(inner)]));
}

const scenario = await compile(withoutRequirements({ ...schema, title: "ScenarioFile" }), "ScenarioFile", {
  additionalProperties: false,
  bannerComment: "// Generated from schemas/scenario.schema.json.",
  format: false,
});
const control = astToString(await openapiTS({ ...api, paths: {} }));
await writeFile(new URL("scenario.ts", generated), scenario);
await writeFile(new URL("control.ts", generated), `// Generated from the control API's OpenAPI document.\n${control}`);
