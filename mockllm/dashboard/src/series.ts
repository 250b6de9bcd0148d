// The time series of the last ten minutes, in seconds: the server's metrics, and the responses in flight.

import { Observable } from "./observable.ts";
import type { Second } from "./models.ts";

export const SPAN = 600;

export class Series {
  readonly changed = new Observable(0);
  private readonly seconds = new Map<number, Second>();
  private readonly open = new Map<number, number>();
  peaks = { requests: 0, bytes: 0, open: 0 };

  add(seconds: Second[]): void {
    for (const second of seconds) {
      this.seconds.set(second.at, second);
      this.peaks.requests = Math.max(this.peaks.requests, second.requests);
      this.peaks.bytes = Math.max(this.peaks.bytes, second.bytes);
    }
    this.trim();
  }

  addOpen(at: number, count: number): void {
    const second = Math.floor(at);
    this.open.set(second, Math.max(count, this.open.get(second) ?? 0));
    this.peaks.open = Math.max(this.peaks.open, count);
    this.changed.set(this.changed.value + 1);
  }

  clear(): void {
    this.seconds.clear();
    this.open.clear();
    this.peaks = { requests: 0, bytes: 0, open: 0 };
    this.changed.set(this.changed.value + 1);
  }

  /** Returns the last `length` seconds before `now`, oldest first, as columns. */
  window(now: number, length: number): { at: number[]; seconds: (Second | undefined)[]; open: (number | null)[] } {
    const at: number[] = [];
    const seconds: (Second | undefined)[] = [];
    const open: (number | null)[] = [];
    let latest: number | null = null;
    for (let second = now - length; second < now; second++) {
      at.push(second);
      seconds.push(this.seconds.get(second));
      latest = this.open.get(second) ?? latest;
      open.push(latest);
    }
    return { at, seconds, open };
  }

  private trim(): void {
    const newest = Math.max(0, ...this.seconds.keys());
    for (const column of [this.seconds, this.open]) {
      for (const at of column.keys()) {
        if (at >= newest - SPAN) break;
        column.delete(at);
      }
    }
    this.changed.set(this.changed.value + 1);
  }
}
