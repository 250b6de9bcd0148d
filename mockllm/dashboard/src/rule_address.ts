// The addresses of a rule: in the control API, and on this page. Rules of several sessions may have the same id.

import { address } from "./route.ts";

/** Returns the path of a rule's call: by its id, or by the name of a rule of an overlay. */
export function rulePath(id: string, session: string | null): string {
  return `/api/rules/${encodeURIComponent(id)}${session ? `?session=${encodeURIComponent(session)}` : ""}`;
}

/** Returns where the page shows, edits or copies a rule. `session`: that of the rule, or of a request to it. */
export function ruleAddress(id: string, session: string | null, what: "rule" | "edit" | "copy" = "rule"): string {
  return address("rules", [what, id], { session: (id.startsWith("session:") && session) || "" });
}
