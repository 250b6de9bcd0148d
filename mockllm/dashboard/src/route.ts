// The shown view and what it shows. The address stores them, so that bookmarks and the back button work.

import { Observable, useObservable } from "./observable.ts";

export const VIEWS = ["live", "requests", "control", "rules", "clients", "hunt", "mcp"] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
  view: View;
  /** The shown request. */
  id: number | null;
  /** What follows the view, decoded: `["rule", "a.yaml:hello"]`. */
  rest: string[];
  query: URLSearchParams;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function read(): Route {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/").map(decoded);
  const view = VIEWS.find((known) => known === name) ?? "live";
  const id = view === "requests" && rest[0] && /^\d+$/.test(rest[0]) ? Number(rest[0]) : null;
  return { view, id, rest, query: new URLSearchParams(query) };
}

const route = new Observable<Route>(read());
addEventListener("hashchange", () => route.set(read()));

/** Returns the route of the address, which a component may not have rendered yet. */
export function currentRoute(): Route {
  return route.value;
}

export function useRoute(): Route {
  return useObservable(route);
}

/** Returns the address of a view. Empty values of the query are left out. */
export function address(view: View, rest: (string | number)[] = [], query: Record<string, string | number> = {}): string {
  const path = [view, ...rest.map((part) => encodeURIComponent(part))].join("/");
  const used = Object.entries(query).filter(([, value]) => value !== "");
  const text = new URLSearchParams(used.map(([name, value]) => [name, String(value)])).toString();
  return `#/${path}${text ? `?${text}` : ""}`;
}

/** Shows a view, and a request of it. The filter of the requests stays in the address. */
export function go(view: View, id?: number): void {
  const filters = view === "requests" && route.value.view === "requests" ? Object.fromEntries(route.value.query) : {};
  const target = address(view, id === undefined ? [] : [id], filters);
  // moving through the rows of a list adds one entry to the history, not hundreds
  show(target, id !== undefined && route.value.id !== null);
}

/** Shows an address. `instead`: in place of the present entry of the history. */
export function show(target: string, instead = false): void {
  if (instead) history.replaceState(null, "", target);
  else if (location.hash !== target) history.pushState(null, "", target);
  route.set(read());
}

addEventListener("popstate", () => route.set(read()));
