// The server's diagnostics of a typed text. Each leads to its line and column.

import type { JSX } from "preact";
import type { FieldError } from "./api.ts";

export function Diagnostics(props: { errors: FieldError[]; go: (line: number, column: number) => void }): JSX.Element {
  return (
    <div role="status" aria-label="Mistakes" class="diagnostics">
      {props.errors.slice(0, 20).map(({ field, message, line, column }) => (
        <p>
          {line ? (
            <button type="button" class="link" onClick={() => props.go(line, column ?? 1)}>
              line {line}, column {column}
            </button>
          ) : null}
          {line ? ": " : ""}
          {field ? <code>{field}</code> : null}
          {field ? ": " : ""}
          {message}
        </p>
      ))}
    </div>
  );
}
