// The files that could not be loaded, with the reasons.

import type { JSX } from "preact";
import { health } from "./feed.ts";
import { plural } from "./format.ts";
import { useObservable } from "./observable.ts";

export function StaleFiles(): JSX.Element | null {
  const server = useObservable(health);
  if (!server?.stale.length) return null;
  return (
    <section class="card wide alarm" aria-labelledby="stale">
      <header>
        <h2 id="stale">{plural(server.stale.length, "file")} could not be loaded</h2>
      </header>
      <ul class="stale">
        {server.stale.map((file) => (
          <li>
            <strong>{file.file}</strong>
            <span>{file.left_out ? "left out: it has no earlier version" : "its last valid version is active"}</span>
            <pre tabIndex={0} role="group" aria-label="Problem of the file">{file.reason}</pre>
          </li>
        ))}
      </ul>
    </section>
  );
}
