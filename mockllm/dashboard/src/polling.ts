// Repeated calls of the control API while a view shows their result: after changes, but not too often.

import { useEffect, useRef, useState } from "preact/hooks";
import { maybe } from "./api.ts";
import { changes, metrics } from "./feed.ts";
import { useObservable } from "./observable.ts";

/** Returns the result of a call: null before the first response, undefined where the server has no such call. The call
 *  is repeated after new requests or changes, at most once in `interval` milliseconds, computed from the last result.
 *  `steady`: also without them, since what it shows comes from another process. */
export function usePolled<T>(path: string, interval: (result: T | undefined | null) => number, steady = false): T | undefined | null {
  const changed = useObservable(changes);
  const requests = useObservable(metrics)?.requests ?? 0;
  const [result, setResult] = useState<T | undefined | null>(null);
  const last = useRef(0);
  const timer = useRef<number | undefined>(undefined);
  const mounted = useRef(true);
  const current = useRef(path); // a scheduled call fetches what is shown then
  current.current = path;
  useEffect(() => {
    if (timer.current !== undefined) return; // a call is scheduled
    const load = (): void => {
      timer.current = undefined;
      last.current = performance.now();
      void maybe<T>(current.current)
        .then((value) => mounted.current && setResult(value), () => undefined)
        .then(() => {
          if (steady && mounted.current) timer.current ??= window.setTimeout(load, interval(result));
        });
    };
    const wait = last.current ? last.current + interval(result) - performance.now() : 0;
    if (wait <= 0) load();
    else timer.current = window.setTimeout(load, wait);
  }, [path, changed, requests]);
  useEffect(() => {
    mounted.current = true;
    return () => {
      mounted.current = false;
      window.clearTimeout(timer.current);
    };
  }, []);
  return result;
}
