// Which view is shown, and of what: kept in the address, so that it can be bookmarked and gone back to.

import { Cell, useCell } from "./cells.ts";

export const VIEWS = ["live", "requests", "steer", "rules", "clients"] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
  view: View;
  id: number | null;
}

function read(): Route {
  const [name, id] = location.hash.replace(/^#\/?/, "").split("/");
  const view = VIEWS.find((each) => each === name) ?? "live";
  return { view, id: id && /^\d+$/.test(id) ? Number(id) : null };
}

const route = new Cell<Route>(read());
addEventListener("hashchange", () => route.set(read()));

export function useRoute(): Route {
  return useCell(route);
}

export function go(view: View, id?: number): void {
  const target = id === undefined ? `#/${view}` : `#/${view}/${id}`;
  // moving through the rows of a list is one step back, not hundreds
  if (id !== undefined && route.value.id !== null) history.replaceState(null, "", target);
  else if (location.hash !== target) history.pushState(null, "", target);
  route.set(read());
}

addEventListener("popstate", () => route.set(read()));
