import { readFile, readdir, stat } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { checkOptions } from "./checked-values.js";
import { type ControlApi, MockllmError, thrownAt } from "./control-api.js";
import type { components } from "./generated/control.js";
import { VARIABLES } from "./generated/environment.js";
import type { ErrorSpec, ModifierSpec, ReplySpec, RuleSpec, StepSpec } from "./generated/scenario.js";

type Schemas = components["schemas"];

/** The conditions on a request: `match` of a rule. */
export type Match = NonNullable<RuleSpec["match"]>;
/** The keys of a rule beside its response: `match`, `name`, `times`, `delay`, `pace`, `faults` and so on. */
export type RuleOptions = Omit<RuleSpec, "reply" | "error" | "sequence" | "choose" | "http" | "proxy" | "replay">;
/** A request in the journal, without its body. */
export type ReceivedRequest = Schemas["RequestSummary"];
/** A request in the journal, with the bodies of request and response. */
export type RequestDetail = Schemas["PricedRequest"];
/** How one client behaved. */
export type ClientVerdicts = Schemas["ClientVerdicts"];
/** What a request count must be: by default at least one. */
export interface Count {
  times?: number;
  atLeast?: number;
  atMost?: number;
}
/** A rule that was added. */
export interface AddedRule {
  name: string;
  /** The requests for which the rule was selected. */
  requests(): Promise<ReceivedRequest[]>;
}

const PAGE = 500;
const COUNTS: readonly (keyof Count)[] = ["times", "atLeast", "atMost"];

/** A server, or a session of it: adds rules, and lists the requests that came. */
export abstract class MockBase {
  /** The base URL without a path. */
  abstract readonly baseUrl: string;
  /** The session; undefined for the server, which sees all requests. */
  abstract readonly sessionId: string | undefined;
  protected abstract readonly api: ControlApi;
  /** The names of the modifiers that the last climate added. */
  private climateNames: string[] = [];

  get openaiUrl(): string {
    return `${this.baseUrl}/v1`;
  }

  get anthropicUrl(): string {
    return this.baseUrl;
  }

  get geminiUrl(): string {
    return this.baseUrl;
  }

  /** The variables by which SDKs find the server, with dummy keys: for a child process. */
  get environment(): Record<string, string> {
    const entries = Object.entries(VARIABLES).map(([name, value]) => [name, value.replace("{base}", this.baseUrl)]);
    return { ...Object.fromEntries(entries), MOCKLLM_URL: this.api.url };
  }

  /** Adds a rule with a reply: a text, or `{text, thinking, tool_calls, chunks}`. */
  reply(reply: string | ReplySpec, options: RuleOptions = {}): Promise<AddedRule> {
    return this.add(this.reply, { reply }, options);
  }

  /** Adds a rule with an error: its name (`"rate_limit"`), or `{type, status, retry_after, message}`. */
  error(error: ErrorSpec | string, options: RuleOptions = {}): Promise<AddedRule> {
    return this.add(this.error, { error }, options);
  }

  /** Adds a rule with steps in order: texts, or `{error: "overloaded", times: 2}`. */
  sequence(steps: (string | StepSpec)[], options: RuleOptions = {}): Promise<AddedRule> {
    return this.add(this.sequence, { sequence: steps }, options);
  }

  /** Adds any rule, as in a file. */
  rule(rule: RuleSpec): Promise<AddedRule> {
    return this.add(this.rule, rule);
  }

  /** Adds a modifier of all responses: `modifier({delay: "200ms"})`. */
  async modifier(modifier: ModifierSpec): Promise<void> {
    await this.api.call(this.modifier, "POST", this.rulesPath(), { modifiers: [modifier] });
  }

  /** Adds the rules and modifiers of scenario files and folders, above all others. The first file has priority. Paths
   * are relative to the working directory. */
  load(...paths: string[]): Promise<void> {
    return thrownAt(this.load, this.addFiles(paths));
  }

  private async addFiles(paths: string[]): Promise<void> {
    const files = (await Promise.all(paths.map(scenarioFiles))).flat();
    for (const file of files.reverse()) {
      const text = await readFile(file, "utf8");
      await this.api.text("POST", this.rulesPath({ file: "true" }), text).catch((error: MockllmError) => {
        const problem = error.problems[0];
        const place = problem?.line == null ? file : `${file}:${problem.line}:${problem.column}`;
        throw new MockllmError(`${place}: ${error.message}`, error.status, error.problems);
      });
    }
  }

  /** Sets the weather of the pack `weather` from now on: calm, flaky, rate-limited, slow, storm, provider-outage. It
   * replaces the last climate that this object has set. */
  climate(name: string): Promise<void> {
    return thrownAt(this.climate, this.addClimate(name));
  }

  private async addClimate(name: string): Promise<void> {
    const { climates } = await this.api.call<Schemas["ClimateList"]>(this.climate, "GET", "/api/climates");
    const climate = climates.find((each) => each.name === name);
    if (climate === undefined) {
      const names = climates.map((each) => each.name).join(", ");
      throw new MockllmError(`no climate is named ${JSON.stringify(name)}; there are ${names}`, 0);
    }
    for (const each of this.climateNames.splice(0)) {
      const path = `/api/rules/${encodeURIComponent(each)}${this.query}`;
      await this.api.text("DELETE", path).catch((error: MockllmError) => {
        if (error.status !== 404) throw error; // a reset has removed it
      });
    }
    const path = this.rulesPath({ file: "true" });
    this.climateNames = (await this.api.call<Schemas["OverlayDone"]>(this.climate, "POST", path, climate.yaml)).names;
  }

  /** Returns all requests in their order. */
  requests(filter: { rule?: string; missed?: boolean } = {}): Promise<ReceivedRequest[]> {
    return thrownAt(this.requests, this.pages(filter));
  }

  private async pages(filter: { rule?: string; missed?: boolean }): Promise<ReceivedRequest[]> {
    checkOptions(filter, ["rule", "missed"]);
    const found: ReceivedRequest[] = [];
    for (;;) {
      const query = new URLSearchParams({ limit: String(PAGE) });
      if (this.sessionId !== undefined) query.set("session", this.sessionId);
      if (filter.rule !== undefined) query.set("rule", filter.rule);
      if (filter.missed === true) query.set("missed", "true");
      const oldest = found[0];
      if (oldest !== undefined) query.set("before", String(oldest.id));
      const page = await this.api.call<Schemas["RequestPage"]>(this.requests, "GET", `/api/requests?${query}`);
      const listed = page.requests.filter((each) => oldest === undefined || each.id < oldest.id);
      found.unshift(...listed.sort((one, other) => one.id - other.id));
      if (page.requests.length < PAGE) return found;
    }
  }

  /** Returns a request with the bodies of request and response. */
  request(id: number): Promise<RequestDetail> {
    return this.api.call(this.request, "GET", `/api/requests/${id}`);
  }

  /** Returns the requests that no rule matched. */
  unmatched(): Promise<ReceivedRequest[]> {
    return this.requests({ missed: true });
  }

  /** Throws unless the number of requests that match is as expected. The message shows the nearest other requests. */
  verify(match: Match = {}, count: Count = {}): Promise<void> {
    return thrownAt(this.verify, this.compare(match, count));
  }

  private async compare(match: Match, count: Count): Promise<void> {
    checkOptions(count, COUNTS);
    const expectation: Record<string, unknown> = { match };
    if (count.times !== undefined) expectation["exactly"] = count.times;
    if (count.atLeast !== undefined) expectation["at_least"] = count.atLeast;
    if (count.atMost !== undefined) expectation["at_most"] = count.atMost;
    const body = { expect: [expectation], session: this.sessionId ?? null };
    const result = await this.api.call<Schemas["VerifyResult"]>(this.verify, "POST", "/api/verify", body);
    if (result.passed) return;
    const lines = result.failures.flatMap((failure) => [
      `${failure.message} with ${JSON.stringify(match)}`,
      ...(failure.nearest ?? []).flatMap((near) => [`  ${near.id} ${near.path}`, ...near.differences.map((each) => `    ${each}`)]),
    ]);
    throw new MockllmError(lines.join("\n"), 0);
  }

  /** Returns how the clients behaved: whether they waited as requested, retried the right errors, noticed a cut stream.
   * A test of retries asserts that none is bad: `(await mock.verdicts({bad: true})).length === 0`. */
  async verdicts(filter: { bad?: boolean } = {}): Promise<ClientVerdicts[]> {
    checkOptions(filter, ["bad"]);
    const list = await this.api.call<Schemas["VerdictList"]>(this.verdicts, "GET", `/api/verdicts${this.query}`);
    if (filter.bad !== true) return list.clients;
    const bad = list.clients.map((each) => ({ ...each, verdicts: each.verdicts.filter((verdict) => !verdict.good) }));
    return bad.filter((each) => each.verdicts.length > 0);
  }

  /** Returns the requests as text, a line for each, with the nearest rules below those that no rule matched. */
  async journal(): Promise<string> {
    const lines = (await this.requests()).flatMap((each) => [
      `${each.method} ${each.path} ${each.model ?? "-"} → ${each.rule ?? "no rule"} ${each.status}`,
      ...(each.faults.length > 0 ? [`  faults: ${each.faults.join(", ")}`] : []),
      ...each.near_misses.map((near) => `  ${near}`),
    ]);
    return lines.length === 0 ? "no requests" : lines.join("\n");
  }

  /** The query that selects the overlay of the session. */
  protected get query(): string {
    return this.sessionId === undefined ? "" : `?session=${encodeURIComponent(this.sessionId)}`;
  }

  private rulesPath(more: Record<string, string> = {}): string {
    const session = this.sessionId === undefined ? {} : { session: this.sessionId };
    return `/api/rules?${new URLSearchParams({ ...session, ...more })}`;
  }

  /** The server chooses the name of a rule without one, since several clients may add rules. */
  private add(caller: Function, rule: object, options: RuleOptions = {}): Promise<AddedRule> {
    return thrownAt(caller, this.addRule(rule, options));
  }

  private async addRule(rule: object, options: RuleOptions): Promise<AddedRule> {
    checkOptions(options);
    const body = { rules: [{ ...options, ...rule }] };
    const { names } = await this.api.call<Schemas["OverlayDone"]>(this.add, "POST", this.rulesPath(), body);
    const name = names[0]!;
    const id = `${this.sessionId === undefined ? "overlay" : "session"}:${name}`;
    return { name, requests: () => this.requests({ rule: id }) };
  }
}

/** Returns the files that the server would load: neither hidden ones nor those of packs below the folder. */
async function scenarioFiles(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = await readdir(path, { recursive: true });
  const manifests = names.filter((name) => basename(name) === "pack.yaml" && name !== "pack.yaml");
  const packs = manifests.map((name) => dirname(name) + sep);
  const isHidden = (name: string) => name.split(sep).some((part) => part.startsWith("."));
  const isLoaded = (name: string) =>
    /\.ya?ml$/.test(name) && !isHidden(name) && !packs.some((pack) => name.startsWith(pack));
  return names.filter(isLoaded).sort().map((name) => join(path, name));
}
