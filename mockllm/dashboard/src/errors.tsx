// Errors by rate and kind: each is a modifier of its own, so several may be on at a time.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { injection, put, titled, type Scope } from "./control.ts";
import type { Json } from "./models.ts";
import { Card, Field, Yaml } from "./parts.tsx";
import { time } from "./words.ts";

interface Kind {
  id: string;
  title: string;
  words: (retry: string) => { [word: string]: Json };
  retries?: boolean;
}

const named = (type: string) => () => ({ error: type });
const again = (error: { [word: string]: Json }) => (retry: string) => ({
  error: retry.trim() ? { ...error, retry_after: time(retry) } : Object.keys(error).length === 1 && error["type"] ? error["type"] : error,
});
const KINDS: Kind[] = [
  { id: "400", title: "bad request", words: named("bad_request") },
  { id: "401", title: "authentication", words: named("authentication") },
  { id: "403", title: "permission", words: named("permission") },
  { id: "429", title: "rate limit", words: again({ type: "rate_limit" }), retries: true },
  { id: "500", title: "server error", words: named("server_error") },
  { id: "529", title: "overloaded", words: again({ status: 529 }), retries: true },
  { id: "timeout", title: "504 after 30 s", words: () => ({ delay: "30s", error: "timeout" }) },
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
  const kind = KINDS.find((each) => each.id === chosen)!;
  const made = injection(kind.id, props.scope, percentOf(rate), kind.words(retry));
  const apply = async (): Promise<void> => {
    const found = await put(made.name, made.yaml, `${percentOf(rate)} of ${titled(props.scope)} get ${kind.id}.`);
    setProblem(found?.message ?? "");
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
          {KINDS.map((each) => (
            <label class="choice">
              <input type="radio" name="error-kind" value={each.id} checked={each.id === chosen} onChange={() => choose(each.id)} />
              <span>
                <strong>{each.id}</strong>
                <small>{each.title}</small>
              </span>
            </label>
          ))}
        </fieldset>
        <Rate value={rate} change={setRate} />
        {kind.retries ? (
          <Field label="Retry after" value={retry} change={setRetry} hint="what the client is told" placeholder="as the provider says" />
        ) : null}
        {problem ? <p class="hint bad">{problem}</p> : null}
        <Yaml text={made.yaml} what="the error as YAML" quiet />
        <div class="actions">
          <button type="submit" class="primary">
            Inject the error
          </button>
        </div>
      </form>
    </Card>
  );
}
