// Errors by rate and kind. Each error is a separate modifier, so several can be active at a time.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { injection, put, scopeTitle, type Scope } from "./apply_change.ts";
import type { ErrorStatus, Json } from "./models.ts";
import { Card, Field, Yaml } from "./components.tsx";
import { parseTime } from "./field_values.ts";

/** The seconds that a client waits for this error, unless the user changes them. */
const DELAYS: Record<string, string> = { timeout: "30s" };

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

interface Form {
  status: string;
  retry: string;
  delay: string;
}

/** Returns the keys of the modifier: an error with only a type is written as its name. */
function effect(kind: string, form: Form): { [key: string]: Json } {
  const error: { [key: string]: Json } = { type: kind };
  const status = form.status.trim();
  if (status) error["status"] = /^\d+$/.test(status) ? Number(status) : status;
  if (form.retry.trim()) error["retry_after"] = parseTime(form.retry);
  const delay = form.delay.trim() ? { delay: parseTime(form.delay) } : {};
  return { ...delay, error: Object.keys(error).length > 1 ? error : kind };
}

export function Errors(props: { scope: Scope; kinds: ErrorStatus[] }): JSX.Element {
  const [chosen, choose] = useState("rate_limit");
  const [rate, setRate] = useState("10%");
  const [form, setForm] = useState<Form>({ status: "", retry: "", delay: "" });
  const [problem, setProblem] = useState("");
  const modifier = injection(chosen, props.scope, percentOf(rate), effect(chosen, form));
  const set = (key: keyof Form) => (value: string) => setForm({ ...form, [key]: value });
  const usual = props.kinds.find(({ name }) => name === chosen)?.status;
  const select = (name: string): void => {
    choose(name);
    setForm({ ...form, status: "", delay: DELAYS[name] ?? "" });
  };
  const apply = async (): Promise<void> => {
    const refused = await put(modifier.name, modifier.yaml, `${percentOf(rate)} of the requests to ${scopeTitle(props.scope)} get ${chosen}.`);
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
          <legend>Kind, with its usual status</legend>
          {props.kinds.map(({ name, status }) => (
            <label class="choice">
              <input type="radio" name="error-kind" value={name} checked={name === chosen} onChange={() => select(name)} />
              <span>
                <strong>{name.replaceAll("_", " ")}</strong>
                <small>{status}</small>
              </span>
            </label>
          ))}
        </fieldset>
        <Rate value={rate} change={setRate} />
        <div class="fields">
          <Field label="Status" value={form.status} change={set("status")} hint="of the response" placeholder={usual ? `the provider's, such as ${usual}` : ""} />
          <Field label="Retry after" value={form.retry} change={set("retry")} hint="header of the response" placeholder="the provider's default" />
          <Field label="Delay" value={form.delay} change={set("delay")} hint="before the error" placeholder="none" />
        </div>
        {problem ? <p class="hint bad">{problem}</p> : null}
        <Yaml text={modifier.yaml} what="the error as YAML" quiet />
        <div class="actions">
          <button type="submit" class="primary">
            Inject the error
          </button>
          <span class="hint">for {scopeTitle(props.scope)}</span>
        </div>
      </form>
    </Card>
  );
}
