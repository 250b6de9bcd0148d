// Which of the last requests a rule would respond to, and which other rule would lose them.

import type { JSX } from "preact";
import { plural, ruleName } from "./format.ts";
import type { Preview, PreviewedRequest } from "./models.ts";
import { address } from "./route.ts";

const MAX_SHOWN = 40;

/** Counts requests by the rule that responds to them now. */
function losses(requests: PreviewedRequest[]): { from: string; number: number }[] {
  const counts = new Map<string, number>();
  for (const { before } of requests) {
    const from = before === null ? "" : before;
    counts.set(from, (counts.get(from) ?? 0) + 1);
  }
  return [...counts].map(([from, number]) => ({ from, number })).sort((one, other) => other.number - one.number);
}

function change({ before, after }: PreviewedRequest): string {
  const names = [before, after].map((id) => (id === null ? "no rule" : ruleName(id).name));
  const same = names[0] === names[1] && before !== after;
  return (same ? [before, after] : names).join(" → ");
}

export function RulePreview(props: { preview: Preview; stale: boolean }): JSX.Element {
  const { preview } = props;
  const matched = preview.requests.filter(({ after }) => after !== null && preview.changed.includes(after));
  const taken = matched.filter(({ after, before }) => after !== before);
  const lost = preview.requests.filter(({ after, before }) => after !== before && !matched.some((one) => one.after === after));
  const modified = preview.requests.filter(({ modifiers }) => modifiers.length);
  return (
    <section class={props.stale ? "part preview stale-preview" : "part preview"} aria-label="Effect on the last requests">
      <h3>Effect on the last {plural(preview.checked, "request")}</h3>
      {preview.requests.length ? (
        <>
          {matched.length || !modified.length ? <p>It would respond to <strong>{plural(matched.length, "request")}</strong>.</p> : null}
          {modified.length ? <p>It would change the response to <strong>{plural(modified.length, "request")}</strong>.</p> : null}
          {lost.length ? <p><strong>{plural(lost.length, "request")}</strong> would go to other rules, or to none.</p> : null}
          <ul class="losses">
            {losses(taken).map(({ from, number }) => (
              <li>
                {from ? <>Rule <a href={address("rules", ["rule", from])}>{ruleName(from).name}</a> would lose {number}</> : <>{plural(number, "request")} had no rule</>}
              </li>
            ))}
          </ul>
          <ul class="previewed" tabIndex={0} aria-label="Affected requests">
            {preview.requests.slice(0, MAX_SHOWN).map((request) => (
              <li key={request.id}>
                <a href={address("requests", [request.id])}>{request.id}</a> <span class="quiet">{request.model ?? `${request.method} ${request.path}`}</span> {request.user ?? ""}
                <span class="tag quiet">
                  {change(request)}
                </span>
              </li>
            ))}
          </ul>
          {preview.requests.length > MAX_SHOWN ? <p class="hint">and {preview.requests.length - MAX_SHOWN} more</p> : null}
        </>
      ) : (
        <p>{preview.checked ? "It would respond to none of them." : "The journal is empty."}</p>
      )}
      <p class="hint">By their matches only: counts, chances and states are not considered.</p>
    </section>
  );
}
