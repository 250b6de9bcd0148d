// What answers: the rules in their order with what they counted, files that could not be loaded, and what no rule met.

import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { call, get } from "./api.ts";
import { useAsked } from "./asked.ts";
import { useCell } from "./cells.ts";
import { changes, health, log, refresh } from "./feed.ts";
import { clock, count, named, plural } from "./format.ts";
import type { Detail, Rule, Summary } from "./models.ts";
import { Card, Empty, Select, tried } from "./parts.tsx";
import { go } from "./route.ts";
import { Rows } from "./rows.tsx";

const KINDS = [
  { value: "", title: "Rules and modifiers" },
  { value: "rule", title: "Rules" },
  { value: "modifier", title: "Modifiers" },
  { value: "unused", title: "Never answered" },
];

/** Thousands of rules are a large answer: it is asked for less often. */
function patience(found: { rules: Rule[] } | undefined | null): number {
  return (found?.rules.length ?? 0) > 500 ? 5000 : 500;
}

export function Rules(): JSX.Element {
  return (
    <div class="two">
      <Stale />
      <Listed />
      <Misses />
    </div>
  );
}

function Listed(): JSX.Element {
  const rules = useAsked<{ rules: Rule[] }>("/api/rules", patience)?.rules ?? null;
  const [text, setText] = useState("");
  const [kind, setKind] = useState("");
  const [chosen, choose] = useState<string | null>(null);
  const shown = useMemo(() => {
    const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
    return (rules ?? []).filter(
      (rule) =>
        (kind === "" || (kind === "unused" ? rule.kind === "rule" && !rule.answers : rule.kind === kind)) &&
        wanted.every((each) => `${rule.id} ${rule.where} ${rule.layer} ${rule.session ?? ""}`.toLowerCase().includes(each)),
    );
  }, [rules, text, kind]);
  const most = Math.max(1, ...(rules ?? []).map((rule) => rule.answers));
  const reload = (): void => {
    void tried(async () => {
      const done = await call<{ rules: number; files: number }>("POST", "/api/reload");
      await refresh();
      return `Read anew: ${plural(done.rules, "rule")} in ${plural(done.files, "file")}.`;
    });
  };
  return (
    <Card
      title="Rules, in the order in which they are asked"
      wide
      aside={
        <button type="button" class="small" onClick={reload}>
          Reload the files
        </button>
      }
    >
      <div class="bar">
        <input type="search" aria-label="Filter the rules" placeholder="Filter: name, file, pack …" value={text} onInput={(event) => setText(event.currentTarget.value)} />
        <Select label="Kind" hideLabel value={kind} options={KINDS} change={setKind} />
      </div>
      <div class="row head" aria-hidden="true">
        <span>Rule</span>
        <span>Where it stands</span>
        <span class="number">Tried</span>
        <span class="number">Answered</span>
      </div>
      <Rows
        label="Rules and modifiers"
        rows={shown}
        id={(rule) => rule.id}
        height={34}
        fit
        chosen={chosen}
        choose={(rule) => choose(rule.id)}
        tone={(rule) => `rule ${rule.kind}`}
        show={(rule) => (
          <>
            <span class="r-name">
              {named(rule.id).name}
              {rule.kind === "modifier" ? <span class="tag quiet">modifier</span> : null}
              {rule.layer === "overlay" ? <span class="tag">overlay</span> : null}
              {rule.session ? <span class="tag">session {rule.session}</span> : null}
            </span>
            <span class="r-where" title={rule.where}>{rule.where}</span>
            <span class="number">{count(rule.tries)}</span>
            <span class="number hits">
              <i style={{ width: `${(rule.answers / most) * 100}%` }} />
              <b>{count(rule.answers)}</b>
            </span>
          </>
        )}
        empty={
          rules?.length ? (
            <Empty title="Nothing passes this filter." />
          ) : (
            <Empty title={rules ? "No rule is loaded." : "Loading …"}>
              {rules ? <p>Write one into a file of your scenarios folder: it answers as soon as it is saved.</p> : null}
            </Empty>
          )
        }
      />
    </Card>
  );
}

function Stale(): JSX.Element | null {
  const known = useCell(health);
  if (!known?.stale.length) return null;
  return (
    <section class="card wide alarm" aria-labelledby="stale">
      <header>
        <h2 id="stale">{plural(known.stale.length, "file")} could not be loaded</h2>
      </header>
      <ul class="stale">
        {known.stale.map((each) => (
          <li>
            <strong>{each.file}</strong>
            <span>{each.left_out ? "left out: there is no version before" : "its last good version answers"}</span>
            <pre>{each.reason}</pre>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Misses(): JSX.Element {
  const version = useCell(log.changed);
  const missed = useMemo(() => {
    const found = new Map<string, { kind: string; last: Summary; times: number }>();
    for (const each of log.held) {
      if (!each.missed) continue;
      const kind = `${each.method} ${each.path.split("?")[0]} ${each.model ?? ""} ${each.session ?? ""}`;
      const before = found.get(kind)?.times ?? 0;
      found.delete(kind);
      found.set(kind, { kind, last: each, times: before + 1 });
    }
    return [...found.values()].reverse().slice(0, 20);
  }, [version]);
  return (
    <Card title="Missed: no rule matched" wide>
      {missed.length ? (
        <ul class="misses">
          {missed.map((each) => (
            <Miss key={each.kind} last={each.last} times={each.times} />
          ))}
        </ul>
      ) : (
        <Empty title="None.">
          <p>A request that no rule answers is listed here, with the rules that come nearest and what differed.</p>
        </Empty>
      )}
    </Card>
  );
}

function Miss(props: { last: Summary; times: number }): JSX.Element {
  const { last } = props;
  const [near, setNear] = useState<string[] | null>(null);
  const version = useCell(changes);
  useEffect(() => {
    let here = true;
    const wait = window.setTimeout(
      () => get<Detail>(`/api/requests/${last.id}`).then((found) => here && setNear(found.near_misses), () => undefined),
      near ? 1500 : 0,
    );
    return () => {
      here = false;
      window.clearTimeout(wait);
    };
  }, [near ? version : last.id]);
  return (
    <li>
      <div class="miss-head">
        <strong>
          {last.method} {last.path}
        </strong>
        <span>{last.model ?? ""}</span>
        {last.session ? <span class="tag">session {last.session}</span> : null}
        {props.times > 1 ? <span class="tag">{count(props.times)} times</span> : null}
        <span class="quiet">{clock(last.at)}</span>
        <button type="button" class="small" onClick={() => go("requests", last.id)} aria-label={`Look at request ${last.id}`}>
          Look
        </button>
      </div>
      {near?.length ? (
        <ul class="near">
          {near.map((each) => (
            <li>{each}</li>
          ))}
        </ul>
      ) : near ? (
        <p class="hint">No rule comes near.</p>
      ) : null}
    </li>
  );
}
