import type { components } from "./generated/control.js";

type Problem = components["schemas"]["ProblemBody"];

/** A call that the server refused. `problems` has one entry for each wrong field, with its place in the rule. */
export class MockllmError extends Error {
  override name = "MockllmError";

  constructor(
    message: string,
    /** The HTTP status of the refusal; 0 where no server responded. */
    readonly status: number,
    readonly problems: NonNullable<Problem["errors"]> = [],
  ) {
    super(message);
  }
}
