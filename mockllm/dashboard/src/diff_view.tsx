// The difference of two texts, line by line.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { lineDiff, withoutFarLines } from "./line_diff.ts";

const SIGNS = { same: " ", added: "+", removed: "−" };

export function DiffView(props: { before: string; after: string; label: string }): JSX.Element {
  const lines = useMemo(() => withoutFarLines(lineDiff(props.before, props.after)), [props.before, props.after]);
  if (lines.every((line) => line === null)) return <p class="hint">There is no difference.</p>;
  return (
    <pre class="diff" tabIndex={0} role="group" aria-label={props.label}>
      {lines.map((line) =>
        line === null ? (
          <span class="d-far">⋯{"\n"}</span>
        ) : (
          <span class={`d-${line.kind}`}>
            {SIGNS[line.kind]} {line.text}
            {"\n"}
          </span>
        ),
      )}
    </pre>
  );
}
