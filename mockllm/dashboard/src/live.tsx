// What happens now: numbers with their peaks, the last minutes as lines, how long answers take, each endpoint.

import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { Chart, type Line, type Mark } from "./chart.tsx";
import { useCell } from "./cells.ts";
import { metrics, now, series } from "./feed.ts";
import { bytes, count, duration, rate, share } from "./format.ts";
import type { EndpointMetrics, Latency, Metrics } from "./models.ts";
import { Card, Empty, Select } from "./parts.tsx";
import { go } from "./route.ts";

const SPANS = [
  { value: "120", title: "2 minutes" },
  { value: "600", title: "10 minutes" },
];

/** The last full second; it moves on by itself, so that lines do when nothing comes. */
function useNow(): number {
  const [second, set] = useState(() => Math.floor(now()));
  useEffect(() => {
    const timer = window.setInterval(() => set(Math.floor(now())), 1000);
    return () => window.clearInterval(timer);
  }, []);
  return second;
}

export function Live(): JSX.Element {
  const counted = useCell(metrics);
  const [span, setSpan] = useState("120");
  if (!counted) return <p class="quiet">Loading …</p>;
  return (
    <div class="live-grid">
      <Tiles counted={counted} />
      <Over span={Number(span)} choice={<Select label="Span" hideLabel value={span} options={SPANS} change={setSpan} />} />
      <Spread counted={counted} />
      <Endpoints counted={counted} />
    </div>
  );
}

// --- tiles ------------------------------------------------------------------------------------------------

function Tile(props: { name: string; value: string; under: string; tone?: string | undefined; act?: () => void }): JSX.Element {
  const inner = (
    <>
      <span class="tile-name">{props.name}</span>
      <span class="tile-value">{props.value}</span>
      <span class="tile-under">{props.under}</span>
    </>
  );
  return props.act ? (
    <button type="button" class={`tile ${props.tone ?? ""}`} onClick={props.act}>
      {inner}
    </button>
  ) : (
    <div class={`tile ${props.tone ?? ""}`}>{inner}</div>
  );
}

function Tiles(props: { counted: Metrics }): JSX.Element {
  const { counted } = props;
  useCell(series.changed);
  const last = series.window(useNow(), 3).seconds.findLast((each) => each !== undefined);
  const all = useMemo(() => joined(counted.endpoints, "latency"), [counted]);
  const first = useMemo(() => joined(counted.endpoints, "ttft"), [counted]);
  return (
    <div class="tiles">
      <Tile
        name="Requests a second"
        value={rate(last?.requests ?? 0)}
        under={`peak ${rate(series.peaks.requests)} · ${count(counted.requests)} in all`}
      />
      <Tile name="Answers under way" value={count(counted.open)} under={`peak ${count(series.peaks.open)}`} />
      <Tile name="Throughput" value={`${bytes(last?.bytes ?? 0)}/s`} under={`peak ${bytes(series.peaks.bytes)}/s`} />
      <Tile
        name="Answer time, p95"
        value={duration(percentile(all, 0.95))}
        under={`median ${duration(percentile(all, 0.5))} · p99 ${duration(percentile(all, 0.99))}`}
      />
      <Tile
        name="First token, p95"
        value={duration(percentile(first, 0.95))}
        under={first.count ? `median ${duration(percentile(first, 0.5))}` : "no stream yet"}
      />
      <Tile
        name="Errors"
        value={share(counted.errors, counted.requests)}
        under={`${count(counted.errors)} of ${count(counted.requests)}`}
        tone={counted.errors ? "warn" : undefined}
      />
      <Tile
        name="Missed"
        value={count(counted.missed)}
        under={counted.missed ? "see why" : "every request met a rule"}
        tone={counted.missed ? "missed" : undefined}
        {...(counted.missed ? { act: () => go("rules") } : {})}
      />
    </div>
  );
}

// --- over time ----------------------------------------------------------------------------------------------

const RATE: Line[] = [
  { label: "requests", colour: "--chart-1", fill: true, value: rate },
  { label: "errors", colour: "--chart-bad", value: rate },
  { label: "missed", colour: "--chart-missed", value: rate },
];
const FLOW: Line[] = [{ label: "bytes a second", colour: "--chart-2", fill: true, value: bytes }];
const OPEN: Line[] = [{ label: "open", colour: "--chart-3", fill: true, value: count }];

function Over(props: { span: number; choice: JSX.Element }): JSX.Element {
  const version = useCell(series.changed);
  const second = useNow();
  const held = useMemo(() => series.window(second, props.span), [version, second, props.span]);
  const requests = useMemo(() => {
    const { at, seconds } = held;
    return [at, seconds.map((s) => s?.requests ?? 0), seconds.map((s) => s?.errors ?? 0), seconds.map((s) => s?.missed ?? 0)];
  }, [held]);
  const flow = useMemo(() => [held.at, held.seconds.map((s) => s?.bytes ?? 0)], [held]);
  const open = useMemo(() => [held.at, held.open], [held]);
  return (
    <>
      <Card title="Requests a second" wide aside={<><Legend lines={RATE} />{props.choice}</>}>
        <Chart label="Requests, errors and misses a second over time" lines={RATE} data={requests as never} height={200} whole />
      </Card>
      <Card title="Throughput">
        <Chart label="Bytes a second over time" lines={FLOW} data={flow as never} height={150} />
      </Card>
      <Card title="Answers under way">
        <Chart label="Answers under way over time" lines={OPEN} data={open as never} height={150} whole />
      </Card>
    </>
  );
}

function Legend(props: { lines: Line[] }): JSX.Element {
  return (
    <span class="legend">
      {props.lines.map((line) => (
        <span>
          <i class={line.colour.slice(2)} /> {line.label}
        </span>
      ))}
    </span>
  );
}

// --- how long it takes ----------------------------------------------------------------------------------------

type Which = "latency" | "ttft" | "inter_chunk";
const WHICH = [
  { value: "latency", title: "Whole answer" },
  { value: "ttft", title: "Time to first token" },
  { value: "inter_chunk", title: "Between chunks" },
];

interface Joined {
  count: number;
  bounds: (number | null)[];
  counts: number[];
}

/** The histograms of endpoints as one. */
function joined(endpoints: EndpointMetrics[], which: Which): Joined {
  const sums = new Map<number | null, number>();
  for (const each of endpoints) {
    for (const [bound, number] of (each[which] as Latency).buckets) sums.set(bound, (sums.get(bound) ?? 0) + number);
  }
  const bounds = [...sums.keys()].sort((a, b) => (a ?? Infinity) - (b ?? Infinity));
  const counts = bounds.map((bound) => sums.get(bound)!);
  return { count: counts.reduce((sum, each) => sum + each, 0), bounds, counts };
}

const LADDER = [1, 1.5, 2, 3, 5, 7];

function bucket(place: number): number {
  return LADDER[place % 6]! * 10 ** (Math.floor(place / 6) - 4);
}

function placeOf(bound: number | null): number {
  if (bound === null) return 42;
  for (let place = 0; place < 42; place++) if (bucket(place) >= bound * 0.999) return place;
  return 42;
}

function percentile(held: Joined, part: number): number | null {
  const place = fractional(held, part);
  if (place === null) return null;
  const whole = Math.floor(place);
  const low = whole ? bucket(whole - 1) : 0;
  return low + (bucket(Math.min(whole, 41)) - low) * (place - whole);
}

/** Where a percentile lies, in buckets from the left. */
function fractional(held: Joined, part: number): number | null {
  const wanted = part * held.count;
  let passed = 0;
  for (let index = 0; index < held.counts.length; index++) {
    const number = held.counts[index]!;
    if (number && passed + number >= wanted) return placeOf(held.bounds[index]!) + (wanted - passed) / number;
    passed += number;
  }
  return null;
}

const BARS: Line[] = [{ label: "answers", colour: "--chart-1", bars: true, value: count }];

function Spread(props: { counted: Metrics }): JSX.Element {
  const [which, setWhich] = useState<Which>("latency");
  const [endpoint, setEndpoint] = useState("");
  const { endpoints } = props.counted;
  const shown = endpoint ? endpoints.filter((each) => each.endpoint === endpoint) : endpoints;
  const held = useMemo(() => joined(shown, which), [props.counted, which, endpoint]);
  const places = held.bounds.map(placeOf);
  const low = Math.max(0, Math.min(...places, 42) - 1);
  const high = Math.min(42, Math.max(...places, low + 5) + 1);
  const data = useMemo(() => {
    const xs: number[] = [];
    const ys: number[] = [];
    for (let place = low; place <= high; place++) {
      xs.push(place);
      ys.push(held.counts[places.indexOf(place)] ?? 0);
    }
    return [xs, ys];
  }, [held, low, high]);
  const marks: Mark[] = [];
  for (const [part, name] of [[0.5, "p50"], [0.95, "p95"], [0.99, "p99"]] as const) {
    const place = fractional(held, part);
    if (place !== null && held.count > 1) marks.push({ at: place - 0.5, label: `${name} ${duration(percentile(held, part))}` });
  }
  return (
    <Card
      title="How long it takes"
      wide
      aside={
        <>
          <Select label="What is measured" hideLabel value={which} options={WHICH} change={(value) => setWhich(value as Which)} />
          <Select
            label="Of which endpoint"
            hideLabel
            value={endpoint}
            options={[{ value: "", title: "All endpoints" }, ...endpoints.map((each) => ({ value: each.endpoint, title: each.endpoint }))]}
            change={setEndpoint}
          />
        </>
      }
    >
      {held.count ? (
        <Chart
          label={`Histogram: ${marks.map((mark) => mark.label).join(", ")}`}
          lines={BARS}
          data={data as never}
          height={225}
          whole
          marks={marks}
          names={(place) => (Number.isInteger(place) && place >= 0 && place < 42 ? `≤ ${duration(bucket(place))}` : "")}
        />
      ) : (
        <Empty title={which === "latency" ? "No answer yet." : "No stream yet."}>
          {which === "latency" ? null : <p>Streams have first tokens: ask with <code>"stream": true</code>.</p>}
        </Empty>
      )}
    </Card>
  );
}

// --- each endpoint ----------------------------------------------------------------------------------------------

function Endpoints(props: { counted: Metrics }): JSX.Element {
  const rows = props.counted.endpoints.filter((each) => each.requests || each.open);
  return (
    <Card title="Endpoints" wide>
      {rows.length ? (
        <div class="scroll" tabIndex={0} role="region" aria-label="Numbers of each endpoint">
          <table>
            <thead>
              <tr>
                <th scope="col">Endpoint</th>
                <th scope="col">Open</th>
                <th scope="col">Requests</th>
                <th scope="col">Errors</th>
                <th scope="col">Missed</th>
                <th scope="col">p50</th>
                <th scope="col">p95</th>
                <th scope="col">p99</th>
                <th scope="col">First token p50</th>
                <th scope="col">p95</th>
                <th scope="col">Faults</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((each) => (
                <tr key={each.endpoint}>
                  <th scope="row">{each.endpoint === "none" ? "other paths" : each.endpoint}</th>
                  <td>{each.open ?? "–"}</td>
                  <td>{count(each.requests)}</td>
                  <td class={each.errors ? "warn" : ""}>{count(each.errors)}</td>
                  <td class={each.missed ? "missed" : ""}>{count(each.missed)}</td>
                  <td>{duration(each.latency.p50)}</td>
                  <td>{duration(each.latency.p95)}</td>
                  <td>{duration(each.latency.p99)}</td>
                  <td>{duration(each.ttft.p50)}</td>
                  <td>{duration(each.ttft.p95)}</td>
                  <td>{Object.entries(each.faults).map(([name, number]) => `${name} ${number}`).join(", ") || "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <Empty title="No request has come yet." />
      )}
    </Card>
  );
}
