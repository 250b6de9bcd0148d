// What the server tells as it happens: by its WebSocket, else by asking once a second until that is there again.

import { get, maybe, Problem } from "./api.ts";
import { Cell } from "./cells.ts";
import { Log } from "./log.ts";
import type { Config, Health, Metrics, Second, Summary } from "./models.ts";
import { Series } from "./series.ts";

export type State = "connecting" | "live" | "polling" | "offline" | "refused";
type What = "rules" | "overlay" | "config" | "stale" | "sessions";

interface Page {
  requests: Summary[];
}

const EVERY = 1000;
const RETRY = [1000, 2000, 4000, 8000, 15000];

export const state = new Cell<State>("connecting");
export const metrics = new Cell<Metrics | null>(null);
export const health = new Cell<Health | null>(null);
export const config = new Cell<Config | null>(null);
/** Counts up whenever the server tells of a change; who shows such things asks anew. */
export const changes = new Cell(0);
export const log = new Log();
export const series = new Series();

/** So many seconds the server's clock is ahead of this machine's, as far as the feed has told. */
let ahead = 0;

/** Seconds since the epoch, by the server's clock. */
export function now(): number {
  return Date.now() / 1000 + ahead;
}

let socket: WebSocket | null = null;
let failures = 0;
let polling: number | undefined;
let asking = false;

export function start(): void {
  void begin();
  connect();
}

async function begin(): Promise<void> {
  try {
    await Promise.all([history(), poll(), refresh()]);
  } catch (error) {
    if (state.value === "connecting") state.set(lost(error));
  }
}

/** The journal and the time series as they are now. */
async function history(): Promise<void> {
  const [page, detailed] = await Promise.all([
    get<Page>("/api/requests?limit=1000"),
    get<{ seconds: Second[] }>("/api/detailed-metrics"),
  ]);
  log.add(page.requests.reverse());
  series.add(detailed.seconds);
}

/** Settings, overlay, and what files are stale. */
export async function refresh(): Promise<void> {
  const [set, well] = await Promise.all([maybe<Config>("/api/config"), get<Health>("/health").catch(() => null)]);
  if (set) config.set(set);
  if (well) health.set(well);
  changes.set(changes.value + 1);
}

function connect(): void {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/ws`);
  socket.onmessage = (message) => hear(JSON.parse(message.data as string) as Frame);
  socket.onclose = () => {
    socket = null;
    if (state.value !== "offline" && state.value !== "refused") state.set("polling");
    polling ??= window.setInterval(() => void poll(), EVERY);
    window.setTimeout(connect, RETRY[Math.min(failures++, RETRY.length - 1)]);
  };
}

type Frame =
  | { type: "hello" }
  | { type: "metrics"; at: number; metrics: Metrics; second: Second | null }
  | { type: "events"; events: Summary[]; dropped: number }
  | { type: "changed"; what: What[] };

function hear(frame: Frame): void {
  switch (frame.type) {
    case "hello":
      if (failures) void begin(); // what passed meanwhile
      failures = 0;
      window.clearInterval(polling);
      polling = undefined;
      state.set("live");
      break;
    case "metrics":
      ahead = frame.at - Date.now() / 1000;
      metrics.set(frame.metrics);
      if (frame.second) series.add([frame.second]);
      series.opened(frame.at, frame.metrics.open);
      break;
    case "events":
      log.dropped += frame.dropped;
      log.add(frame.events);
      break;
    case "changed":
      void refresh().catch(() => undefined);
  }
}

function lost(error: unknown): State {
  return error instanceof Problem && (error.status === 401 || error.status === 403) ? "refused" : "offline";
}

async function poll(): Promise<void> {
  if (asking) return;
  asking = true;
  try {
    const [counted, page, detailed] = await Promise.all([
      get<Metrics>("/api/metrics"),
      get<Page>(`/api/requests?after=${log.last}&limit=500`),
      get<{ seconds: Second[] }>("/api/detailed-metrics"),
    ]);
    metrics.set(counted);
    log.add(page.requests);
    series.add(detailed.seconds.slice(-5));
    series.opened(now(), counted.open);
    if (state.value === "offline") {
      log.last = 0; // another server may have come: its numbers begin anew
      log.clear();
      void begin();
    }
    if (!socket || socket.readyState !== WebSocket.OPEN) state.set("polling");
  } catch (error) {
    state.set(lost(error));
  } finally {
    asking = false;
  }
}

/** After the server was told to forget. */
export function forget(what: string[]): void {
  if (what.includes("journal")) log.clear();
  if (what.includes("metrics")) series.forget();
  void poll();
  void refresh().catch(() => undefined);
}
