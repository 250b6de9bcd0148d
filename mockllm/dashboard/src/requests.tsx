// The event log with its filter, and beside it all that is known of one request.

import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useCell } from "./cells.ts";
import { log, metrics } from "./feed.ts";
import { clock, count, duration, named, plural } from "./format.ts";
import type { Filter } from "./log.ts";
import type { Summary } from "./models.ts";
import { Empty, Select } from "./parts.tsx";
import { Request } from "./request.tsx";
import { go, useRoute } from "./route.ts";
import { Rows } from "./rows.tsx";

const KINDS = [
  { value: "all", title: "All" },
  { value: "errors", title: "Errors" },
  { value: "missed", title: "Missed" },
  { value: "faults", title: "With faults" },
  { value: "streams", title: "Streams" },
];

function narrow(): boolean {
  return matchMedia("(max-width: 720px)").matches;
}

export function tone(each: Summary): string {
  if (each.missed) return "missed";
  if (each.status >= 500) return "bad";
  if (each.status >= 400) return "warn";
  return each.faults.length || each.left !== "finished" ? "odd" : "";
}

function Row(props: { each: Summary }): JSX.Element {
  const { each } = props;
  const rule = each.rule ? named(each.rule).name : each.missed ? "no rule matched" : "–";
  return (
    <>
      <span class="c-time">{clock(each.at)}</span>
      <span class="c-status">{each.status}</span>
      <span class="c-path" title={each.path}>
        {each.method === "POST" ? "" : `${each.method} `}
        {each.session ? each.path.replace(/^\/s\/[^/]+(?=\/)/, "") : each.path}
        {each.session ? <span class="c-session"> {each.session}</span> : null}
      </span>
      <span class="c-model">{each.model ?? ""}</span>
      <span class="c-rule">{rule}</span>
      <span class="c-notes">
        {each.faults.map((fault) => (
          <span class="tag bad">{fault}</span>
        ))}
        {each.error ? <span class="tag warn">{each.error}</span> : null}
        {each.left !== "finished" && !each.faults.includes(each.left) ? <span class="tag">{each.left}</span> : null}
        {each.streamed ? <span class="tag quiet">stream</span> : null}
      </span>
      <span class="c-took">{duration(each.took)}</span>
    </>
  );
}

export function Requests(): JSX.Element {
  const version = useCell(log.changed);
  const counted = useCell(metrics);
  const route = useRoute();
  const [filter, setFilter] = useState<Filter>({ text: "", kind: "all", endpoint: "" });
  const chosen = route.id;
  const [paused, setPaused] = useState(chosen === null ? Infinity : log.last || Infinity);
  const [over, setOver] = useState(Infinity);
  const until = Math.min(paused, over);
  const search = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLElement>(null);
  const shown = useMemo(() => log.shown(filter, until), [version, filter, until]);
  const behind = until === Infinity ? 0 : log.held.reduce((sum, each) => sum + Number(each.id > until), 0);
  const endpoints = (counted?.endpoints ?? []).map((each) => ({ value: each.endpoint, title: each.endpoint }));
  const size = narrow() ? 52 : 30;

  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.key === "/" && !(event.target instanceof HTMLInputElement)) {
        event.preventDefault();
        search.current?.focus();
      }
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);

  const close = (): void => {
    setPaused(Infinity);
    go("requests");
    // on a narrow screen the list was not there while the request was
    requestAnimationFrame(() => list.current?.querySelector<HTMLElement>("[role=listbox]")?.focus());
  };

  return (
    <div class={chosen ? "split open" : "split"}>
      <section class="log" aria-label="Event log" ref={list}>
        <div class="bar">
          <input
            ref={search}
            type="search"
            aria-label="Filter the log"
            placeholder="Filter: path, model, rule, status …"
            value={filter.text}
            onInput={(event) => setFilter({ ...filter, text: event.currentTarget.value })}
          />
          <Select
            label="Kind"
            hideLabel
            value={filter.kind}
            options={KINDS}
            change={(kind) => setFilter({ ...filter, kind: kind as Filter["kind"] })}
          />
          <Select
            label="Endpoint"
            hideLabel
            value={filter.endpoint}
            options={[{ value: "", title: "All endpoints" }, ...endpoints]}
            change={(endpoint) => setFilter({ ...filter, endpoint })}
          />
          <button
            type="button"
            aria-pressed={paused !== Infinity}
            onClick={() => (setPaused(paused === Infinity ? log.last : Infinity), setOver(Infinity))}
          >
            {paused === Infinity ? "Pause" : `Go on${behind ? ` (${count(behind)} new)` : ""}`}
          </button>
        </div>
        <Rows
          label="Requests, newest first"
          rows={shown}
          id={(each) => each.id}
          height={size}
          chosen={chosen}
          choose={(each) => {
            if (paused === Infinity) setPaused(log.last); // what is looked at does not run away
            go("requests", each.id);
          }}
          over={(here) => setOver(here ? log.last : Infinity)}
          show={(each) => <Row each={each} />}
          tone={tone}
          empty={
            log.held.length ? (
              <Empty title="Nothing passes this filter.">
                <button type="button" onClick={() => setFilter({ text: "", kind: "all", endpoint: "" })}>
                  Clear the filter
                </button>
              </Empty>
            ) : (
              <Empty title="No request has come yet.">
                <p>Point a client at this server, or try it from a terminal:</p>
                <pre class="try">
                  {`curl ${location.origin}/v1/chat/completions -d '{"model": "gpt-4o",\n  "messages": [{"role": "user", "content": "hello"}]}'`}
                </pre>
              </Empty>
            )
          }
        />
        <p class="foot">
          {plural(shown.length, "request")} shown
          {log.dropped ? `; ${count(log.dropped)} came too fast for the live log` : ""}
        </p>
      </section>
      {chosen ? (
        <Request id={chosen} close={close} />
      ) : (
        <aside class="detail idle">
          <Empty title="Choose a request">
            <p>You see what was asked, what was answered and when, which rule did it, and why.</p>
            <p class="keys">
              <kbd>↑</kbd> <kbd>↓</kbd> move, <kbd>/</kbd> filters, <kbd>Esc</kbd> closes
            </p>
          </Empty>
        </aside>
      )}
    </div>
  );
}
