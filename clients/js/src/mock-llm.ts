import { randomUUID } from "node:crypto";
import { ControlApi, MockllmError, thrownAt } from "./control-api.js";
import { MockBase } from "./mock-base.js";
import { type RunningServer, type ServerOptions, startServer } from "./server-process.js";

/** A mock server. `MockLLM.start()` starts a new one, `MockLLM.connect(url)` uses one that runs. */
export class MockLLM extends MockBase {
  readonly baseUrl: string;
  readonly sessionId = undefined;
  protected readonly api: ControlApi;
  /** How the server runs: its command line; `connected` for one that another process started. */
  readonly command: string;

  private constructor(
    url: string,
    private readonly server?: RunningServer,
    token?: string,
  ) {
    super();
    this.baseUrl = url;
    this.api = new ControlApi(url, token);
    this.command = server?.command ?? "connected";
  }

  /** Starts a server on a free port of this machine: `mockllm` on the path, else uvx, pipx or a container runs it. */
  static async start(options: ServerOptions = {}): Promise<MockLLM> {
    const server = await thrownAt(MockLLM.start, startServer(options));
    return new MockLLM(server.url, server);
  }

  /** Uses a server that runs: by default the one of `mockllm exec`, at `$MOCKLLM_URL`. */
  static async connect(url = process.env["MOCKLLM_URL"], token?: string): Promise<MockLLM> {
    if (url === undefined) throw new Error("no URL: MOCKLLM_URL is not set; run the tests by `mockllm exec -- …`");
    const mock = new MockLLM(url.replace(/\/$/, ""), undefined, token);
    await mock.api.text("GET", "/health").catch((error: MockllmError) => {
      const { origin, pathname } = new URL(mock.baseUrl);
      if (error.status !== 404 || pathname === "/") throw error;
      throw new MockllmError(`no mockllm server is at ${mock.baseUrl}: write the address without a path, ${origin}`, 404);
    });
    return mock;
  }

  /** Returns a session for one test: its rules, counts and requests are its own. */
  session(id: string = randomUUID()): MockSession {
    return new MockSession(this.baseUrl, id, this.api);
  }

  /** Clears rules that were added, counts, sessions and the journal. */
  async reset(): Promise<void> {
    await this.api.call(this.reset, "POST", "/api/reset");
  }

  /** Ends the server, if `start` started it. */
  async stop(): Promise<void> {
    await this.server?.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** A part of a server for one test: what it adds applies to the requests of its base URL only. */
export class MockSession extends MockBase {
  readonly baseUrl: string;

  constructor(
    serverUrl: string,
    readonly sessionId: string,
    protected readonly api: ControlApi,
  ) {
    super();
    this.baseUrl = `${serverUrl}/s/${encodeURIComponent(sessionId)}`;
  }

  /** Ends the session: its rules, counts and stored responses. */
  async close(): Promise<void> {
    await this.api.text("DELETE", `/api/sessions/${encodeURIComponent(this.sessionId)}`).catch((error) => {
      if (error.status !== 404) throw error; // no request came, so the server knows no such session
    });
    await this.api.text("DELETE", `/api/rules${this.query}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
