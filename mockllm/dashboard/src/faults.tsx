// Faults by kind and place, with the settings that each has.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { injection, put, titled, type Scope } from "./control.ts";
import { percentOf, Rate } from "./errors.tsx";
import type { FaultMode, Json, Setting } from "./models.ts";
import { Card, Field, Select, Yaml } from "./parts.tsx";
import { flow } from "./yaml.ts";
import { percent, shown, time, word } from "./words.ts";

const PLACES = [
  { value: "chunks", title: "after so many chunks" },
  { value: "fraction", title: "after a part of it" },
  { value: "bytes", title: "after so many bytes" },
  { value: "events", title: "after so many events" },
  { value: "time", title: "after a time" },
];
const BEGIN: Record<string, string> = { chunks: "3", fraction: "50%", bytes: "200", events: "3", time: "1s" };
const READ: Record<string, (text: string) => Json> = { fraction: percent, time };

type Form = Record<string, string>;

function settingsIn(mode: FaultMode | undefined, form: Form): { [word: string]: Json } {
  const found: { [word: string]: Json } = {};
  for (const setting of mode?.settings ?? []) {
    const text = (form[setting.name] ?? "").trim();
    if (setting.name === "after") {
      const kind = form["place"] ?? "";
      const value = (form["place-value"] ?? "").trim() || BEGIN[kind];
      if (kind && value) found["after"] = { [kind]: (READ[kind] ?? word)(value) };
    } else if (setting.name === "at") {
      if (text) found["at"] = { chunk: word(text) };
    } else if (text) {
      found[setting.name] = word(text);
    }
  }
  return found;
}

function usually(place: Json): string {
  if (place === null || typeof place !== "object" || Array.isArray(place)) return "where it usually is";
  const [[kind, value] = ["", null]] = Object.entries(place);
  const far = kind === "fraction" && typeof value === "number" ? `${value * 100}%` : flow(value);
  return `usually ${kind}: ${far}`;
}

export function Faults(props: { scope: Scope; modes: FaultMode[] }): JSX.Element {
  const [name, setName] = useState("reset");
  const [form, setForm] = useState<Form>({});
  const [rate, setRate] = useState("10%");
  const [problem, setProblem] = useState("");
  const mode = props.modes.find((each) => each.name === name);
  const settings = settingsIn(mode, form);
  const fault: Json = Object.keys(settings).length ? { [name]: settings } : name;
  const made = injection(name, props.scope, percentOf(rate), { faults: [fault] });
  const set = (key: string) => (value: string) => setForm({ ...form, [key]: value });
  const apply = async (): Promise<void> => {
    const found = await put(made.name, made.yaml, `${percentOf(rate)} of ${titled(props.scope)} meet ${name}.`);
    setProblem(found?.message ?? "");
  };
  return (
    <Card title="Faults" id="faults">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void apply();
        }}
      >
        <Select
          label="Kind"
          value={name}
          options={props.modes.map((each) => ({ value: each.name, title: each.name, group: each.family }))}
          change={(value) => (setName(value), setForm({}))}
          hint={mode?.about}
        />
        <div class="fields">
          {(mode?.settings ?? []).map((setting) =>
            setting.name === "after" ? (
              <div class="place" key="place">
                <Select label="Place" value={form["place"] ?? ""} options={[{ value: "", title: usually(setting.default) }, ...PLACES]} change={(place) => setForm({ ...form, place, "place-value": BEGIN[place] ?? "" })} />
                {form["place"] ? <Field label="How far" value={form["place-value"] ?? ""} change={set("place-value")} /> : null}
              </div>
            ) : (
              <One key={setting.name} setting={setting} value={form[setting.name] ?? ""} change={set(setting.name)} />
            ),
          )}
        </div>
        <Rate value={rate} change={setRate} />
        {problem ? <p class="hint bad">{problem}</p> : null}
        <Yaml text={made.yaml} what="the fault as YAML" quiet />
        <div class="actions">
          <button type="submit" class="primary">
            Inject the fault
          </button>
        </div>
      </form>
    </Card>
  );
}

function One(props: { setting: Setting; value: string; change: (value: string) => void }): JSX.Element {
  const { setting } = props;
  if (setting.name === "at") {
    return <Field label="Place: chunk" value={props.value} change={props.change} hint="counted from 1" placeholder="1" />;
  }
  const usual = setting.default === null ? "" : shown(setting.default);
  if (setting.choices.length) {
    const options = [{ value: "", title: usual || "as usual" }, ...setting.choices.filter((each) => each !== usual).map((value) => ({ value, title: value }))];
    return <Select label={setting.name} value={props.value} options={options} change={props.change} hint={setting.about} />;
  }
  return <Field label={setting.name} value={props.value} change={props.change} hint={setting.about} placeholder={usual} />;
}
