// Calls of the control API of the server that served the page.

export interface FieldError {
  field: string;
  message: string;
  line?: number;
  column?: number;
}

/** A refused call, with the server's message. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly errors: FieldError[] = [],
  ) {
    super(message);
  }
}

async function send(method: string, path: string, body?: unknown): Promise<Response> {
  const options: RequestInit = { method, headers: { accept: "application/json" } };
  if (body !== undefined) options.body = typeof body === "string" ? body : JSON.stringify(body);
  let response: Response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Problem(0, "The server does not respond. Is it still running?");
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

async function refusal(response: Response): Promise<Problem> {
  try {
    const body = await response.json();
    return new Problem(response.status, String(body.detail ?? body.title ?? response.statusText), body.errors ?? []);
  } catch {
    return new Problem(response.status, `The server returned ${response.status}.`);
  }
}

/** Returns the JSON of a call. Throws Problem. */
export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  return (await send(method, path, body)).json() as Promise<T>;
}

/** Returns the text of a call. Throws Problem. */
export async function text(path: string): Promise<string> {
  return (await send("GET", path)).text();
}

export const get = <T>(path: string): Promise<T> => call<T>("GET", path);

/** Returns the JSON of a call, or undefined where this server does not have it. */
export async function maybe<T>(path: string): Promise<T | undefined> {
  try {
    return await get<T>(path);
  } catch (problem) {
    if (problem instanceof Problem && (problem.status === 404 || problem.status === 501)) return undefined;
    throw problem;
  }
}
