// The time series of the last ten minutes, in seconds: the server's metrics, and the responses in flight.

import { Observable } from "./observable.ts";
import type { Second } from "./models.ts";

export const SPAN = 600;

export class Series {
  readonly changed = new Observable(0);
  private readonly seconds = new Map<number, Second>();
  private readonly open = new Map<number, number>();
  private latest = 0;
  peaks = { requests: 0, bytes: 0, open: 0 };

  add(seconds: Second[]): void {
    for (const second of seconds) {
      this.seconds.set(second.at, second);
      this.peaks.requests = Math.max(this.peaks.requests, second.requests);
      this.peaks.bytes = Math.max(this.peaks.bytes, second.bytes);
      if (second.open) this.setOpen(second.at, second.open);
    }
    this.trim();
  }

  addOpen(at: number, count: number): void {
    this.setOpen(Math.floor(at), count);
    this.latest = count;
    this.changed.set(this.changed.value + 1);
  }

  private setOpen(second: number, count: number): void {
    this.open.set(second, Math.max(count, this.open.get(second) ?? 0));
    this.peaks.open = Math.max(this.peaks.open, count);
  }

  clear(): void {
    this.seconds.clear();
    this.open.clear();
    this.peaks = { requests: 0, bytes: 0, open: 0 };
    this.changed.set(this.changed.value + 1);
  }

  /** Returns the last `length` seconds before `now`, oldest first, as columns. */
  window(now: number, length: number): { at: number[]; seconds: (Second | undefined)[]; open: number[] } {
    const at: number[] = [];
    const seconds: (Second | undefined)[] = [];
    const open: number[] = [];
    for (let second = now - length; second < now; second++) {
      at.push(second);
      seconds.push(this.seconds.get(second));
      // the server lists each second with a response in flight; the last two seconds may not be listed yet
      open.push(this.open.get(second) ?? (second > now - 3 ? this.latest : 0));
    }
    return { at, seconds, open };
  }

  private trim(): void {
    const newest = Math.max(0, ...this.seconds.keys());
    for (const column of [this.seconds, this.open]) {
      for (const at of column.keys()) {
        if (at < newest - SPAN) column.delete(at);
      }
    }
    this.changed.set(this.changed.value + 1);
  }
}
