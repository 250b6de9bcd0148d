// Values that parts of the page look at. However often one changes, who looks at it is drawn once a frame.

import { useEffect, useState } from "preact/hooks";

const dirty = new Set<Cell<unknown>>();
let frame = 0;

function flush(): void {
  frame = 0;
  const cells = [...dirty];
  dirty.clear();
  for (const cell of cells) cell.tell();
}

export class Cell<T> {
  private readonly heard = new Set<() => void>();

  constructor(public value: T) {}

  set(value: T): void {
    this.value = value;
    this.touch();
  }

  /** The value was changed in place. */
  touch(): void {
    dirty.add(this as Cell<unknown>);
    frame ||= requestAnimationFrame(flush);
  }

  listen(hear: () => void): () => void {
    this.heard.add(hear);
    return () => this.heard.delete(hear);
  }

  tell(): void {
    for (const hear of [...this.heard]) hear();
  }
}

/** The value of a cell; the component is drawn anew when it changes. */
export function useCell<T>(cell: Cell<T>): T {
  const [, again] = useState(0);
  useEffect(() => cell.listen(() => again((count) => count + 1)), [cell]);
  return cell.value;
}
