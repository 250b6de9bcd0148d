// The requests that no rule matched, in groups, with their near misses.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { Card, Empty } from "./components.tsx";
import { log } from "./feed.ts";
import { clock, count, shortPlace } from "./format.ts";
import type { Detail, Summary } from "./models.ts";
import { useObservable } from "./observable.ts";
import { usePolled } from "./polling.ts";
import { address, go, show } from "./route.ts";

/** Milliseconds between two calls for the near misses of a group. */
const INTERVAL = 1500;

export function Unmatched(): JSX.Element {
  const version = useObservable(log.changed);
  const missed = useMemo(() => {
    const groups = new Map<string, { kind: string; last: Summary; times: number }>();
    for (const request of log.requests) {
      if (!request.missed) continue;
      const kind = `${request.method} ${request.path.split("?")[0]} ${request.model ?? ""} ${request.session ?? ""}`;
      const before = groups.get(kind)?.times ?? 0;
      groups.delete(kind);
      groups.set(kind, { kind, last: request, times: before + 1 });
    }
    return [...groups.values()].reverse().slice(0, 20);
  }, [version]);
  return (
    <Card title="Unmatched requests" wide>
      {missed.length ? (
        <ul class="misses">
          {missed.map((group) => (
            <UnmatchedGroup key={group.kind} last={group.last} times={group.times} />
          ))}
        </ul>
      ) : (
        <Empty title="None.">
          <p>A request that no rule matches is listed here, with its near misses and the differences.</p>
        </Empty>
      )}
    </Card>
  );
}

function UnmatchedGroup(props: { last: Summary; times: number }): JSX.Element {
  const { last } = props;
  const near = usePolled<Detail>(`/api/requests/${last.id}`, () => INTERVAL)?.near_misses;
  return (
    <li>
      <div class="miss-head">
        <strong>
          {last.method} {last.path}
        </strong>
        <span>{last.model ?? ""}</span>
        {last.session ? <span class="tag">session {last.session}</span> : null}
        {props.times > 1 ? <span class="tag">{count(props.times)} times</span> : null}
        <span class="quiet">{clock(last.at)}</span>
        <button type="button" class="small" onClick={() => show(address("rules", ["new"], { from: last.id }))} aria-label={`New rule from request ${last.id}`}>
          New rule
        </button>
        <button type="button" class="small" onClick={() => go("requests", last.id)} aria-label={`Show request ${last.id}`}>
          Show
        </button>
      </div>
      {near?.length ? (
        <ul class="near">
          {near.map((line) => (
            <li title={line}>{shortPlace(line)}</li>
          ))}
        </ul>
      ) : near ? (
        <p class="hint">There is no near miss.</p>
      ) : null}
    </li>
  );
}
