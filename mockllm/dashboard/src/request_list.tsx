// The journal with its filter, and beside it the details of one request.

import type { JSX } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { useObservable } from "./observable.ts";
import { LONGEST, useBodySearch } from "./body_search.ts";
import { log, metrics, useProviderOrigin } from "./feed.ts";
import { clock, count, duration, plural, ruleName } from "./format.ts";
import { NO_FILTER, type Filter } from "./request_log.ts";
import type { Summary } from "./models.ts";
import { Empty, Select } from "./components.tsx";
import { RequestDetail } from "./request_detail.tsx";
import { address, currentRoute, go, show, useRoute } from "./route.ts";
import { tone } from "./tone.ts";
import { VirtualList } from "./virtual_list.tsx";

const KINDS = [
  { value: "all", title: "All" },
  { value: "errors", title: "Errors" },
  { value: "missed", title: "Unmatched" },
  { value: "faults", title: "With faults" },
  { value: "streams", title: "Streams" },
];

function filterOf(query: URLSearchParams): Filter {
  const kind = KINDS.find(({ value }) => value === query.get("kind"))?.value ?? "all";
  return { text: query.get("text") ?? "", kind: kind as Filter["kind"], endpoint: query.get("endpoint") ?? "" };
}

/** Returns the address of the export of the shown requests. */
function harAddress(filter: Filter, until: number): string {
  const query = new URLSearchParams({ format: "har" });
  if (until !== Infinity) query.set("until", String(until));
  if (filter.endpoint) query.set("endpoint", filter.endpoint);
  if (filter.kind === "missed") query.set("missed", "true");
  else if (filter.kind !== "all") query.set("kind", filter.kind);
  if (filter.text.trim()) query.set("search", filter.text.trim());
  return `/api/requests/export?${query}`;
}

function narrow(): boolean {
  return matchMedia("(max-width: 720px)").matches;
}

/** Returns a near miss without its position: the name of the rule and what differs. */
function nearMiss(line: string): string {
  return line.replace(/^\S+:\d+ /, "");
}

function RequestRow(props: { request: Summary }): JSX.Element {
  const { request } = props;
  const rule = request.rule ? ruleName(request.rule).name : request.missed ? "no rule matched" : "–";
  return (
    <>
      <span class="c-time">{clock(request.at)}</span>
      <span class="c-status">{request.status}</span>
      <span class="c-path" title={request.path}>
        {request.method === "POST" ? "" : `${request.method} `}
        {request.session ? request.path.replace(/^\/s\/[^/]+(?=\/)/, "") : request.path}
        {request.session ? <span class="c-session"> {request.session}</span> : null}
      </span>
      <span class="c-model">{request.model ?? ""}</span>
      <span class="c-rule">{rule}</span>
      <span class="c-notes">
        {request.faults.map((fault) => (
          <span class="tag bad">{fault}</span>
        ))}
        {request.error ? <span class="tag warn">{request.error}</span> : null}
        {request.left !== "finished" && !request.faults.includes(request.left) ? <span class="tag">{request.left}</span> : null}
        {request.streamed ? <span class="tag quiet">stream</span> : null}
        {request.near_misses?.length ? <span class="c-near" title={request.near_misses.join("\n")}>{nearMiss(request.near_misses[0]!)}</span> : null}
      </span>
      <span class="c-took">{duration(request.took)}</span>
    </>
  );
}

export function RequestList(): JSX.Element {
  const version = useObservable(log.changed);
  const current = useObservable(metrics);
  const origin = useProviderOrigin();
  const route = useRoute();
  const filter = useMemo(() => filterOf(route.query), [route]);
  const setFilter = (changed: Partial<Filter>): void => {
    const { id, query } = currentRoute(); // two changes may come before the next frame
    const { text, kind, endpoint } = { ...filterOf(query), ...changed };
    const rest = id === null ? [] : [id];
    const other = query.get("with") ?? "";
    show(address("requests", rest, { text, kind: kind === "all" ? "" : kind, endpoint, with: other }), true);
  };
  const { ids: also, searching } = useBodySearch(filter.text);
  const chosen = route.id;
  const [paused, setPaused] = useState(chosen === null ? Infinity : log.last || Infinity);
  const [over, setOver] = useState(Infinity);
  const until = Math.min(paused, over);
  const list = useRef<HTMLElement>(null);
  const shown = useMemo(() => log.filtered(filter, until, also), [version, filter, until, also]);
  const behind = until === Infinity ? 0 : log.requests.reduce((sum, request) => sum + Number(request.id > until), 0);
  const endpoints = (current?.endpoints ?? []).map(({ endpoint }) => ({ value: endpoint, title: endpoint }));
  const size = narrow() ? 52 : 30;

  const close = (): void => {
    setPaused(Infinity);
    go("requests");
    // a narrow page hides the list while it shows a request
    requestAnimationFrame(() => list.current?.querySelector<HTMLElement>("[role=listbox]")?.focus());
  };

  return (
    <div class={chosen ? "split open" : "split"}>
      <section class="log" aria-label="Journal" ref={list}>
        <div class="bar">
          <input
            type="search"
            maxLength={LONGEST}
            aria-label="Filter the journal"
            placeholder="Filter: path, model, rule, status, texts of bodies …"
            value={filter.text}
            onInput={(event) => setFilter({ text: event.currentTarget.value })}
          />
          <Select
            label="Kind"
            hideLabel
            value={filter.kind}
            options={KINDS}
            change={(kind) => setFilter({ kind: kind as Filter["kind"] })}
          />
          <Select
            label="Endpoint"
            hideLabel
            value={filter.endpoint}
            options={[{ value: "", title: "All endpoints" }, ...endpoints]}
            change={(endpoint) => setFilter({ endpoint })}
          />
          <button
            type="button"
            aria-pressed={paused !== Infinity}
            onClick={() => (setPaused(paused === Infinity ? log.last : Infinity), setOver(Infinity))}
          >
            {paused === Infinity ? "Pause" : `Resume${behind ? ` (${count(behind)} new)` : ""}`}
          </button>
        </div>
        <VirtualList
          label="Requests, the last started first"
          rows={shown}
          id={(request) => request.id}
          height={size}
          chosen={chosen}
          choose={(request) => {
            if (paused === Infinity) setPaused(log.last); // the selected row stays in place
            go("requests", request.id);
          }}
          over={(inside) => setOver(inside ? log.last : Infinity)}
          show={(request) => <RequestRow request={request} />}
          tone={tone}
          empty={
            searching ? (
              <Empty title="Searching …" />
            ) : log.requests.length ? (
              <Empty title="No request matches this filter.">
                <button type="button" onClick={() => setFilter(NO_FILTER)}>
                  Clear the filter
                </button>
              </Empty>
            ) : (
              <Empty title="No requests yet.">
                <p>Point a client at this server, or try it from a terminal:</p>
                <pre class="try" tabIndex={0} role="group" aria-label="A request from a terminal">
                  {`curl ${origin}/v1/chat/completions -d '{"model": "gpt-4o",\n  "messages": [{"role": "user", "content": "hello"}]}'`}
                </pre>
              </Empty>
            )
          }
        />
        <p class="foot">
          {plural(shown.length, "request")} shown{searching ? "; searching the bodies …" : ""}{" "}
          <a href={harAddress(filter, paused)} download="mockllm.har">
            Export as HAR
          </a>
          {log.dropped ? `; ${count(log.dropped)} were left out of the live log` : ""}
        </p>
      </section>
      {chosen ? (
        <RequestDetail id={chosen} close={close} />
      ) : (
        <aside class="detail idle">
          <Empty title="Select a request">
            <p>The page shows the request, the response with its times, the selected rule, and the reason.</p>
            <p class="keys">
              <kbd>↑</kbd> <kbd>↓</kbd> move, <kbd>/</kbd> filters, <kbd>Esc</kbd> closes, <kbd>?</kbd> shows all keys
            </p>
          </Empty>
        </aside>
      )}
    </div>
  );
}
