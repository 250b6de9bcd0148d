// Errors by rate and kind. Each error is a separate modifier, so several can be active at a time.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { injection, put, scopeTitle, type Scope } from "./apply_change.ts";
import type { Json } from "./models.ts";
import { Card, Field, Yaml } from "./components.tsx";
import { parseTime } from "./field_values.ts";

interface Kind {
  id: string;
  title: string;
  effect: (retry: string) => { [key: string]: Json };
  retries?: boolean;
}

const errorOf = (type: string) => () => ({ error: type });
const withRetryAfter = (error: { [key: string]: Json }) => (retry: string) => ({
  error: retry.trim() ? { ...error, retry_after: parseTime(retry) } : Object.keys(error).length === 1 && error["type"] ? error["type"] : error,
});
const KINDS: Kind[] = [
  { id: "400", title: "bad request", effect: errorOf("bad_request") },
  { id: "401", title: "authentication", effect: errorOf("authentication") },
  { id: "403", title: "permission", effect: errorOf("permission") },
  { id: "429", title: "rate limit", effect: withRetryAfter({ type: "rate_limit" }), retries: true },
  { id: "500", title: "server error", effect: errorOf("server_error") },
  { id: "529", title: "overloaded", effect: withRetryAfter({ status: 529 }), retries: true },
  { id: "timeout", title: "504 after 30 s", effect: () => ({ delay: "30s", error: "timeout" }) },
];

export function Rate(props: { value: string; change: (value: string) => void }): JSX.Element {
  return (
    <div class="rate">
      <Field label="Rate" narrow value={props.value} change={props.change} hint="of the requests" placeholder="10%" />
      <input
        type="range"
        min="0"
        max="100"
        step="1"
        aria-label="Rate in percent"
        value={Number.parseFloat(props.value) || 0}
        onInput={(event) => props.change(`${event.currentTarget.value}%`)}
      />
    </div>
  );
}

export function percentOf(text: string): string {
  return /^\d+(\.\d+)?$/.test(text.trim()) ? `${text.trim()}%` : text.trim();
}

export function Errors(props: { scope: Scope }): JSX.Element {
  const [chosen, choose] = useState("429");
  const [rate, setRate] = useState("10%");
  const [retry, setRetry] = useState("");
  const [problem, setProblem] = useState("");
  const kind = KINDS.find((item) => item.id === chosen)!;
  const modifier = injection(kind.id, props.scope, percentOf(rate), kind.effect(retry));
  const apply = async (): Promise<void> => {
    const refused = await put(modifier.name, modifier.yaml, `${percentOf(rate)} of the requests to ${scopeTitle(props.scope)} get ${kind.id}.`);
    setProblem(refused?.message ?? "");
  };
  return (
    <Card title="Errors" id="errors">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void apply();
        }}
      >
        <fieldset class="choices">
          <legend>Kind</legend>
          {KINDS.map((item) => (
            <label class="choice">
              <input type="radio" name="error-kind" value={item.id} checked={item.id === chosen} onChange={() => choose(item.id)} />
              <span>
                <strong>{item.id}</strong>
                <small>{item.title}</small>
              </span>
            </label>
          ))}
        </fieldset>
        <Rate value={rate} change={setRate} />
        {kind.retries ? (
          <Field label="Retry after" value={retry} change={setRetry} hint="header of the response" placeholder="the provider's default" />
        ) : null}
        {problem ? <p class="hint bad">{problem}</p> : null}
        <Yaml text={modifier.yaml} what="the error as YAML" quiet />
        <div class="actions">
          <button type="submit" class="primary">
            Inject the error
          </button>
        </div>
      </form>
    </Card>
  );
}
