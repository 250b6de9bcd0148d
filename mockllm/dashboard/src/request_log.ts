// The last requests that the page has received, ordered by their start. The list is bounded; the server's journal may
// have older ones.

import type { Summary } from "./models.ts";
import { Observable } from "./observable.ts";

export const MAX_REQUESTS = 10_000;

export interface Filter {
  text: string;
  kind: "all" | "errors" | "missed" | "faults" | "streams";
  endpoint: string;
}

export const NO_FILTER: Filter = { text: "", kind: "all", endpoint: "" };

/** Negative if `one` started before `other`. */
function order(one: Summary, other: Summary): number {
  return one.at - other.at || one.id - other.id;
}

export class RequestLog {
  readonly changed = new Observable(0);
  /** The request that started last is at the end. */
  requests: Summary[] = [];
  /** The largest id. */
  last = 0;
  dropped = 0;
  private readonly known = new Set<number>();

  /** Adds requests in any order; the history may come after the events of the feed. */
  add(events: Summary[]): void {
    const fresh = events.filter((event) => !this.known.has(event.id));
    if (!fresh.length) return;
    for (const event of fresh) {
      this.known.add(event.id);
      if (event.id > this.last) this.last = event.id;
    }
    fresh.sort(order);
    this.merge(fresh);
    // trimmed in steps, so that not every event moves all others
    if (this.requests.length > MAX_REQUESTS * 1.1) {
      for (const request of this.requests.splice(0, this.requests.length - MAX_REQUESTS)) this.known.delete(request.id);
    }
    this.changed.set(this.changed.value + 1);
  }

  /** Inserts sorted requests: only the end of the list is sorted again, since requests come nearly in order. */
  private merge(fresh: Summary[]): void {
    const first = fresh[0]!;
    let place = this.requests.length;
    while (place > 0 && order(this.requests[place - 1]!, first) > 0) place--;
    const after = this.requests.splice(place);
    const end = after.length ? [...after, ...fresh].sort(order) : fresh;
    for (const request of end) this.requests.push(request);
  }

  /** The server has filled the gap: these events are no longer missing. */
  found(count: number): void {
    this.dropped = Math.max(0, this.dropped - count);
    this.changed.set(this.changed.value + 1);
  }

  has(id: number): boolean {
    return this.known.has(id);
  }

  clear(): void {
    this.requests = [];
    this.known.clear();
    this.dropped = 0;
    this.changed.set(this.changed.value + 1);
  }

  /** Returns the requests that a filter selects up to an id, the last started first. `also` are the ids of requests
   *  whose bodies contain the text. */
  filtered(filter: Filter, until: number, also: ReadonlySet<number> = new Set()): Summary[] {
    const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
    const result: Summary[] = [];
    for (let index = this.requests.length - 1; index >= 0 && result.length < MAX_REQUESTS; index--) {
      const request = this.requests[index]!;
      if (request.id <= until && isKind(request, filter) && (also.has(request.id) || contains(request, words))) result.push(request);
    }
    return result;
  }
}

function isKind(request: Summary, filter: Filter): boolean {
  if (filter.endpoint && (request.endpoint ?? "none") !== filter.endpoint) return false;
  if (filter.kind === "errors") return request.status >= 400;
  if (filter.kind === "missed") return request.missed;
  if (filter.kind === "faults") return request.faults.length > 0;
  return filter.kind !== "streams" || request.streamed;
}

const texts = new WeakMap<Summary, string>();

function contains(request: Summary, words: string[]): boolean {
  if (!words.length) return true;
  let text = texts.get(request);
  if (text === undefined) {
    text = [
      request.id, request.method, request.path, request.model, request.rule, request.status, request.session,
      request.client, request.error, ...request.faults, ...request.modifiers, request.left,
    ].join(" ").toLowerCase();
    texts.set(request, text);
  }
  return words.every((word) => text.includes(word));
}
