// One rule: its text, its counts, its last requests, and what can be done with it.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, get, Problem } from "./api.ts";
import { attempt, Empty, Yaml } from "./components.tsx";
import { changes, refresh } from "./feed.ts";
import { clock, count, duration, ruleName } from "./format.ts";
import type { RuleText, Summary } from "./models.ts";
import { useObservable } from "./observable.ts";
import { useItems } from "./overlay.tsx";
import { usePolled } from "./polling.ts";
import { address, go, show } from "./route.ts";
import { closePane, Pane } from "./pane.tsx";
import { ruleAddress, rulePath } from "./rule_address.ts";
import { useFiles } from "./scenario_files.ts";
import { switchedOff, switchOff, switchOn } from "./switched_off.ts";
import { tone } from "./tone.ts";

const LAST = 8;

/** Returns a rule, loaded again after each change; a message if it is gone. */
function useRule(id: string, session: string | null): RuleText | string | null {
  const changed = useObservable(changes);
  const [rule, setRule] = useState<RuleText | string | null>(null);
  useEffect(() => {
    let mounted = true;
    get<RuleText>(rulePath(id, session)).then(
      (found) => mounted && setRule(found),
      (error) => mounted && setRule(error instanceof Problem ? error.message : String(error)),
    );
    return () => void (mounted = false);
  }, [id, session, changed]);
  return rule;
}

export function RuleDetail(props: { id: string; session: string | null }): JSX.Element {
  const rule = useRule(props.id, props.session);
  const title = ruleName(props.id).name;
  if (rule === null) return <Pane title={title}><p class="quiet">Loading …</p></Pane>;
  if (typeof rule === "string") return <Pane title={title}><Empty title={rule} /></Pane>;
  return (
    <Pane title={title} tags={<span class="tag quiet">{rule.kind}</span>}>
      <dl class="facts">
        <div class="wide">
          <dt>Position</dt>
          <dd>
            {rule.pack ? `pack ${rule.pack}, ` : ""}
            <code>{rule.where}</code>
          </dd>
        </div>
        <div>
          <dt>Tried</dt>
          <dd>{count(rule.tries)}</dd>
        </div>
        <div>
          <dt>{rule.kind === "rule" ? "Selected" : "Applied"}</dt>
          <dd>{count(rule.answers)}</dd>
        </div>
      </dl>
      <Actions rule={rule} />
      {rule.yaml ? <Yaml text={rule.yaml} what="the rule" /> : <p class="hint">Its file has changed since it was loaded, and does not contain it any more.</p>}
      {rule.kind === "rule" ? <LastRequests rule={rule} /> : null}
    </Pane>
  );
}

function Actions(props: { rule: RuleText }): JSX.Element {
  const { rule } = props;
  const files = useFiles();
  const name = ruleName(rule.id).name;
  const added = rule.layer === "overlay" || rule.layer === "session";
  const path = rulePath(name, rule.session);
  const remove = (): void => {
    void attempt(async () => {
      await call("DELETE", path);
      await refresh();
      closePane();
      return `${name} is removed from the overlay.`;
    });
  };
  const off = (): void => {
    void attempt(async () => {
      const done = await switchOff(rule);
      closePane();
      return done;
    });
  };
  return (
    <div class="actions">
      {added ? <button type="button" class="primary" onClick={() => show(ruleAddress(rule.id, rule.session, "edit"))}>Edit</button> : null}
      {files?.writable && rule.file ? (
        <button type="button" class="primary" onClick={() => show(address("rules", ["file", rule.file!], { line: rule.line }))}>
          Edit in {rule.file}
        </button>
      ) : null}
      {added ? null : <button type="button" onClick={() => show(ruleAddress(rule.id, rule.session, "copy"))}>Copy to the overlay</button>}
      {rule.layer === "session" ? null : <button type="button" onClick={off}>Switch off</button>}
      {added ? <button type="button" class="danger" onClick={remove}>Delete</button> : null}
    </div>
  );
}

function LastRequests(props: { rule: RuleText }): JSX.Element {
  const { id, session } = props.rule;
  const query = new URLSearchParams({ limit: String(LAST), rule: id, ...(session ? { session } : {}) });
  const found = usePolled<{ requests: Summary[] }>(`/api/requests?${query}`, () => 1000);
  return (
    <section class="part">
      <h3>Last requests</h3>
      {found?.requests.length ? (
        <ul class="last">
          {found.requests.map((request) => (
            <li key={request.id} class={`row ${tone(request)}`}>
              <button type="button" class="link" onClick={() => go("requests", request.id)} aria-label={`Show request ${request.id}`}>
                {request.id}
              </button>
              <span class="c-time">{clock(request.at)}</span>
              <span class="c-status">{request.status}</span>
              <span>{request.model ?? request.path}</span>
              <span class="c-took">{duration(request.took)}</span>
            </li>
          ))}
        </ul>
      ) : (
        <p class="hint">The journal has no request with a response of this rule.</p>
      )}
    </section>
  );
}

export function SwitchedOffDetail(props: { name: string }): JSX.Element {
  const off = switchedOff(useItems()).find(({ item }) => item.name === props.name);
  const on = (): void => {
    void attempt(async () => {
      const done = await switchOn(off!);
      closePane();
      return done;
    });
  };
  return (
    <Pane title={off?.target ? ruleName(off.target).name : props.name} tags={<span class="tag warn">off</span>}>
      {off ? (
        <>
          <p>{off.target ? <>The overlay switches <code>{off.target}</code> off.</> : "This rule of the overlay is switched off."}</p>
          <div class="actions">
            <button type="button" class="primary" onClick={on}>
              Switch on
            </button>
          </div>
          <Yaml text={off.item.yaml} what="the item of the overlay" />
        </>
      ) : (
        <Empty title="It is not switched off." />
      )}
    </Pane>
  );
}
