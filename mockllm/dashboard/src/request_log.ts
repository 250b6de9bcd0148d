// The last requests that the page has received. The list is bounded; the server's journal may have older ones.

import type { Summary } from "./models.ts";
import { Observable } from "./observable.ts";

export const MAX_REQUESTS = 2000;

export interface Filter {
  text: string;
  kind: "all" | "errors" | "missed" | "faults" | "streams";
  endpoint: string;
}

export class RequestLog {
  readonly changed = new Observable(0);
  /** Newest last. */
  requests: Summary[] = [];
  last = 0;
  dropped = 0;

  add(events: Summary[]): void {
    const fresh = events.filter((event) => event.id > this.last);
    const newest = fresh.at(-1);
    if (newest === undefined) return;
    this.requests.push(...fresh);
    // trimmed in steps, so that not every event moves two thousand others
    if (this.requests.length > MAX_REQUESTS * 1.25) this.requests = this.requests.slice(-MAX_REQUESTS);
    this.last = newest.id;
    this.changed.set(this.changed.value + 1);
  }

  clear(): void {
    this.requests = [];
    this.dropped = 0;
    this.changed.set(this.changed.value + 1);
  }

  /** Returns the requests that a filter selects up to an id, newest first. */
  filtered(filter: Filter, until: number): Summary[] {
    const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
    const result: Summary[] = [];
    for (let index = this.requests.length - 1; index >= 0 && result.length < MAX_REQUESTS; index--) {
      const request = this.requests[index]!;
      if (request.id <= until && matches(request, filter, words)) result.push(request);
    }
    return result;
  }
}

function matches(request: Summary, filter: Filter, words: string[]): boolean {
  if (filter.endpoint && (request.endpoint ?? "none") !== filter.endpoint) return false;
  if (filter.kind === "errors" && request.status < 400) return false;
  if (filter.kind === "missed" && !request.missed) return false;
  if (filter.kind === "faults" && !request.faults.length) return false;
  if (filter.kind === "streams" && !request.streamed) return false;
  if (!words.length) return true;
  const text = [
    request.id, request.method, request.path, request.model, request.rule, request.status, request.session,
    request.client, request.error, ...request.faults, ...request.modifiers, request.left,
  ].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}
