// Rate limits: on and off, each strategy with its own settings, and giving back what was used.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call } from "./api.ts";
import { useCell } from "./cells.ts";
import { patch, settingsOf, settingsYaml, titled, type Scope } from "./control.ts";
import { config } from "./feed.ts";
import type { Json, Settings } from "./models.ts";
import { Card, Field, Select, tried, Yaml } from "./parts.tsx";
import { percent, shown, time, word } from "./words.ts";

interface Setting {
  title: string;
  hint: string;
  placeholder: string;
  read: (text: string) => Json;
}

const SETTINGS: Record<string, Setting> = {
  requests: { title: "Requests", hint: "in each window; of after-n, in all", placeholder: "10", read: word },
  tokens: { title: "Tokens", hint: "in each window", placeholder: "40000", read: word },
  window: { title: "Window", hint: "one minute if empty", placeholder: "1m", read: (text) => (/^\d+$/.test(text.trim()) ? `${text.trim()}s` : word(text)) },
  burst: { title: "Burst", hint: "so many at once", placeholder: "as requests", read: word },
  queue: { title: "Queue", hint: "so many may wait", placeholder: "requests − 1", read: word },
  concurrent: { title: "Concurrent", hint: "answers under way", placeholder: "no bound", read: word },
  probability: { title: "Probability", hint: "how likely a refusal is", placeholder: "30%", read: percent },
  retry_after: { title: "Retry after", hint: "what a refusal tells", placeholder: "1s", read: time },
};
const METERED = ["requests", "tokens", "window", "concurrent"];
const TAKES: Record<string, string[]> = {
  "fixed-window": METERED,
  "sliding-window": METERED,
  "token-bucket": [...METERED, "burst"],
  "leaky-bucket": [...METERED, "queue"],
  "after-n": ["requests", "retry_after"],
  random: ["probability", "retry_after"],
  always: ["retry_after"],
};
const BEGIN: Record<string, string> = { strategy: "token-bucket", requests: "10", window: "1m", probability: "30%" };

type Form = Record<string, string>;

/** The limit; settings that its strategy does not have are null. */
function limitIn(form: Form): Settings {
  const strategy = form["strategy"]!;
  const found: Settings = { strategy };
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const text = (form[name] ?? "").trim();
    found[name] = TAKES[strategy]?.includes(name) && text ? setting.read(text) : null;
  }
  return found;
}

export function Limits(props: { scope: Scope; strategies: { name: string; about: string }[] }): JSX.Element {
  useCell(config);
  const stands = (settingsOf(props.scope)["limit"] ?? null) as Settings | null;
  const known = JSON.stringify(stands);
  const [form, setForm] = useState<Form>(BEGIN);
  const [errors, setErrors] = useState<Record<string, string>>({});
  useEffect(() => {
    if (stands) setForm({ ...Object.fromEntries(Object.entries(stands).map(([name, value]) => [name, shown(value)])) });
    setErrors({});
  }, [known, props.scope]);

  const strategy = form["strategy"]!.replaceAll("_", "-");
  const apply = async (limit: Settings | null, text: string): Promise<void> => {
    const problem = await patch(props.scope, { limit }, text);
    const found: Record<string, string> = {};
    for (const each of problem?.errors ?? []) found[each.field.split(".").at(-1)!] = each.message;
    setErrors(found);
  };
  const reset = (): void => {
    void tried(async () => {
      const path = props.scope ? `/api/rate-limit/reset/${encodeURIComponent(props.scope)}` : "/api/rate-limit/reset";
      const done = await call<{ done: string }>("POST", path);
      return `Given back: ${done.done}.`;
    });
  };
  const yaml = settingsYaml(props.scope, {
    limit: Object.fromEntries(Object.entries(limitIn({ ...form, strategy })).filter(([, value]) => value !== null)),
  });
  const options = props.strategies.filter((each) => each.name in TAKES).map((each) => ({ value: each.name, title: each.name }));
  return (
    <Card
      title="Rate limit"
      id="limit"
      aside={
        <button
          type="button"
          role="switch"
          class="switch"
          aria-checked={stands !== null}
          aria-label="Rate limit"
          onClick={() =>
            void (stands
              ? apply(null, `No limit is set for ${titled(props.scope)}.`)
              : apply(limitIn({ ...form, strategy }), `The limit of ${titled(props.scope)} is on.`))
          }
        >
          <span>{stands ? "On" : "Off"}</span>
        </button>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void apply(limitIn({ ...form, strategy }), `The limit of ${titled(props.scope)} is on.`);
        }}
      >
        <Select
          label="Strategy"
          value={strategy}
          options={options}
          change={(value) => setForm({ ...form, strategy: value })}
          hint={props.strategies.find((each) => each.name === strategy)?.about}
        />
        <div class="fields">
          {(TAKES[strategy] ?? []).map((name) => (
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
            {stands ? "Apply" : "Switch on"}
          </button>
          <button type="button" onClick={reset}>
            Reset what was used
          </button>
        </div>
      </form>
    </Card>
  );
}
