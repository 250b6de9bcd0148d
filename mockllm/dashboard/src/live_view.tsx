// The live tab: present metrics with their peaks, charts of the last minutes, response times, and each endpoint.

import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { Chart, type Line, type Mark } from "./chart.tsx";
import { useObservable } from "./observable.ts";
import { metrics, now, series } from "./feed.ts";
import { bytes, count, duration, plural, rate, share } from "./format.ts";
import type { EndpointMetrics, Latency, Metrics } from "./models.ts";
import { Card, Empty, Select, SideScroll } from "./components.tsx";
import { go } from "./route.ts";

const SPANS = [
  { value: "120", title: "2 minutes" },
  { value: "600", title: "10 minutes" },
];

/** Returns the present second. It advances by a timer, so that charts move without new data. */
function useNow(): number {
  const [second, set] = useState(() => Math.floor(now()));
  useEffect(() => {
    const timer = window.setInterval(() => set(Math.floor(now())), 1000);
    return () => window.clearInterval(timer);
  }, []);
  return second;
}

export function LiveView(): JSX.Element {
  const current = useObservable(metrics);
  const [span, setSpan] = useState("120");
  if (!current) return <p class="quiet">Loading …</p>;
  return (
    <div class="live-grid">
      <Tiles current={current} />
      <Charts span={Number(span)} choice={<Select label="Span" hideLabel value={span} options={SPANS} change={setSpan} />} />
      <Histogram current={current} />
      <Endpoints current={current} />
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

function Tiles(props: { current: Metrics }): JSX.Element {
  const { current } = props;
  useObservable(series.changed);
  const last = series.window(useNow(), 3).seconds.findLast((second) => second !== undefined);
  const all = useMemo(() => merged(current.endpoints, "latency"), [current]);
  const first = useMemo(() => merged(current.endpoints, "ttft"), [current]);
  return (
    <div class="tiles">
      <Tile
        name="Requests a second"
        value={rate(last?.requests ?? 0)}
        under={`peak ${rate(series.peaks.requests)} · ${count(current.requests)} in total`}
      />
      <Tile name="Responses in flight" value={count(current.open)} under={`peak ${count(series.peaks.open)}`} />
      <Tile name="Throughput" value={`${bytes(last?.bytes ?? 0)}/s`} under={`peak ${bytes(series.peaks.bytes)}/s`} />
      <Tile
        name="Response time, p95"
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
        value={share(current.errors, current.requests)}
        under={`${count(current.errors)} of ${count(current.requests)}`}
        tone={current.errors ? "warn" : undefined}
      />
      <Tile
        name="Unmatched"
        value={count(current.missed)}
        under={current.missed ? "show them" : "every request matched a rule"}
        tone={current.missed ? "missed" : undefined}
        {...(current.missed ? { act: () => go("rules") } : {})}
      />
    </div>
  );
}

// --- over time ----------------------------------------------------------------------------------------------

const RATE: Line[] = [
  { label: "requests", colour: "--chart-1", fill: true, value: rate },
  { label: "errors", colour: "--chart-bad", value: rate },
  { label: "unmatched", colour: "--chart-missed", value: rate },
];
const FLOW: Line[] = [{ label: "bytes a second", colour: "--chart-2", fill: true, value: bytes }];
const OPEN: Line[] = [{ label: "in flight", colour: "--chart-3", fill: true, value: count }];

function Charts(props: { span: number; choice: JSX.Element }): JSX.Element {
  const version = useObservable(series.changed);
  const second = useNow();
  const data = useMemo(() => series.window(second, props.span), [version, second, props.span]);
  const requests = useMemo(() => {
    const { at, seconds } = data;
    return [at, seconds.map((s) => s?.requests ?? 0), seconds.map((s) => s?.errors ?? 0), seconds.map((s) => s?.missed ?? 0)];
  }, [data]);
  const flow = useMemo(() => [data.at, data.seconds.map((s) => s?.bytes ?? 0)], [data]);
  const open = useMemo(() => [data.at, data.open], [data]);
  const span = SPANS.find(({ value }) => value === String(props.span))!.title;
  const name = (title: string, lines: Line[], columns: number[][]): string => `${title} over the last ${span}: ${summary(lines, columns)}`;
  return (
    <>
      <Card title="Requests a second" wide aside={<><Legend lines={RATE} />{props.choice}</>}>
        <Chart label={name("Requests a second", RATE, requests)} lines={RATE} data={requests as never} height={200} whole />
      </Card>
      <Card title="Throughput">
        <Chart label={name("Bytes a second", FLOW, flow)} lines={FLOW} data={flow as never} height={150} whole />
      </Card>
      <Card title="Responses in flight">
        <Chart label={name("Responses in flight", OPEN, open)} lines={OPEN} data={open as never} height={150} whole />
      </Card>
    </>
  );
}

/** Returns what a chart shows as a text: the last value and the peak of each line. */
function summary(lines: Line[], columns: number[][]): string {
  const texts = lines.map((line, number) => {
    const values = columns[number + 1]!;
    return `${line.label} now ${line.value(values.at(-1) ?? 0)}, peak ${line.value(Math.max(0, ...values))}`;
  });
  return texts.join("; ");
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

// --- response times ----------------------------------------------------------------------------------------

type Which = "latency" | "ttft" | "inter_chunk";
const WHICH = [
  { value: "latency", title: "Response time" },
  { value: "ttft", title: "Time to first token" },
  { value: "inter_chunk", title: "Time between chunks" },
];

interface Merged {
  count: number;
  bounds: (number | null)[];
  counts: number[];
}

/** Merges the histograms of endpoints. */
function merged(endpoints: EndpointMetrics[], which: Which): Merged {
  const sums = new Map<number | null, number>();
  for (const endpoint of endpoints) {
    for (const [bound, number] of (endpoint[which] as Latency).buckets) sums.set(bound, (sums.get(bound) ?? 0) + number);
  }
  const bounds = [...sums.keys()].sort((a, b) => (a ?? Infinity) - (b ?? Infinity));
  const counts = bounds.map((bound) => sums.get(bound)!);
  return { count: counts.reduce((sum, number) => sum + number, 0), bounds, counts };
}

const STEPS = [1, 1.5, 2, 3, 5, 7];

/** Formats a bound with two digits: those below a millisecond differ in the second one. */
function boundText(seconds: number): string {
  return seconds < 1 ? `${Number((seconds * 1000).toPrecision(2))}\u00a0ms` : duration(seconds);
}

function bucketBound(index: number): number {
  return STEPS[index % 6]! * 10 ** (Math.floor(index / 6) - 4);
}

function bucketIndex(bound: number | null): number {
  if (bound === null) return 42;
  for (let index = 0; index < 42; index++) if (bucketBound(index) >= bound * 0.999) return index;
  return 42;
}

function percentile(histogram: Merged, part: number): number | null {
  const position = percentilePosition(histogram, part);
  if (position === null) return null;
  const whole = Math.floor(position);
  const low = whole ? bucketBound(whole - 1) : 0;
  return low + (bucketBound(Math.min(whole, 41)) - low) * (position - whole);
}

/** Returns the position of a percentile, in buckets from the left. */
function percentilePosition(histogram: Merged, part: number): number | null {
  const rank = part * histogram.count;
  let passed = 0;
  for (let index = 0; index < histogram.counts.length; index++) {
    const number = histogram.counts[index]!;
    if (number && passed + number >= rank) return bucketIndex(histogram.bounds[index]!) + (rank - passed) / number;
    passed += number;
  }
  return null;
}

const BARS: Line[] = [{ label: "responses", colour: "--chart-1", bars: true, value: count }];

function Histogram(props: { current: Metrics }): JSX.Element {
  const [which, setWhich] = useState<Which>("latency");
  const [endpoint, setEndpoint] = useState("");
  const { endpoints } = props.current;
  const shown = endpoint ? endpoints.filter((item) => item.endpoint === endpoint) : endpoints;
  const histogram = useMemo(() => merged(shown, which), [props.current, which, endpoint]);
  const indices = histogram.bounds.map(bucketIndex);
  const low = Math.max(0, Math.min(...indices, 42) - 1);
  const high = Math.min(42, Math.max(...indices, low + 5) + 1);
  const data = useMemo(() => {
    const xs: number[] = [];
    const ys: number[] = [];
    for (let index = low; index <= high; index++) {
      xs.push(index);
      ys.push(histogram.counts[indices.indexOf(index)] ?? 0);
    }
    return [xs, ys];
  }, [histogram, low, high]);
  const marks: Mark[] = [];
  for (const [part, name] of [[0.5, "p50"], [0.95, "p95"], [0.99, "p99"]] as const) {
    const position = percentilePosition(histogram, part);
    if (position !== null && histogram.count > 1) marks.push({ at: position - 0.5, label: `${name} ${duration(percentile(histogram, part))}` });
  }
  return (
    <Card
      title="Response times"
      wide
      aside={
        <>
          <Select label="Measure" hideLabel value={which} options={WHICH} change={(value) => setWhich(value as Which)} />
          <Select
            label="Endpoint"
            hideLabel
            value={endpoint}
            options={[{ value: "", title: "All endpoints" }, ...endpoints.map((item) => ({ value: item.endpoint, title: item.endpoint }))]}
            change={setEndpoint}
          />
        </>
      }
    >
      {histogram.count ? (
        <Chart
          label={`Histogram of ${plural(histogram.count, "response")}: ${marks.map((mark) => mark.label).join(", ")}`}
          lines={BARS}
          data={data as never}
          height={225}
          whole
          marks={marks}
          names={(index) => (Number.isInteger(index) && index >= 0 && index < 42 ? `≤ ${boundText(bucketBound(index))}` : "")}
        />
      ) : (
        <Empty title={which === "latency" ? "No response yet." : "No stream yet."}>
          {which === "latency" ? null : <p>Only streams are measured here: send <code>"stream": true</code>.</p>}
        </Empty>
      )}
    </Card>
  );
}

// --- each endpoint ----------------------------------------------------------------------------------------------

function Endpoints(props: { current: Metrics }): JSX.Element {
  const rows = props.current.endpoints.filter((endpoint) => endpoint.requests || endpoint.open);
  return (
    <Card title="Endpoints" wide>
      {rows.length ? (
        <SideScroll label="Metrics of each endpoint">
          <table>
            <thead>
              <tr>
                <th scope="col">Endpoint</th>
                <th scope="col">In flight</th>
                <th scope="col">Requests</th>
                <th scope="col">Errors</th>
                <th scope="col">Unmatched</th>
                <th scope="col">p50</th>
                <th scope="col">p95</th>
                <th scope="col">p99</th>
                <th scope="col">First token p50</th>
                <th scope="col">p95</th>
                <th scope="col">Faults</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.endpoint}>
                  <th scope="row">{row.endpoint === "none" ? "other paths" : row.endpoint}</th>
                  <td>{row.open ?? "–"}</td>
                  <td>{count(row.requests)}</td>
                  <td class={row.errors ? "warn" : ""}>{count(row.errors)}</td>
                  <td class={row.missed ? "missed" : ""}>{count(row.missed)}</td>
                  <td>{duration(row.latency.p50)}</td>
                  <td>{duration(row.latency.p95)}</td>
                  <td>{duration(row.latency.p99)}</td>
                  <td>{duration(row.ttft.p50)}</td>
                  <td>{duration(row.ttft.p95)}</td>
                  <td>{Object.entries(row.faults).map(([name, number]) => `${name} ${number}`).join(", ") || "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </SideScroll>
      ) : (
        <Empty title="No requests yet." />
      )}
    </Card>
  );
}
