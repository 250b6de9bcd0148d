// The pace of responses: time to first token, time between chunks, jitter, chunk size.

import type { JSX } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { useObservable } from "./observable.ts";
import { patch, currentSettings, settingsYaml, scopeTitle, type Scope } from "./apply_change.ts";
import { config } from "./feed.ts";
import type { Json, Settings } from "./models.ts";
import { Card, Field, Select, Yaml } from "./components.tsx";
import { fieldText, parseTime, parseValue } from "./field_values.ts";

type Form = Record<"delay" | "ttft" | "itl" | "tokens_per_second" | "jitter" | "chunk_size" | "slowdown" | "whole", string>;
const NONE: Form = { delay: "", ttft: "", itl: "", tokens_per_second: "", jitter: "", chunk_size: "", slowdown: "", whole: "" };
const PRESETS: { name: string; form: Partial<Form> }[] = [
  { name: "No waits", form: { ttft: "0ms", itl: "0ms", jitter: "0ms" } },
  { name: "Small model", form: { ttft: "200ms", itl: "15ms", jitter: "10ms" } },
  { name: "Large model", form: { ttft: "[600ms, 1500ms]", itl: "40ms", jitter: "30ms" } },
  { name: "Reasoning", form: { ttft: "[4s, 12s]", itl: "30ms", jitter: "20ms" } },
];
const WHOLE = [
  { value: "", title: "as the rules define" },
  { value: "as_streamed", title: "as slow as a stream" },
  { value: "at_once", title: "without waits" },
];

function formOf(settings: Settings): Form {
  const pace = (settings["pace"] ?? {}) as Settings;
  const form = { ...NONE, delay: fieldText(settings["delay"]) };
  for (const key of ["ttft", "itl", "tokens_per_second", "jitter", "chunk_size", "slowdown", "whole"] as const) {
    form[key] = fieldText(pace[key]);
  }
  return form;
}

/** Returns the settings of a form; null removes a setting. */
function settingsOf(form: Form): Settings {
  const or = (text: string, read: (text: string) => Json): Json => (text.trim() ? read(text) : null);
  const pace: Settings = {
    ttft: or(form.ttft, parseTime),
    itl: or(form.itl, parseTime),
    tokens_per_second: or(form.tokens_per_second, parseValue),
    jitter: or(form.jitter, parseTime),
    chunk_size: or(form.chunk_size, (text) => (/^\d+$/.test(text.trim()) ? `${text.trim()} tokens` : parseValue(text))),
    slowdown: or(form.slowdown, parseValue),
    whole: or(form.whole, parseValue),
  };
  const empty = Object.values(pace).every((value) => value === null);
  return { delay: or(form.delay, parseTime), pace: empty ? null : pace };
}

function withoutNulls(settings: Settings): Settings {
  const pace = Object.fromEntries(Object.entries((settings["pace"] ?? {}) as Settings).filter(([, value]) => value !== null));
  return { delay: settings["delay"] ?? null, pace: Object.keys(pace).length ? pace : null };
}

export function Pace(props: { scope: Scope }): JSX.Element {
  const current = useObservable(config);
  const [form, setForm] = useState<Form>(NONE);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const saved = formOf(currentSettings(props.scope));
  const known = JSON.stringify(saved);
  // At once after the change: what a person types into the next frame stays.
  useLayoutEffect(() => (setForm(saved), setErrors({})), [known, props.scope, current === null]);

  const set = (key: keyof Form) => (value: string) => setForm({ ...form, [key]: value });
  const field = (key: keyof Form, label: string, hint: string, placeholder: string): JSX.Element => (
    <Field label={label} value={form[key]} change={set(key)} hint={hint} placeholder={placeholder} error={errors[key]} />
  );
  const apply = async (values: Form): Promise<void> => {
    const problem = await patch(props.scope, settingsOf(values), `The pace of ${scopeTitle(props.scope)} is set.`);
    const messages: Record<string, string> = {};
    for (const error of problem?.errors ?? []) messages[error.field.split(".").at(-1)!.replace(/\[.*/, "")] = error.message;
    setErrors(messages);
  };
  const yaml = settingsYaml(props.scope, withoutNulls(settingsOf(form)));
  const changed = JSON.stringify(form) !== known;
  return (
    <Card title="Pace" id="pace">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void apply(form);
        }}
      >
        <div class="presets" role="group" aria-label="Fill in">
          {PRESETS.map((preset) => (
            <button type="button" class="small" onClick={() => setForm({ ...NONE, delay: form.delay, ...preset.form })}>
              {preset.name}
            </button>
          ))}
        </div>
        <div class="fields">
          {field("ttft", "Time to first token (ttft)", "before the first chunk", "300ms")}
          {field("itl", "Time between chunks (itl)", "or random: [20ms, 80ms]", "50ms")}
          {field("jitter", "Jitter", "largest random extra time", "20ms")}
          {field("chunk_size", "Chunk size", "such as 10 characters, 2 words", "4 tokens")}
          {field("tokens_per_second", "Tokens per second", "instead of a time between chunks", "60")}
          {field("delay", "Delay", "before the response starts", "200ms")}
          {field("slowdown", "Slowdown", "multiplies every wait", "2")}
          <Select label="Non-streaming responses" value={form.whole} options={WHOLE} change={set("whole")} />
        </div>
        <p class="hint">The pace of a rule overrides these settings.</p>
        {yaml ? <Yaml text={yaml} what="the pace as YAML" quiet /> : null}
        <div class="actions">
          <button type="submit" class="primary" disabled={!changed}>
            Apply
          </button>
          <button type="button" disabled={known === JSON.stringify(NONE)} onClick={() => void apply(NONE)}>
            Unset
          </button>
        </div>
      </form>
    </Card>
  );
}
