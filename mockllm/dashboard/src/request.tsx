// One request: what came, what answered it and why, what was sent when, and a rule made of it.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, get, maybe, Problem } from "./api.ts";
import { bytes, clock, duration, named } from "./format.ts";
import type { Detail, Explanation, Json, Pair } from "./models.ts";
import { Copy, Empty, tried, Yaml } from "./parts.tsx";
import { refresh } from "./feed.ts";
import { tone } from "./requests.tsx";

interface Known {
  detail: Detail;
  why: Explanation | null;
  rule: string | null;
}

async function known(id: number): Promise<Known> {
  const [detail, why, rule] = await Promise.all([
    get<Detail>(`/api/requests/${id}`),
    call<Explanation>("POST", "/api/explain", { request_id: id }).catch(() => null),
    maybe<{ yaml: string }>(`/api/requests/${id}/rule`).catch(() => undefined),
  ]);
  return { detail, why, rule: rule?.yaml ?? null };
}

export function Request(props: { id: number; close: () => void }): JSX.Element {
  const [held, setHeld] = useState<Known | null>(null);
  const [problem, setProblem] = useState("");
  const title = useRef<HTMLHeadingElement>(null);

  useEffect(() => {
    let here = true;
    const wait = window.setTimeout(() => {
      known(props.id).then(
        (found) => here && (setHeld(found), setProblem("")),
        (error) => here && setProblem(error instanceof Problem ? error.message : String(error)),
      );
    }, 60); // whoever holds an arrow key down asks for the last one only
    return () => {
      here = false;
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
      {problem ? <Empty title={problem} /> : held ? <Shown {...held} /> : <p class="quiet">Loading …</p>}
    </aside>
  );
}

function Shown(props: Known): JSX.Element {
  const { detail, why } = props;
  return (
    <>
      <p class={`headline ${tone(detail)}`}>
        <strong>{detail.status}</strong> {detail.method} {detail.path}
      </p>
      <dl class="facts">
        <Fact name="Came">{clock(detail.at)}</Fact>
        <Fact name="Took">{duration(detail.took)}</Fact>
        <Fact name="Endpoint">{detail.endpoint}</Fact>
        <Fact name="Model">{detail.model}</Fact>
        <Fact name="Client">{detail.client}</Fact>
        <Fact name="Key">{detail.key}</Fact>
        <Fact name="Session">{detail.session}</Fact>
        <Fact name="Error">{detail.error}</Fact>
        <Fact name="Faults">{detail.faults.join(", ")}</Fact>
        <Fact name="Modifiers">{detail.modifiers.map((id) => named(id).name).join(", ")}</Fact>
        <Fact name="Left">{detail.left === "finished" ? "with the whole answer" : detail.left}</Fact>
        <Fact name="Seed">{detail.seed}</Fact>
        <Fact name="Notes">{detail.notes.join("; ")}</Fact>
      </dl>
      <Why detail={detail} why={why} />
      {props.rule ? <MakeRule yaml={props.rule} /> : null}
      <Part title="Asked">
        <Headers pairs={detail.request.headers} />
        <Body json={detail.request.body} text={detail.request.text ?? detail.request.base64} what="the request" />
        {detail.request.whole ? null : <p class="hint">It was too large to be kept as a whole.</p>}
      </Part>
      <Part title="Answered">
        <Headers pairs={detail.response.headers} />
        <Chunks detail={detail} />
      </Part>
    </>
  );
}

function Fact(props: { name: string; children: ComponentChildren }): JSX.Element | null {
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

function Why(props: { detail: Detail; why: Explanation | null }): JSX.Element {
  const { detail, why } = props;
  return (
    <Part title={detail.missed ? "Why no rule answered" : "Why this answer"}>
      {detail.rule ? (
        <p>
          Rule <code>{detail.rule}</code>
          {why?.step && why.rule === detail.rule ? ` (${why.step})` : ""} answered.
        </p>
      ) : null}
      {detail.near_misses.length ? (
        <ul class="near">
          {detail.near_misses.map((each) => (
            <li>{each}</li>
          ))}
        </ul>
      ) : null}
      {why ? (
        <details open={detail.missed && !detail.near_misses.length}>
          <summary>
            What was tried, as the rules are now{why.rule && why.rule !== detail.rule ? `: ${why.rule} would answer` : ""}
          </summary>
          <ol class="tried">
            {why.tried.map((each) => (
              <li value={each.number} class={each.fate === "answers" ? "hit" : ""}>
                <span class="tried-name">{named(each.rule).name}</span> <span class="where">{each.where}</span>
                <span class="fate">{each.why ?? each.fate}</span>
              </li>
            ))}
          </ol>
          {why.unshown ? <p class="hint">and {why.unshown} more that did not match</p> : null}
        </details>
      ) : null}
    </Part>
  );
}

function MakeRule(props: { yaml: string }): JSX.Element {
  const add = (): void => {
    void tried(async () => {
      const done = await call<{ names: string[] }>("POST", "/api/rules", props.yaml);
      await refresh();
      return `${done.names.join(", ")} answers from now on; it is in the overlay.`;
    });
  };
  return (
    <Part title="Make a rule from this request">
      <Yaml text={props.yaml} what="the rule made from this request">
        <button type="button" class="small" onClick={add}>
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
        <code>{text.length > 20000 ? `${text.slice(0, 20000)}\n… ${bytes(text.length)} in all` : text}</code>
      </pre>
      <figcaption>
        <Copy text={text} what={`the body of ${props.what}`} />
      </figcaption>
    </figure>
  );
}

const FEW = 60;

function Chunks(props: { detail: Detail }): JSX.Element {
  const { chunks } = props.detail.response;
  const [all, setAll] = useState(false);
  if (!chunks.length) return <p class="hint">Nothing was sent.</p>;
  if (chunks.length === 1) {
    const only = chunks[0]!;
    return <Body json={parsed(only.text)} text={only.text ?? only.base64} what="the answer" />;
  }
  const shown = all ? chunks : chunks.slice(0, FEW);
  return (
    <>
      <ol class="chunks" tabIndex={0} aria-label="Chunks of the answer">
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

function parsed(text: string | null): Json {
  try {
    return text ? (JSON.parse(text) as Json) : null;
  } catch {
    return null;
  }
}

