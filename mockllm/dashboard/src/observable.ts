// Observable values. A component that observes a value is drawn at most once a frame, however often the value changes.

import { useLayoutEffect, useState } from "preact/hooks";

const changed = new Set<Observable<unknown>>();
let frame = 0;

function flush(): void {
  frame = 0;
  const observables = [...changed];
  changed.clear();
  for (const observable of observables) observable.notify();
}

export class Observable<T> {
  private readonly listeners = new Set<() => void>();

  constructor(public value: T) {}

  set(value: T): void {
    this.value = value;
    this.touch();
  }

  /** Notifies the listeners of a value that was changed in place. */
  touch(): void {
    changed.add(this as Observable<unknown>);
    frame ||= requestAnimationFrame(flush);
  }

  /** Adds a listener; returns the function that removes it. */
  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  notify(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

/** Returns the value of an observable; the component is drawn again when the value changes. */
export function useObservable<T>(observable: Observable<T>): T {
  const [, redraw] = useState(0);
  // before the next frame: a value that is set between the drawing and a later effect would not be drawn
  useLayoutEffect(() => observable.listen(() => redraw((count) => count + 1)), [observable]);
  return observable.value;
}
