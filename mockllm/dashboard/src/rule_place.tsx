// The position of a rule.

import type { JSX } from "preact";
import { ruleName } from "./format.ts";
import type { Rule } from "./models.ts";

/** The position of a rule. Of a pack the path is not of interest, of a long path only its end. */
export function RulePlace(props: { rule: Rule }): JSX.Element {
  const { id, layer, where } = props.rule;
  const { file } = ruleName(id);
  const line = where.slice(where.lastIndexOf(":"));
  const slash = file.indexOf("/");
  if (layer === "pack" && slash > 0) {
    return (
      <span class="r-where split-path" title={where}>
        <span class="path-start">
          pack <b>{file.slice(0, slash)}</b>
        </span>
        <span>
          &nbsp;{file.slice(slash + 1)}
          {line}
        </span>
      </span>
    );
  }
  const name = where.lastIndexOf("/") + 1;
  return (
    <span class="r-where split-path" title={where}>
      <span class="path-start">{where.slice(0, name)}</span>
      <span>{where.slice(name)}</span>
    </span>
  );
}
