// What the server is asked again and again while a view shows it: when something may have changed, and not too often.

import { useEffect, useRef, useState } from "preact/hooks";
import { maybe } from "./api.ts";
import { useCell } from "./cells.ts";
import { changes, metrics } from "./feed.ts";

/** What a path gives: null until it is known, undefined where this server has no such call. Asked anew when requests came
 *  or something was changed, at most once in `every` milliseconds (by what was given last). */
export function useAsked<T>(path: string, every: (held: T | undefined | null) => number): T | undefined | null {
  const changed = useCell(changes);
  const counted = useCell(metrics)?.requests ?? 0;
  const [held, setHeld] = useState<T | undefined | null>(null);
  const last = useRef(0);
  const timer = useRef<number | undefined>(undefined);
  const here = useRef(true);
  useEffect(() => {
    if (timer.current !== undefined) return; // it will be asked
    const ask = (): void => {
      timer.current = undefined;
      last.current = performance.now();
      maybe<T>(path).then((found) => here.current && setHeld(found), () => undefined);
    };
    const wait = last.current ? last.current + every(held) - performance.now() : 0;
    if (wait <= 0) ask();
    else timer.current = window.setTimeout(ask, wait);
  }, [path, changed, counted]);
  useEffect(() => {
    here.current = true;
    return () => {
      here.current = false;
      window.clearTimeout(timer.current);
    };
  }, []);
  return held;
}
