// What the steering cards share: the scope that they are about, and how a change reaches the server.

import { call, type Problem } from "./api.ts";
import { config, refresh } from "./feed.ts";
import type { Json, OverlayItem, Settings } from "./models.ts";
import { tried } from "./parts.tsx";
import { items, matching } from "./yaml.ts";

/** An endpoint's name; an empty text is all of them. */
export type Scope = string;

export function titled(scope: Scope): string {
  return scope || "all endpoints";
}

export function settingsOf(scope: Scope): Settings {
  const held = config.value;
  if (!held) return {};
  return (scope ? held.endpoints[scope] : held.global) ?? {};
}

/** Sets what is given, unsets what is null. The problem, if there is one. */
export function patch(scope: Scope, settings: Settings, told: string): Promise<Problem | undefined> {
  const path = scope ? `/api/config/endpoints/${encodeURIComponent(scope)}` : "/api/config/global";
  return tried(async () => {
    await call("PATCH", path, settings);
    await refresh();
    return told;
  });
}

/** The settings as the modifier that they are. */
export function settingsYaml(scope: Scope, settings: Settings): string {
  const words = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null));
  if (!Object.keys(words).length) return "";
  return items("modifiers", [{ name: `settings ${scope || "global"}`, ...matching(scope), ...words }]);
}

/** A modifier that breaks something, by its kind and scope: doing it again replaces it. */
export function injection(kind: string, scope: Scope, chance: string, words: { [word: string]: Json }): { name: string; yaml: string } {
  const name = `inject ${kind} ${scope || "global"}`;
  return { name, yaml: items("modifiers", [{ name, ...matching(scope), chance, ...words }]) };
}

export function put(name: string, yaml: string, told: string): Promise<Problem | undefined> {
  return tried(async () => {
    await call("PUT", `/api/rules/${encodeURIComponent(name)}`, yaml);
    await refresh();
    return told;
  });
}

export function remove(item: OverlayItem): Promise<Problem | undefined> {
  return tried(async () => {
    await call("DELETE", `/api/rules/${encodeURIComponent(item.name)}`);
    await refresh();
    return `${item.name} is out of the overlay.`;
  });
}
