// A reporter for node's test runner: one line of JSON for each case, so that pytest can make a test of it.

import { inspect } from "node:util";

export default async function* report(events) {
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const error = data.details?.error;
    const cause = error?.cause ?? error;
    const why =
      type === "test:pass" ? null : cause instanceof Error ? cause.stack : inspect(cause, { depth: 5 });
    yield `${JSON.stringify({ case: data.name, why, ms: Math.round(data.details?.duration_ms ?? 0) })}\n`;
  }
}
