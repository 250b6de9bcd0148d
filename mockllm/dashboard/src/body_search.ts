// The search in the bodies of requests and responses, which the server does: page by page, then among new requests.

import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "./api.ts";
import { log, metrics } from "./feed.ts";
import type { Summary } from "./models.ts";
import { useObservable } from "./observable.ts";

/** A shorter text is searched in the list only. */
const SHORTEST = 3;
/** The server searches no longer text. */
export const LONGEST = 500;
const SEARCH_DELAY = 300;
const PAGE_SIZE = 1000;

interface Page {
  requests: Summary[];
  total: number;
}

export interface BodySearch {
  /** The requests that are found so far. */
  ids: ReadonlySet<number>;
  searching: boolean;
}

const NONE: BodySearch = { ids: new Set(), searching: false };

class Search {
  private readonly ids = new Set<number>();
  private before: number | null = null;
  /** All older requests were searched. */
  private newest: number | null = null;
  private busy = false;
  /** Requests came while it was busy. */
  private again = false;
  stopped = false;

  constructor(
    private readonly text: string,
    private readonly found: (result: BodySearch) => void,
  ) {}

  /** Searches what no earlier call has searched. */
  async run(): Promise<void> {
    this.again = true;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.again && !this.stopped) {
        this.again = false;
        while (!this.stopped && (await this.page()));
      }
    } catch {
      // the page shows that the server does not respond; the next request starts the search again
    } finally {
      this.busy = false;
      this.show(false);
    }
  }

  /** Searches the next page; returns whether another one may follow. */
  private async page(): Promise<boolean> {
    const older = this.newest === null || this.before !== null;
    const from = !older ? `&after=${this.newest}` : this.before === null ? "" : `&before=${this.before}`;
    const { requests, total } = await get<Page>(`/api/requests?limit=${PAGE_SIZE}&text=${encodeURIComponent(this.text)}${from}`);
    log.add(requests);
    for (const { id } of requests) this.ids.add(id);
    const whole = requests.length === PAGE_SIZE;
    this.newest ??= total;
    if (older) this.before = whole ? requests.at(-1)!.id : null;
    else this.newest = whole ? requests.at(-1)!.id : total;
    this.show(whole);
    return whole;
  }

  private show(searching: boolean): void {
    if (!this.stopped) this.found({ ids: new Set(this.ids), searching });
  }
}

/** Finds the requests whose body or response contains a text. */
export function useBodySearch(text: string): BodySearch {
  const [result, setResult] = useState(NONE);
  const requests = useObservable(metrics)?.requests ?? 0;
  const wanted = text.trim();
  const current = useRef<Search | null>(null);
  useEffect(() => {
    setResult({ ids: NONE.ids, searching: wanted.length >= SHORTEST });
    if (wanted.length < SHORTEST) return undefined;
    const search = new Search(wanted, setResult);
    const wait = window.setTimeout(() => {
      current.current = search;
      void search.run();
    }, SEARCH_DELAY);
    return () => {
      search.stopped = true;
      current.current = null;
      window.clearTimeout(wait);
    };
  }, [wanted]);
  useEffect(() => void current.current?.run(), [requests]);
  return result;
}
