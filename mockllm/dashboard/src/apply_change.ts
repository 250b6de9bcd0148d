// Changes of the server's settings and overlay, and the selected endpoint that the cards apply to.

import { call, type Problem } from "./api.ts";
import { attempt } from "./components.tsx";
import { config, refresh } from "./feed.ts";
import type { Json, OverlayItem, Settings } from "./models.ts";
import { items, matching } from "./yaml.ts";

/** An endpoint's name; an empty text is all of them. */
export type Scope = string;

export function scopeTitle(scope: Scope): string {
  return scope || "all endpoints";
}

export function currentSettings(scope: Scope): Settings {
  const current = config.value;
  if (!current) return {};
  return (scope ? current.endpoints[scope] : current.global) ?? {};
}

/** Sets the values of settings, and removes those that are null. Returns the problem, if any. */
export function patch(scope: Scope, settings: Settings, notice: string): Promise<Problem | undefined> {
  const path = scope ? `/api/config/endpoints/${encodeURIComponent(scope)}` : "/api/config/global";
  return attempt(async () => {
    await call("PATCH", path, settings);
    await refresh();
    return notice;
  });
}

/** Returns the settings as the modifier that the server makes of them. */
export function settingsYaml(scope: Scope, settings: Settings): string {
  const values = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null));
  if (!Object.keys(values).length) return "";
  return items("modifiers", [{ name: `settings ${scope || "global"}`, ...matching(scope), ...values }]);
}

/** Returns a modifier with an error or fault. Its name is its kind and scope, so that a second one replaces the first. */
export function injection(kind: string, scope: Scope, chance: string, effect: { [key: string]: Json }): { name: string; yaml: string } {
  const name = `inject ${kind} ${scope || "global"}`;
  return { name, yaml: items("modifiers", [{ name, ...matching(scope), chance, ...effect }]) };
}

export function put(name: string, yaml: string, notice: string): Promise<Problem | undefined> {
  return attempt(async () => {
    await call("PUT", `/api/rules/${encodeURIComponent(name)}`, yaml);
    await refresh();
    return notice;
  });
}

export function remove(item: OverlayItem): Promise<Problem | undefined> {
  return attempt(async () => {
    await call("DELETE", `/api/rules/${encodeURIComponent(item.name)}`);
    await refresh();
    return `${item.name} is removed from the overlay.`;
  });
}
