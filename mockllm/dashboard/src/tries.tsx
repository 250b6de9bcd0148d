// The tries of a client on a time line: when each request came, how long it took, and what it got.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { log } from "./feed.ts";
import { clock, duration } from "./format.ts";
import type { Summary } from "./models.ts";
import { useObservable } from "./observable.ts";
import { go } from "./route.ts";
import { tone } from "./tone.ts";

const MAX = 60;
const LINKS = 12;

/** Returns the requests of these ids that the page knows, in the order of their starts. */
export function useRequests(select: (request: Summary) => boolean, key: string): Summary[] {
  const version = useObservable(log.changed);
  return useMemo(() => log.requests.filter(select).slice(-MAX), [version, key]);
}

/** The marks of a line may overlap, so they are for the mouse only; these lead to the same requests. */
export function RequestLinks(props: { ids: number[] }): JSX.Element {
  return (
    <p class="links">
      {props.ids.slice(0, LINKS).map((id) => (
        <button type="button" class="link" onClick={() => go("requests", id)} aria-label={`Show request ${id}`}>
          {id}
        </button>
      ))}
      {props.ids.length > LINKS ? <span class="quiet">and {props.ids.length - LINKS} more</span> : null}
    </p>
  );
}

export function TryList(props: { requests: Summary[]; label: string }): JSX.Element | null {
  const { requests } = props;
  if (requests.length < 2) return null;
  const first = requests[0]!.at;
  const end = Math.max(...requests.map(({ at, took }) => at + took), first + 0.001);
  const left = (at: number): string => `${((at - first) / (end - first)) * 100}%`;
  return (
    <figure class="tries">
      <ol aria-label={props.label}>
        {requests.map((request, number) => {
          const before = requests[number - 1];
          const waited = before ? Math.max(0, request.at - before.at - before.took) : null;
          const says = `Request ${request.id}: ${request.status}${request.error ? ` ${request.error}` : ""}${request.faults.length ? `, ${request.faults.join(", ")}` : ""}${waited === null ? "" : `, ${duration(waited)} after the one before`}`;
          return (
            <li
              key={request.id}
              class={`try-mark ${tone(request) || "good"}`}
              style={{ left: left(request.at), width: `max(0.9rem, ${(request.took / (end - first)) * 100}%)` }}
              title={says}
              onClick={() => go("requests", request.id)}
            >
              <span class="unseen">{says}</span>
            </li>
          );
        })}
      </ol>
      <figcaption>
        <span>{clock(first)}</span>
        <span>{duration(end - first)} later</span>
      </figcaption>
    </figure>
  );
}
