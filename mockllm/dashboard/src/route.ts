// The shown view and request. The address stores them, so that bookmarks and the back button work.

import { Observable, useObservable } from "./observable.ts";

export const VIEWS = ["live", "requests", "control", "rules", "clients"] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
  view: View;
  id: number | null;
}

function read(): Route {
  const [name, id] = location.hash.replace(/^#\/?/, "").split("/");
  const view = VIEWS.find((known) => known === name) ?? "live";
  return { view, id: id && /^\d+$/.test(id) ? Number(id) : null };
}

const route = new Observable<Route>(read());
addEventListener("hashchange", () => route.set(read()));

export function useRoute(): Route {
  return useObservable(route);
}

export function go(view: View, id?: number): void {
  const target = id === undefined ? `#/${view}` : `#/${view}/${id}`;
  // moving through the rows of a list adds one entry to the history, not hundreds
  if (id !== undefined && route.value.id !== null) history.replaceState(null, "", target);
  else if (location.hash !== target) history.pushState(null, "", target);
  route.set(read());
}

addEventListener("popstate", () => route.set(read()));
