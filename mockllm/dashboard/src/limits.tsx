// Rate limits: on or off, the settings of each strategy, and the reset of quotas.

import type { JSX } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { call } from "./api.ts";
import { useObservable } from "./observable.ts";
import { patch, currentSettings, settingsYaml, scopeTitle, type Scope } from "./apply_change.ts";
import { config } from "./feed.ts";
import type { Json, Settings } from "./models.ts";
import { Card, Field, Select, attempt, Yaml } from "./components.tsx";
import { fieldText, parsePercent, parseTime, parseValue } from "./field_values.ts";

interface Setting {
  title: string;
  hint: string;
  placeholder: string;
  read: (text: string) => Json;
}

const SETTINGS: Record<string, Setting> = {
  requests: { title: "Requests", hint: "in each window; with after-n in total", placeholder: "10", read: parseValue },
  tokens: { title: "Tokens", hint: "in each window", placeholder: "40000", read: parseValue },
  input_tokens: { title: "Input tokens", hint: "in each window", placeholder: "30000", read: parseValue },
  output_tokens: { title: "Output tokens", hint: "in each window", placeholder: "8000", read: parseValue },
  window: { title: "Window", hint: "one minute if empty", placeholder: "1m", read: (text) => (/^\d+$/.test(text.trim()) ? `${text.trim()}s` : parseValue(text)) },
  burst: { title: "Burst", hint: "most requests at once", placeholder: "as requests", read: parseValue },
  queue: { title: "Queue", hint: "most waiting requests", placeholder: "requests − 1", read: parseValue },
  concurrent: { title: "Concurrent", hint: "most responses in flight", placeholder: "unbounded", read: parseValue },
  probability: { title: "Probability", hint: "of a refusal", placeholder: "30%", read: parsePercent },
  retry_after: { title: "Retry after", hint: "header of a refusal", placeholder: "1s", read: parseTime },
};
const WINDOW_SETTINGS = ["requests", "tokens", "input_tokens", "output_tokens", "window", "concurrent"];
const STRATEGY_SETTINGS: Record<string, string[]> = {
  "fixed-window": WINDOW_SETTINGS,
  "sliding-window": WINDOW_SETTINGS,
  "token-bucket": [...WINDOW_SETTINGS, "burst"],
  "leaky-bucket": [...WINDOW_SETTINGS, "queue"],
  "after-n": ["requests", "retry_after"],
  random: ["probability", "retry_after"],
  always: ["retry_after"],
};
const DEFAULTS: Record<string, string> = { strategy: "token-bucket", requests: "10", window: "1m", probability: "30%" };

type Form = Record<string, string>;

/** Returns the limit of a form; settings that its strategy does not have are null. */
function limitOf(form: Form): Settings {
  const strategy = form["strategy"]!;
  const limit: Settings = { strategy };
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const text = (form[name] ?? "").trim();
    limit[name] = STRATEGY_SETTINGS[strategy]?.includes(name) && text ? setting.read(text) : null;
  }
  return limit;
}

export function Limits(props: { scope: Scope; strategies: { name: string; about: string }[] }): JSX.Element {
  useObservable(config);
  const current = (currentSettings(props.scope)["limit"] ?? null) as Settings | null;
  const known = JSON.stringify(current);
  const [form, setForm] = useState<Form>(DEFAULTS);
  const [errors, setErrors] = useState<Record<string, string>>({});
  useLayoutEffect(() => {
    if (current) setForm({ ...Object.fromEntries(Object.entries(current).map(([name, value]) => [name, fieldText(value)])) });
    setErrors({});
  }, [known, props.scope]);

  const strategy = form["strategy"]!.replaceAll("_", "-");
  const apply = async (limit: Settings | null, text: string): Promise<void> => {
    const problem = await patch(props.scope, { limit }, text);
    const messages: Record<string, string> = {};
    for (const error of problem?.errors ?? []) messages[error.field.split(".").at(-1)!] = error.message;
    setErrors(messages);
  };
  const reset = (): void => {
    void attempt(async () => {
      const path = props.scope ? `/api/rate-limit/reset/${encodeURIComponent(props.scope)}` : "/api/rate-limit/reset";
      const done = await call<{ done: string }>("POST", path);
      return `Quota reset: ${done.done}.`;
    });
  };
  const yaml = settingsYaml(props.scope, {
    limit: Object.fromEntries(Object.entries(limitOf({ ...form, strategy })).filter(([, value]) => value !== null)),
  });
  const options = props.strategies.filter((item) => item.name in STRATEGY_SETTINGS).map((item) => ({ value: item.name, title: item.name }));
  return (
    <Card
      title="Rate limit"
      id="limit"
      aside={
        <button
          type="button"
          role="switch"
          class="switch"
          aria-checked={current !== null}
          aria-label={`Rate limit: ${current ? "On" : "Off"}`}
          onClick={() =>
            void (current
              ? apply(null, `The limit of ${scopeTitle(props.scope)} is off.`)
              : apply(limitOf({ ...form, strategy }), `The limit of ${scopeTitle(props.scope)} is on.`))
          }
        >
          <span>{current ? "On" : "Off"}</span>
        </button>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void apply(limitOf({ ...form, strategy }), `The limit of ${scopeTitle(props.scope)} is on.`);
        }}
      >
        <Select
          label="Strategy"
          value={strategy}
          options={options}
          change={(value) => setForm({ ...form, strategy: value })}
          hint={props.strategies.find((item) => item.name === strategy)?.about}
        />
        <div class="fields">
          {(STRATEGY_SETTINGS[strategy] ?? []).map((name) => (
            <Field
              key={name}
              label={SETTINGS[name]!.title}
              hint={SETTINGS[name]!.hint}
              placeholder={SETTINGS[name]!.placeholder}
              value={form[name] ?? ""}
              error={errors[name]}
              change={(value) => setForm({ ...form, [name]: value })}
            />
          ))}
        </div>
        {errors["limit"] ? <p class="hint bad">{errors["limit"]}</p> : null}
        <Yaml text={yaml} what="the limit as YAML" quiet />
        <div class="actions">
          <button type="submit" class="primary">
            {current ? "Apply" : "Switch on"}
          </button>
          <button type="button" onClick={reset}>
            Reset the quota
          </button>
        </div>
      </form>
    </Card>
  );
}
