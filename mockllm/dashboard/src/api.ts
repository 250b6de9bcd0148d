// Calls of the control API, on the server that the page came from.

export interface FieldError {
  field: string;
  message: string;
  line?: number;
  column?: number;
}

/** A refusal, as the server words it. */
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
  const asked: RequestInit = { method, headers: { accept: "application/json" } };
  if (body !== undefined) asked.body = typeof body === "string" ? body : JSON.stringify(body);
  let answer: Response;
  try {
    answer = await fetch(path, asked);
  } catch {
    throw new Problem(0, "The server does not answer. Is it still running?");
  }
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

async function refusal(answer: Response): Promise<Problem> {
  try {
    const said = await answer.json();
    return new Problem(answer.status, String(said.detail ?? said.title ?? answer.statusText), said.errors ?? []);
  } catch {
    return new Problem(answer.status, `The server said ${answer.status}.`);
  }
}

/** A call that gives JSON. Throws Problem. */
export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  return (await send(method, path, body)).json() as Promise<T>;
}

/** A call that gives a text. Throws Problem. */
export async function text(path: string): Promise<string> {
  return (await send("GET", path)).text();
}

export const get = <T>(path: string): Promise<T> => call<T>("GET", path);

/** What a call gives, or undefined where this server does not have it. */
export async function maybe<T>(path: string): Promise<T | undefined> {
  try {
    return await get<T>(path);
  } catch (problem) {
    if (problem instanceof Problem && (problem.status === 404 || problem.status === 501)) return undefined;
    throw problem;
  }
}
