// One request: its details, the selected rule and the reason, the response, and a suggested rule.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, get, maybe, Problem } from "./api.ts";
import { Compare } from "./compare.tsx";
import { ConversationView } from "./conversation_view.tsx";
import { asCurl, unrepeatable } from "./copy_as.ts";
import { CopyCode } from "./copy_code.tsx";
import { bytes, clock, duration, ruleName, shortPlace } from "./format.ts";
import type { Conversation, Detail, Explanation, Json, Pair } from "./models.ts";
import { Copy, Empty, attempt, TextArea, Yaml } from "./components.tsx";
import { refresh, useProviderOrigin } from "./feed.ts";
import { PLACEHOLDER } from "./overlay_editor.tsx";
import { Replay } from "./replay.tsx";
import { address, show, useRoute } from "./route.ts";
import { ruleAddress } from "./rule_address.ts";
import { scalar } from "./yaml.ts";
import { StreamAxis } from "./stream_axis.tsx";
import { tone } from "./tone.ts";

interface Loaded {
  detail: Detail;
  why: Explanation | null;
  rule: string | null;
  conversation: Conversation | null;
}

async function load(id: number): Promise<Loaded> {
  const [detail, why, rule, conversation] = await Promise.all([
    get<Detail>(`/api/requests/${id}`),
    call<Explanation>("POST", "/api/explain", { request_id: id }).catch(() => null),
    maybe<{ yaml: string }>(`/api/requests/${id}/rule`).catch(() => undefined),
    maybe<Conversation>(`/api/requests/${id}/conversation`).catch(() => undefined),
  ]);
  return { detail, why, rule: rule?.yaml ?? null, conversation: conversation ?? null };
}

export function RequestDetail(props: { id: number; close: () => void }): JSX.Element {
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [problem, setProblem] = useState("");
  const title = useRef<HTMLHeadingElement>(null);

  useEffect(() => {
    let mounted = true;
    const wait = window.setTimeout(() => {
      load(props.id).then(
        (result) => mounted && (setLoaded(result), setProblem("")),
        (error) => mounted && setProblem(error instanceof Problem ? error.message : String(error)),
      );
    }, 60); // while an arrow key is held down, only the last request is loaded
    return () => {
      mounted = false;
      window.clearTimeout(wait);
    };
  }, [props.id]);

  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.key === "Escape") props.close();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);

  return (
    <aside class="detail" aria-label={`Request ${props.id}`}>
      <header class="detail-head">
        <h2 ref={title}>Request {props.id}</h2>
        <button type="button" class="small" onClick={props.close} aria-label="Close the request">
          Close
        </button>
      </header>
      {problem ? <Empty title={problem} /> : loaded ? (
        // the buttons of the request before do nothing while the next one is loaded
        <div style={{ display: "contents" }} inert={loaded.detail.id !== props.id}>
          <Content {...loaded} />
        </div>
      ) : (
        <p class="quiet">Loading …</p>
      )}
    </aside>
  );
}

function Content(props: Loaded): JSX.Element {
  const { detail, why, conversation } = props;
  const origin = useProviderOrigin();
  const { query } = useRoute();
  const other = Number(query.get("with") ?? 0);
  const compare = (id: number | null): void => {
    const others = Object.fromEntries([...query].filter(([name]) => name !== "with"));
    show(address("requests", [detail.id], id === null ? others : { ...others, with: id }), true);
  };
  const obstacle = unrepeatable(detail);
  const makeRule = props.rule ? <MakeRule yaml={props.rule} id={detail.id} /> : null;
  return (
    <>
      <p class={`headline ${tone(detail)}`}>
        <strong>{detail.status}</strong> {detail.method} {detail.path}
      </p>
      <div class="actions">
        <Replay key={detail.id} detail={detail} />
        <Copy text={asCurl(detail, origin)} label="Copy as curl" what="the request as curl" disabled={obstacle !== null} />
        <CopyCode id={detail.id} disabled={obstacle !== null} />
        {other ? null : (
          <button type="button" class="small" onClick={() => compare(detail.id)}>
            Compare
          </button>
        )}
        {obstacle ? <span class="hint">{obstacle}</span> : null}
      </div>
      {other ? <Compare key={other} detail={detail} other={other} stop={() => compare(null)} /> : null}
      <dl class="facts">
        <DetailField name="Received">{clock(detail.at)}</DetailField>
        <DetailField name="Response time">{duration(detail.took)}</DetailField>
        <DetailField name="Endpoint">{detail.endpoint}</DetailField>
        <DetailField name="Model">{detail.model}</DetailField>
        <DetailField name="Client">{detail.client}</DetailField>
        <DetailField name="Key">{detail.key}</DetailField>
        <DetailField name="Session">{detail.session}</DetailField>
        <DetailField name="Error">{detail.error}</DetailField>
        <DetailField name="Faults">{detail.faults.join(", ")}</DetailField>
        <DetailField name="Modifiers">{detail.modifiers.map((id) => ruleName(id).name).join(", ")}</DetailField>
        <DetailField name="End">{detail.left === "finished" ? "complete" : detail.left}</DetailField>
        <DetailField name="Seed">{detail.seed}</DetailField>
        <DetailField name="Notes">{detail.notes.join("; ")}</DetailField>
      </dl>
      <ResponseReason detail={detail} why={why} />
      {detail.missed ? makeRule : null}
      {conversation ? <ConversationView conversation={conversation} /> : null}
      {conversation ? <StreamAxis events={conversation.events} faults={detail.faults} /> : null}
      <Part title="Request">
        <Headers pairs={detail.request.headers} />
        <Body json={detail.request.body} text={detail.request.text ?? detail.request.base64} what="the request" />
        {detail.request.whole ? null : <p class="hint">The body was too large to be stored completely.</p>}
      </Part>
      <Part title="Response">
        <Headers pairs={detail.response.headers} />
        <Chunks detail={detail} />
      </Part>
      {detail.missed ? null : makeRule}
    </>
  );
}

function DetailField(props: { name: string; children: ComponentChildren }): JSX.Element | null {
  if (props.children === null || props.children === "" || props.children === undefined) return null;
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

function Part(props: { title: string; children: ComponentChildren }): JSX.Element {
  return (
    <section class="part">
      <h3>{props.title}</h3>
      {props.children}
    </section>
  );
}

function ResponseReason(props: { detail: Detail; why: Explanation | null }): JSX.Element {
  const { detail, why } = props;
  return (
    <Part title={detail.missed ? "Why no rule matched" : "Why this response"}>
      {detail.rule ? (
        <p>
          Rule <a href={ruleAddress(detail.rule, detail.session)}>{detail.rule}</a>
          {why?.step && why.rule === detail.rule ? ` (${why.step})` : ""} was selected.
        </p>
      ) : null}
      {detail.near_misses.length ? (
        <ul class="near">
          {detail.near_misses.map((line) => (
            <li title={line}>{shortPlace(line)}</li>
          ))}
        </ul>
      ) : null}
      {why ? (
        <details open={detail.missed && !detail.near_misses.length}>
          <summary>
            Rules tried, as loaded now{why.rule && why.rule !== detail.rule ? `: ${why.rule} would be selected` : ""}
          </summary>
          <ol class="tried">
            {why.tried.map((entry) => (
              <li value={entry.number} class={entry.fate === "answers" ? "hit" : ""}>
                <span class="tried-name">{ruleName(entry.rule).name}</span> <span class="where">{entry.where}</span>
                <span class="fate">{entry.why ?? entry.fate}</span>
              </li>
            ))}
          </ol>
          {why.unshown ? <p class="hint">and {why.unshown} more that did not match</p> : null}
        </details>
      ) : null}
    </Part>
  );
}

function MakeRule(props: { yaml: string; id: number }): JSX.Element {
  const [reply, setReply] = useState("");
  const edit = (): void => show(address("rules", ["new"], { from: props.id }));
  const yaml = reply.trim() ? props.yaml.replace(PLACEHOLDER, () => scalar(reply)) : props.yaml;
  const add = (): void => {
    void attempt(async () => {
      const done = await call<{ names: string[] }>("POST", "/api/rules", yaml);
      await refresh();
      return `${done.names.join(", ")} is active and part of the overlay.`;
    });
  };
  return (
    <Part title="Make a rule from this request">
      <TextArea label="Reply" value={reply} change={setReply} placeholder="The text of the response" />
      <Yaml text={yaml} what="the rule made from this request">
        <button type="button" class="small" onClick={edit}>
          New rule from this request …
        </button>
        <button type="button" class="small" disabled={yaml.includes(PLACEHOLDER)} onClick={add}>
          Add to the overlay
        </button>
      </Yaml>
    </Part>
  );
}

function Headers(props: { pairs: Pair[] }): JSX.Element {
  return (
    <details>
      <summary>{props.pairs.length} headers</summary>
      <dl class="headers">
        {props.pairs.map((pair) => (
          <div>
            <dt>{pair.name}</dt>
            <dd>{pair.value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

function Body(props: { json: Json; text: string | null; what: string }): JSX.Element | null {
  const text = props.json === null ? props.text : JSON.stringify(props.json, null, 2);
  if (!text) return null;
  return (
    <figure class="yaml quiet">
      <pre tabIndex={0} role="group" aria-label={`Body of ${props.what}`}>
        <code>{text.length > 20000 ? `${text.slice(0, 20000)}\n… ${bytes(text.length)} in total` : text}</code>
      </pre>
      <figcaption>
        <Copy text={text} what={`the body of ${props.what}`} />
      </figcaption>
    </figure>
  );
}

const FIRST_CHUNKS = 60;

function Chunks(props: { detail: Detail }): JSX.Element {
  const { chunks } = props.detail.response;
  const [all, setAll] = useState(false);
  if (!chunks.length) return <p class="hint">Nothing was sent.</p>;
  if (chunks.length === 1) {
    const only = chunks[0]!;
    return <Body json={parseJson(only.text)} text={only.text ?? only.base64} what="the response" />;
  }
  const shown = all ? chunks : chunks.slice(0, FIRST_CHUNKS);
  return (
    <>
      <ol class="chunks" tabIndex={0} aria-label="Chunks of the response">
        {shown.map((chunk) => (
          <li>
            <span class="at">{duration(chunk.at)}</span>
            <code>{(chunk.text ?? `base64: ${chunk.base64}`).trim()}</code>
          </li>
        ))}
      </ol>
      {shown.length < chunks.length ? (
        <button type="button" class="small" onClick={() => setAll(true)}>
          Show all {chunks.length}
        </button>
      ) : null}
    </>
  );
}

function parseJson(text: string | null): Json {
  try {
    return text ? (JSON.parse(text) as Json) : null;
  } catch {
    return null;
  }
}

