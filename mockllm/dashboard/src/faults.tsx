// Faults by kind and fault point, with the settings of each fault.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { injection, put, scopeTitle, type Scope } from "./apply_change.ts";
import { percentOf, Rate } from "./errors.tsx";
import type { FaultMode, Json, Setting } from "./models.ts";
import { Card, Field, Select, Yaml } from "./components.tsx";
import { flow } from "./yaml.ts";
import { fieldText, parsePercent, parseTime, parseValue } from "./field_values.ts";

const FAULT_POINTS = [
  { value: "chunks", title: "after a number of chunks" },
  { value: "fraction", title: "after a fraction" },
  { value: "bytes", title: "after a number of bytes" },
  { value: "events", title: "after a number of events" },
  { value: "time", title: "after a time" },
];
const DEFAULTS: Record<string, string> = { chunks: "3", fraction: "50%", bytes: "200", events: "3", time: "1s" };
const PARSERS: Record<string, (text: string) => Json> = { fraction: parsePercent, time: parseTime };

type Form = Record<string, string>;

function settingsOf(mode: FaultMode | undefined, form: Form): { [key: string]: Json } {
  const settings: { [key: string]: Json } = {};
  for (const setting of mode?.settings ?? []) {
    const text = (form[setting.name] ?? "").trim();
    if (setting.name === "after") {
      const kind = form["place"] ?? "";
      const value = (form["place-value"] ?? "").trim() || DEFAULTS[kind];
      if (kind && value) settings["after"] = { [kind]: (PARSERS[kind] ?? parseValue)(value) };
    } else if (setting.name === "at") {
      if (text) settings["at"] = { chunk: parseValue(text) };
    } else if (text) {
      settings[setting.name] = parseValue(text);
    }
  }
  return settings;
}

function defaultTitle(point: Json): string {
  if (point === null || typeof point !== "object" || Array.isArray(point)) return "default";
  const [[kind, value] = ["", null]] = Object.entries(point);
  const distance = kind === "fraction" && typeof value === "number" ? `${value * 100}%` : flow(value);
  return `default: ${kind} ${distance}`;
}

export function Faults(props: { scope: Scope; modes: FaultMode[] }): JSX.Element {
  const [name, setName] = useState("reset");
  const [form, setForm] = useState<Form>({});
  const [rate, setRate] = useState("10%");
  const [problem, setProblem] = useState("");
  const mode = props.modes.find((item) => item.name === name);
  const settings = settingsOf(mode, form);
  const fault: Json = Object.keys(settings).length ? { [name]: settings } : name;
  const modifier = injection(name, props.scope, percentOf(rate), { faults: [fault] });
  const set = (key: string) => (value: string) => setForm({ ...form, [key]: value });
  const apply = async (): Promise<void> => {
    const refused = await put(modifier.name, modifier.yaml, `${percentOf(rate)} of the requests to ${scopeTitle(props.scope)} get the fault ${name}.`);
    setProblem(refused?.message ?? "");
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
          options={props.modes.map((item) => ({ value: item.name, title: item.name, group: item.family }))}
          change={(value) => (setName(value), setForm({}))}
          hint={mode?.about}
        />
        <div class="fields">
          {(mode?.settings ?? []).map((setting) =>
            setting.name === "after" ? (
              <div class="place" key="place">
                <Select label="Fault point" value={form["place"] ?? ""} options={[{ value: "", title: defaultTitle(setting.default) }, ...FAULT_POINTS]} change={(place) => setForm({ ...form, place, "place-value": DEFAULTS[place] ?? "" })} />
                {form["place"] ? <Field label="Value" value={form["place-value"] ?? ""} change={set("place-value")} /> : null}
              </div>
            ) : (
              <SettingField key={setting.name} setting={setting} value={form[setting.name] ?? ""} change={set(setting.name)} />
            ),
          )}
        </div>
        <Rate value={rate} change={setRate} />
        {problem ? <p class="hint bad">{problem}</p> : null}
        <Yaml text={modifier.yaml} what="the fault as YAML" quiet />
        <div class="actions">
          <button type="submit" class="primary">
            Inject the fault
          </button>
          <span class="hint">for {scopeTitle(props.scope)}</span>
        </div>
      </form>
    </Card>
  );
}

function SettingField(props: { setting: Setting; value: string; change: (value: string) => void }): JSX.Element {
  const { setting } = props;
  if (setting.name === "at") {
    return <Field label="Fault point: chunk" value={props.value} change={props.change} hint="counted from 1" placeholder="1" />;
  }
  const usual = setting.default === null ? "" : fieldText(setting.default);
  if (setting.choices.length) {
    const options = [{ value: "", title: usual || "default" }, ...setting.choices.filter((choice) => choice !== usual).map((value) => ({ value, title: value }))];
    return <Select label={setting.name} value={props.value} options={options} change={props.change} hint={setting.about} />;
  }
  return <Field label={setting.name} value={props.value} change={props.change} hint={setting.about} placeholder={usual} />;
}
