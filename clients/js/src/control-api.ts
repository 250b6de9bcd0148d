import { checkValue } from "./checked-values.js";
import type { components } from "./generated/control.js";
import { MockllmError } from "./mockllm-error.js";

export { MockllmError };

type Problem = components["schemas"]["ProblemBody"];

/**
 * Awaits an action of `caller`. An error has the line of the caller's call in its stack, as if it were thrown there: the
 * action has begun, but nothing was awaited.
 */
export function thrownAt<T>(caller: Function, action: Promise<T>): Promise<T> {
  const place = new Error();
  Error.captureStackTrace(place, caller);
  return action.catch((error: Error) => {
    const lines = place.stack?.split("\n").slice(1) ?? [];
    error.stack = [`${error.name}: ${error.message}`, ...lines].join("\n");
    throw error;
  });
}

/** The control API of a server, over HTTP. */
export class ControlApi {
  constructor(
    readonly url: string,
    private readonly token?: string,
  ) {}

  /** Calls the API. `caller`: the public method that the test called, at whose line an error is. */
  call<T>(caller: Function, method: string, path: string, body?: unknown): Promise<T> {
    return thrownAt(caller, this.send<T>(method, path, body));
  }

  /** Returns the text of a response. Throws MockllmError unless the status is 2xx. */
  async text(method: string, path: string, body?: unknown): Promise<string> {
    const headers: Record<string, string> = this.token === undefined ? {} : { "x-mockllm-admin-token": this.token };
    if (body !== undefined) headers["content-type"] = typeof body === "string" ? "application/yaml" : "application/json";
    const init: RequestInit = { method, headers };
    checkValue(body);
    if (body !== undefined) init.body = typeof body === "string" ? body : JSON.stringify(body);
    let response: Response;
    try {
      response = await fetch(this.url + path, init);
    } catch (error) {
      throw new MockllmError(`no mockllm server responds at ${this.url}: ${reason(error)}`, 0);
    }
    const text = await response.text();
    if (response.ok) return text;
    throw refusal(response.status, text);
  }

  private async send<T>(method: string, path: string, body: unknown): Promise<T> {
    return JSON.parse(await this.text(method, path, body)) as T;
  }
}

function reason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}

function refusal(status: number, text: string): MockllmError {
  try {
    const problem = JSON.parse(text) as Problem;
    return new MockllmError(problem.detail ?? problem.title ?? text, status, problem.errors ?? []);
  } catch {
    return new MockllmError(`status ${status}: ${text.slice(0, 200)}`, status);
  }
}
