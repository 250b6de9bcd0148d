// The keys of a YAML object, whatever its style. It is part of the editor's bundle, which has the parser.

import { yamlLanguage } from "@codemirror/lang-yaml";

/** Returns the text of an object in block style, without some of its keys. */
export function withoutKeys(text: string, keys: string[]): string {
  const top = yamlLanguage.parser.parse(text).topNode.getChild("Document")?.firstChild;
  if (top?.name !== "BlockMapping" && top?.name !== "FlowMapping") return text;
  const pairs = top.getChildren("Pair");
  const lines = pairs.map((pair, index) => {
    const key = pair.getChild("Key");
    const name = key ? text.slice(key.from, key.to).replace(/^(["'])(.*)\1$/s, "$2") : "";
    if (keys.includes(name)) return "";
    if (top.name === "BlockMapping") return text.slice(pair.from, pairs[index + 1]?.from ?? text.length);
    return `${text.slice(pair.from, pair.to).replace(/\n\s*/g, "\n  ")}\n`;
  });
  return lines.join("");
}
