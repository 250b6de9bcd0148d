// The last requests that the page knows of, bounded: what is older stays in the server's journal, or is gone.

import { Cell } from "./cells.ts";
import type { Summary } from "./models.ts";

export const MOST = 2000;

export interface Filter {
  text: string;
  kind: "all" | "errors" | "missed" | "faults" | "streams";
  endpoint: string;
}

export class Log {
  /** Newest last. */
  readonly changed = new Cell(0);
  held: Summary[] = [];
  last = 0;
  dropped = 0;

  add(events: Summary[]): void {
    const fresh = events.filter((event) => event.id > this.last);
    const newest = fresh.at(-1);
    if (newest === undefined) return;
    this.held.push(...fresh);
    // cut in steps, so that not every event moves two thousand others
    if (this.held.length > MOST * 1.25) this.held = this.held.slice(-MOST);
    this.last = newest.id;
    this.changed.set(this.changed.value + 1);
  }

  clear(): void {
    this.held = [];
    this.dropped = 0;
    this.changed.set(this.changed.value + 1);
  }

  /** Those that a filter lets through, newest first, from the one of this id backwards. */
  shown(filter: Filter, until: number): Summary[] {
    const wanted = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
    const found: Summary[] = [];
    for (let place = this.held.length - 1; place >= 0 && found.length < MOST; place--) {
      const each = this.held[place]!;
      if (each.id <= until && passes(each, filter, wanted)) found.push(each);
    }
    return found;
  }
}

function passes(each: Summary, filter: Filter, wanted: string[]): boolean {
  if (filter.endpoint && (each.endpoint ?? "none") !== filter.endpoint) return false;
  if (filter.kind === "errors" && each.status < 400) return false;
  if (filter.kind === "missed" && !each.missed) return false;
  if (filter.kind === "faults" && !each.faults.length) return false;
  if (filter.kind === "streams" && !each.streamed) return false;
  if (!wanted.length) return true;
  const said = [
    each.id, each.method, each.path, each.model, each.rule, each.status, each.session, each.client, each.error,
    ...each.faults, ...each.modifiers, each.left,
  ].join(" ").toLowerCase();
  return wanted.every((word) => said.includes(word));
}
