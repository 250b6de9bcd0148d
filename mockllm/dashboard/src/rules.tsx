// The rules in their order with counters, files that could not be loaded, and unmatched requests.

import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { call, get } from "./api.ts";
import { usePolled } from "./polling.ts";
import { useObservable } from "./observable.ts";
import { changes, health, log, refresh } from "./feed.ts";
import { clock, count, plural, ruleName } from "./format.ts";
import type { Detail, Rule, Summary } from "./models.ts";
import { Card, Empty, Select, attempt } from "./components.tsx";
import { go } from "./route.ts";
import { VirtualList } from "./virtual_list.tsx";

const KINDS = [
  { value: "", title: "Rules and modifiers" },
  { value: "rule", title: "Rules" },
  { value: "modifier", title: "Modifiers" },
  { value: "unused", title: "Never selected" },
];

/** Returns the polling interval in milliseconds: a response with thousands of rules is large. */
function pollInterval(result: { rules: Rule[] } | undefined | null): number {
  return (result?.rules.length ?? 0) > 500 ? 5000 : 500;
}

export function Rules(): JSX.Element {
  return (
    <div class="two">
      <Stale />
      <RuleList />
      <Unmatched />
    </div>
  );
}

function RuleList(): JSX.Element {
  const rules = usePolled<{ rules: Rule[] }>("/api/rules", pollInterval)?.rules ?? null;
  const [text, setText] = useState("");
  const [kind, setKind] = useState("");
  const [chosen, choose] = useState<string | null>(null);
  const shown = useMemo(() => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return (rules ?? []).filter(
      (rule) =>
        (kind === "" || (kind === "unused" ? rule.kind === "rule" && !rule.answers : rule.kind === kind)) &&
        words.every((word) => `${rule.id} ${rule.where} ${rule.layer} ${rule.session ?? ""}`.toLowerCase().includes(word)),
    );
  }, [rules, text, kind]);
  const most = Math.max(1, ...(rules ?? []).map((rule) => rule.answers));
  const reload = (): void => {
    void attempt(async () => {
      const done = await call<{ rules: number; files: number }>("POST", "/api/reload");
      await refresh();
      return `Reloaded: ${plural(done.rules, "rule")} in ${plural(done.files, "file")}.`;
    });
  };
  return (
    <Card
      title="Rules, in the order of matching"
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
        <span>Position</span>
        <span class="number">Tried</span>
        <span class="number">Selected</span>
      </div>
      <VirtualList
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
              {ruleName(rule.id).name}
              {rule.kind === "modifier" ? <span class="tag quiet">modifier</span> : null}
              {rule.layer === "overlay" ? <span class="tag">overlay</span> : null}
              {rule.session ? <span class="tag">session {rule.session}</span> : null}
            </span>
            <Where rule={rule} />
            <span class="number">{count(rule.tries)}</span>
            <span class="number hits">
              <i style={{ width: `${(rule.answers / most) * 100}%` }} />
              <b>{count(rule.answers)}</b>
            </span>
          </>
        )}
        empty={
          rules?.length ? (
            <Empty title="No rule matches this filter." />
          ) : (
            <Empty title={rules ? "No rule is loaded." : "Loading …"}>
              {rules ? <p>Write a rule into a file of your scenario folder: it is active as soon as you save the file.</p> : null}
            </Empty>
          )
        }
      />
    </Card>
  );
}

/** The position of a rule. Of a pack the path is not of interest, of a long path only its end. */
function Where(props: { rule: Rule }): JSX.Element {
  const { id, layer, where } = props.rule;
  const file = id.slice(0, Math.max(0, id.lastIndexOf(":")));
  const line = where.slice(where.lastIndexOf(":"));
  const slash = file.indexOf("/");
  if (layer === "pack" && slash > 0) {
    return (
      <span class="r-where" title={where}>
        pack <b>{file.slice(0, slash)}</b> {file.slice(slash + 1)}{line}
      </span>
    );
  }
  const name = where.lastIndexOf("/") + 1;
  return (
    <span class="r-where split-path" title={where}>
      <span class="path-start">{where.slice(0, name)}</span>
      <span>{where.slice(name)}</span>
    </span>
  );
}

function Stale(): JSX.Element | null {
  const server = useObservable(health);
  if (!server?.stale.length) return null;
  return (
    <section class="card wide alarm" aria-labelledby="stale">
      <header>
        <h2 id="stale">{plural(server.stale.length, "file")} could not be loaded</h2>
      </header>
      <ul class="stale">
        {server.stale.map((file) => (
          <li>
            <strong>{file.file}</strong>
            <span>{file.left_out ? "left out: it has no earlier version" : "its last valid version is active"}</span>
            <pre>{file.reason}</pre>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Unmatched(): JSX.Element {
  const version = useObservable(log.changed);
  const missed = useMemo(() => {
    const groups = new Map<string, { kind: string; last: Summary; times: number }>();
    for (const request of log.requests) {
      if (!request.missed) continue;
      const kind = `${request.method} ${request.path.split("?")[0]} ${request.model ?? ""} ${request.session ?? ""}`;
      const before = groups.get(kind)?.times ?? 0;
      groups.delete(kind);
      groups.set(kind, { kind, last: request, times: before + 1 });
    }
    return [...groups.values()].reverse().slice(0, 20);
  }, [version]);
  return (
    <Card title="Unmatched requests" wide>
      {missed.length ? (
        <ul class="misses">
          {missed.map((group) => (
            <UnmatchedGroup key={group.kind} last={group.last} times={group.times} />
          ))}
        </ul>
      ) : (
        <Empty title="None.">
          <p>A request that no rule matches is listed here, with its near misses and the differences.</p>
        </Empty>
      )}
    </Card>
  );
}

function UnmatchedGroup(props: { last: Summary; times: number }): JSX.Element {
  const { last } = props;
  const [near, setNear] = useState<string[] | null>(null);
  const version = useObservable(changes);
  useEffect(() => {
    let mounted = true;
    const wait = window.setTimeout(
      () => get<Detail>(`/api/requests/${last.id}`).then((detail) => mounted && setNear(detail.near_misses), () => undefined),
      near ? 1500 : 0,
    );
    return () => {
      mounted = false;
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
        <button type="button" class="small" onClick={() => go("requests", last.id)} aria-label={`Show request ${last.id}`}>
          Show
        </button>
      </div>
      {near?.length ? (
        <ul class="near">
          {near.map((line) => (
            <li>{line}</li>
          ))}
        </ul>
      ) : near ? (
        <p class="hint">There is no near miss.</p>
      ) : null}
    </li>
  );
}
