// The data of the server as it changes: from its WebSocket, or from polling once a second until the WebSocket works.

import { get, maybe, Problem } from "./api.ts";
import { Observable, useObservable } from "./observable.ts";
import { MAX_REQUESTS, RequestLog } from "./request_log.ts";
import type { Config, Health, Metrics, Second, Summary } from "./models.ts";
import { Series } from "./series.ts";

export type State = "connecting" | "live" | "polling" | "offline" | "refused";
type Changed = "rules" | "overlay" | "config" | "stale" | "sessions" | "journal";

interface Page {
  requests: Summary[];
}

const POLL_INTERVAL = 1000;
/** Milliseconds in which the feed begins, or the page loads without it. */
const HELLO_TIMEOUT = 300;
/** Most requests of one call. */
const PAGE_SIZE = 1000;
/** Milliseconds after which the page fetches the requests that the feed left out. */
const GAP_DELAY = 500;
const RETRY = [1000, 2000, 4000, 8000, 15000];

export const state = new Observable<State>("connecting");
export const metrics = new Observable<Metrics | null>(null);
export const health = new Observable<Health | null>(null);
export const config = new Observable<Config | null>(null);

/** Returns the address of the provider routes, which is not that of this page if the control API has its own port. */
export function useProviderOrigin(): string {
  return useObservable(config)?.provider_origin ?? location.origin;
}

/** Counts the changes that the server reports; components that show changed objects load them again. */
export const changes = new Observable(0);
export const log = new RequestLog();
export const series = new Series();

/** Seconds by which the server's clock is ahead of this machine's, from the last frame of the feed. */
let ahead = 0;

/** Returns seconds since the epoch by the server's clock. */
export function now(): number {
  return Date.now() / 1000 + ahead;
}

/** Shows new metrics. Where they count from another time, a new server runs, whose ids start at 1, or this one has
 *  been reset: the journal is loaded again. */
function showMetrics(current: Metrics): void {
  const before = metrics.value?.since ?? current.since;
  metrics.set(current);
  if (before === current.since) return;
  log.last = 0;
  reloadLog();
}

function reloadLog(): void {
  log.clear();
  void history().catch(() => undefined);
}

let socket: WebSocket | null = null;
let failures = 0;
let polling: number | undefined;
let loading = false;

export function start(): void {
  connect();
  window.setTimeout(beginOnce, HELLO_TIMEOUT);
}

let begun = false;

/** Loads the history once the feed reports new requests, so that none between the two is lost; or without the feed. */
function beginOnce(): void {
  if (begun) return;
  begun = true;
  void begin();
}

async function begin(): Promise<void> {
  try {
    await Promise.all([history(), poll(), refresh()]);
  } catch (error) {
    if (state.value === "connecting") state.set(failureState(error));
  }
}

/** Loads the time series and the journal, newest page first. */
async function history(): Promise<void> {
  const detailed = get<{ seconds: Second[] }>("/api/detailed-metrics").then(({ seconds }) => series.add(seconds));
  let before = "";
  for (let loaded = 0; loaded < MAX_REQUESTS; loaded += PAGE_SIZE) {
    const { requests } = await get<Page>(`/api/requests?limit=${PAGE_SIZE}${before}`);
    log.add(requests);
    if (requests.length < PAGE_SIZE) break;
    before = `&before=${requests.at(-1)!.id}`;
  }
  await detailed;
}

let gap: { after: number; before: number } | null = null;

/** Fetches the requests that the feed left out, unless there are too many to show. */
function fill(after: number, before: number): void {
  if (gap) {
    gap.before = before;
    return;
  }
  gap = { after, before };
  window.setTimeout(() => {
    const { after, before } = gap!;
    gap = null;
    if (before - after > PAGE_SIZE) return;
    get<Page>(`/api/requests?after=${after}&before=${before}&limit=${PAGE_SIZE}`).then(({ requests }) => {
      const missing = requests.filter((request) => !log.has(request.id));
      log.add(missing);
      log.found(missing.length);
    }, () => undefined);
  }, GAP_DELAY);
}

/** Loads the settings, the overlay and the stale files. */
export async function refresh(): Promise<void> {
  const [settings, server] = await Promise.all([maybe<Config>("/api/config"), get<Health>("/health").catch(() => null)]);
  if (settings) config.set(settings);
  if (server) health.set(server);
  changes.set(changes.value + 1);
}

function connect(): void {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/ws`);
  socket.onmessage = (message) => receive(JSON.parse(message.data as string) as Frame);
  socket.onclose = () => {
    socket = null;
    beginOnce();
    if (state.value !== "offline" && state.value !== "refused") state.set("polling");
    polling ??= window.setInterval(() => void poll(), POLL_INTERVAL);
    window.setTimeout(connect, RETRY[Math.min(failures++, RETRY.length - 1)]);
  };
}

type Frame =
  | { type: "hello" }
  | { type: "metrics"; at: number; metrics: Metrics; second: Second; seconds: Second[] }
  | { type: "events"; events: Summary[]; dropped: number }
  | { type: "changed"; what: Changed[] };

function receive(frame: Frame): void {
  switch (frame.type) {
    case "hello":
      if (begun) void begin(); // loads what the page missed
      else beginOnce();
      failures = 0;
      window.clearInterval(polling);
      polling = undefined;
      state.set("live");
      break;
    case "metrics":
      ahead = frame.at - Date.now() / 1000;
      showMetrics(frame.metrics);
      series.add([frame.second, ...frame.seconds]);
      series.addOpen(frame.at, frame.metrics.open);
      break;
    case "events":
      log.dropped += frame.dropped;
      if (frame.dropped && frame.events.length) fill(frame.events[0]!.id - frame.dropped - 1, frame.events[0]!.id);
      log.add(frame.events);
      break;
    case "changed":
      if (frame.what.includes("journal")) reloadLog();
      void refresh().catch(() => undefined);
  }
}

function failureState(error: unknown): State {
  return error instanceof Problem && (error.status === 401 || error.status === 403) ? "refused" : "offline";
}

async function poll(): Promise<void> {
  if (loading) return;
  loading = true;
  try {
    const [current, page, detailed] = await Promise.all([
      get<Metrics>("/api/metrics"),
      get<Page>(`/api/requests?after=${log.last}&limit=500`),
      get<{ seconds: Second[] }>("/api/detailed-metrics"),
    ]);
    log.add(page.requests);
    showMetrics(current);
    series.add(detailed.seconds.slice(-5));
    series.addOpen(now(), current.open);
    if (state.value === "offline") void begin(); // loads what the page missed
    if (!socket || socket.readyState !== WebSocket.OPEN) state.set("polling");
  } catch (error) {
    state.set(failureState(error));
  } finally {
    loading = false;
  }
}

/** Clears the page's copies of data that the server has reset. */
export function forget(kinds: string[]): void {
  if (kinds.includes("journal")) log.clear();
  if (kinds.includes("metrics")) series.clear();
  void poll();
  void refresh().catch(() => undefined);
}
