// The last ten minutes, a second each: what the server counted, and how many answers were open when it told.

import { Cell } from "./cells.ts";
import type { Second } from "./models.ts";

export const SPAN = 600;

export class Series {
  readonly changed = new Cell(0);
  private readonly seconds = new Map<number, Second>();
  private readonly open = new Map<number, number>();
  peaks = { requests: 0, bytes: 0, open: 0 };

  add(seconds: Second[]): void {
    for (const each of seconds) {
      this.seconds.set(each.at, each);
      this.peaks.requests = Math.max(this.peaks.requests, each.requests);
      this.peaks.bytes = Math.max(this.peaks.bytes, each.bytes);
    }
    this.trim();
  }

  opened(at: number, count: number): void {
    const second = Math.floor(at);
    this.open.set(second, Math.max(count, this.open.get(second) ?? 0));
    this.peaks.open = Math.max(this.peaks.open, count);
    this.changed.set(this.changed.value + 1);
  }

  forget(): void {
    this.seconds.clear();
    this.open.clear();
    this.peaks = { requests: 0, bytes: 0, open: 0 };
    this.changed.set(this.changed.value + 1);
  }

  /** So many seconds up to `now`, oldest first: times and columns. */
  window(now: number, length: number): { at: number[]; seconds: (Second | undefined)[]; open: (number | null)[] } {
    const at: number[] = [];
    const seconds: (Second | undefined)[] = [];
    const open: (number | null)[] = [];
    let known: number | null = null;
    for (let second = now - length; second < now; second++) {
      at.push(second);
      seconds.push(this.seconds.get(second));
      known = this.open.get(second) ?? known;
      open.push(known);
    }
    return { at, seconds, open };
  }

  private trim(): void {
    const newest = Math.max(0, ...this.seconds.keys());
    for (const held of [this.seconds, this.open]) {
      for (const at of held.keys()) {
        if (at >= newest - SPAN) break;
        held.delete(at);
      }
    }
    this.changed.set(this.changed.value + 1);
  }
}
