// How fast answers are: initial delay, delay between chunks, jitter, chunk size.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useCell } from "./cells.ts";
import { patch, settingsOf, settingsYaml, titled, type Scope } from "./control.ts";
import { config } from "./feed.ts";
import type { Json, Settings } from "./models.ts";
import { Card, Field, Select, Yaml } from "./parts.tsx";
import { shown, time, word } from "./words.ts";

type Form = Record<"delay" | "ttft" | "itl" | "tokens_per_second" | "jitter" | "chunk_size" | "slowdown" | "whole", string>;
const NONE: Form = { delay: "", ttft: "", itl: "", tokens_per_second: "", jitter: "", chunk_size: "", slowdown: "", whole: "" };
const PRESETS: { name: string; form: Partial<Form> }[] = [
  { name: "At once", form: { ttft: "0ms", itl: "0ms", jitter: "0ms" } },
  { name: "Small model", form: { ttft: "200ms", itl: "15ms", jitter: "10ms" } },
  { name: "Large model", form: { ttft: "[600ms, 1500ms]", itl: "40ms", jitter: "30ms" } },
  { name: "Reasoning", form: { ttft: "[4s, 12s]", itl: "30ms", jitter: "20ms" } },
];
const WHOLE = [
  { value: "", title: "as the rules say" },
  { value: "as_streamed", title: "take as long as their stream" },
  { value: "at_once", title: "leave at once" },
];

function formOf(settings: Settings): Form {
  const pace = (settings["pace"] ?? {}) as Settings;
  const found = { ...NONE, delay: shown(settings["delay"]) };
  for (const key of ["ttft", "itl", "tokens_per_second", "jitter", "chunk_size", "slowdown", "whole"] as const) {
    found[key] = shown(pace[key]);
  }
  return found;
}

/** The settings that a form asks for; null where it unsets something. */
function settingsIn(form: Form): Settings {
  const or = (text: string, read: (text: string) => Json): Json => (text.trim() ? read(text) : null);
  const pace: Settings = {
    ttft: or(form.ttft, time),
    itl: or(form.itl, time),
    tokens_per_second: or(form.tokens_per_second, word),
    jitter: or(form.jitter, time),
    chunk_size: or(form.chunk_size, (text) => (/^\d+$/.test(text.trim()) ? `${text.trim()} tokens` : word(text))),
    slowdown: or(form.slowdown, word),
    whole: or(form.whole, word),
  };
  const all = Object.values(pace).every((value) => value === null);
  return { delay: or(form.delay, time), pace: all ? null : pace };
}

function told(settings: Settings): Settings {
  const pace = Object.fromEntries(Object.entries((settings["pace"] ?? {}) as Settings).filter(([, value]) => value !== null));
  return { delay: settings["delay"] ?? null, pace: Object.keys(pace).length ? pace : null };
}

export function Pace(props: { scope: Scope }): JSX.Element {
  const held = useCell(config);
  const [form, setForm] = useState<Form>(NONE);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const stands = formOf(settingsOf(props.scope));
  const known = JSON.stringify(stands);
  useEffect(() => (setForm(stands), setErrors({})), [known, props.scope, held === null]);

  const set = (key: keyof Form) => (value: string) => setForm({ ...form, [key]: value });
  const field = (key: keyof Form, label: string, hint: string, placeholder: string): JSX.Element => (
    <Field label={label} value={form[key]} change={set(key)} hint={hint} placeholder={placeholder} error={errors[key]} />
  );
  const apply = async (wanted: Form): Promise<void> => {
    const problem = await patch(props.scope, settingsIn(wanted), `The pace of ${titled(props.scope)} is set.`);
    const found: Record<string, string> = {};
    for (const each of problem?.errors ?? []) found[each.field.split(".").at(-1)!.replace(/\[.*/, "")] = each.message;
    setErrors(found);
  };
  const yaml = settingsYaml(props.scope, told(settingsIn(form)));
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
          {field("ttft", "Initial delay (ttft)", "to the first token", "300ms")}
          {field("itl", "Delay (itl)", "between chunks; or [20ms, 80ms]", "50ms")}
          {field("jitter", "Jitter", "up to so much more", "20ms")}
          {field("chunk_size", "Chunk size", "such as 10 characters, 2 words", "4 tokens")}
          {field("tokens_per_second", "Tokens per second", "in place of a delay", "60")}
          {field("delay", "Delay of the head", "before anything is sent", "200ms")}
          {field("slowdown", "Slowdown", "multiplies every wait", "2")}
          <Select label="Whole answers" value={form.whole} options={WHOLE} change={set("whole")} />
        </div>
        <p class="hint">What a rule itself says about its pace stands above this.</p>
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
