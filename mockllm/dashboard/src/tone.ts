// The colour class of a request: unmatched, failed, refused, or unusual.

import type { Summary } from "./models.ts";

export function tone(request: Summary): string {
  if (request.missed) return "missed";
  if (request.status >= 500) return "bad";
  if (request.status >= 400) return "warn";
  return request.faults.length || request.left !== "finished" ? "odd" : "";
}
