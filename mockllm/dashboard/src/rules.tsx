// The rules in their order with counters. Beside them one rule, or the editor.

import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { call } from "./api.ts";
import { Card, Empty, Select, attempt } from "./components.tsx";
import { refresh } from "./feed.ts";
import { count, plural, ruleName } from "./format.ts";
import type { Rule } from "./models.ts";
import { useItems } from "./overlay.tsx";
import { usePolled } from "./polling.ts";
import { address, show, useRoute } from "./route.ts";
import { ruleAddress } from "./rule_address.ts";
import { paneKey, RulePane } from "./rule_pane.tsx";
import { RulePlace } from "./rule_place.tsx";
import { StaleFiles } from "./stale_files.tsx";
import { switchedOff } from "./switched_off.ts";
import { Unmatched } from "./unmatched.tsx";
import { VirtualList } from "./virtual_list.tsx";

const KINDS = [
  { value: "", title: "Rules and modifiers" },
  { value: "rule", title: "Rules" },
  { value: "modifier", title: "Modifiers" },
  { value: "unused", title: "Never selected" },
  { value: "off", title: "Switched off" },
];

/** A rule that is loaded, or one that is switched off. */
type ListedRule = Rule & { off?: boolean };

/** Returns the polling interval in milliseconds: a response with thousands of rules is large. */
function pollInterval(result: { rules: Rule[] } | undefined | null): number {
  return (result?.rules.length ?? 0) > 500 ? 5000 : 500;
}

export function Rules(): JSX.Element {
  const route = useRoute();
  const { rest } = route;
  return (
    <div class={rest.length ? (rest[0] === "rule" || rest[0] === "off" ? "rules open" : "rules open editing") : "rules"}>
      <div class="two">
        <StaleFiles />
        <RuleList chosen={rest[0] === "rule" || rest[0] === "off" ? rowKey(rest[1]!, route.query.get("session")) : null} />
        <Unmatched />
      </div>
      {rest.length ? <RulePane key={paneKey(route)} /> : null}
    </div>
  );
}

/** Returns the key of a row: rules of several sessions may have the same id. */
function rowKey(id: string, session: string | null): string {
  return session ? `${id} ${session}` : id;
}

function useRows(): ListedRule[] | null {
  const rules = usePolled<{ rules: Rule[] }>("/api/rules", pollInterval)?.rules ?? null;
  const items = useItems();
  return useMemo(() => {
    if (!rules) return null;
    const off = switchedOff(items).map(({ item, target }): ListedRule => ({
      id: item.name, kind: item.kind, where: target ?? "overlay.yaml", layer: "overlay", session: null, tries: 0, answers: 0, off: true,
    }));
    const loaded = new Set(rules.map(({ id }) => id)); // the two calls may show different moments
    return [...off.filter(({ id, where }) => where !== "overlay.yaml" || !loaded.has(`overlay:${id}`)), ...rules]; // as the overlay is first
  }, [rules, items]);
}

function RuleList(props: { chosen: string | null }): JSX.Element {
  const rules = useRows();
  const [text, setText] = useState("");
  const [kind, setKind] = useState("");
  const shown = useMemo(() => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return (rules ?? []).filter((rule) => isKind(rule, kind) && words.every((word) => `${rule.id} ${rule.where} ${rule.layer} ${rule.session ?? ""}`.toLowerCase().includes(word)));
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
        <>
          <button type="button" class="small" onClick={() => show(address("rules", ["new"]))}>
            New rule
          </button>
          <button type="button" class="small" onClick={() => show(address("rules", ["files"]))}>
            Files
          </button>
          <button type="button" class="small" onClick={reload}>
            Reload the files
          </button>
        </>
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
        id={(rule) => rowKey(rule.id, rule.session)}
        height={34}
        fit
        chosen={props.chosen}
        choose={(rule) => show(rule.off ? address("rules", ["off", rule.id]) : ruleAddress(rule.id, rule.session), props.chosen !== null)}
        tone={(rule) => `rule ${rule.kind} ${rule.off ? "off" : ""}`}
        show={(rule) => <RuleRow rule={rule} most={most} />}
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

function isKind(rule: ListedRule, kind: string): boolean {
  if (kind === "off") return rule.off === true;
  if (kind === "unused") return rule.kind === "rule" && !rule.answers && !rule.off;
  return kind === "" || rule.kind === kind;
}

function RuleRow(props: { rule: ListedRule; most: number }): JSX.Element {
  const { rule } = props;
  return (
    <>
      <span class="r-name">
        {rule.off ? rule.id : ruleName(rule.id).name}
        {rule.kind === "modifier" ? <span class="tag quiet">modifier</span> : null}
        {rule.layer === "overlay" ? <span class="tag">overlay</span> : null}
        {rule.session ? <span class="tag">session {rule.session}</span> : null}
        {rule.off ? <span class="tag warn">off</span> : null}
      </span>
      <RulePlace rule={rule} />
      <span class="number">{rule.off ? "–" : count(rule.tries)}</span>
      <span class="number hits">
        <i style={{ width: `${(rule.answers / props.most) * 100}%` }} />
        <b>{rule.off ? "–" : count(rule.answers)}</b>
      </span>
    </>
  );
}
