// The differences of two requests and their responses.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get, Problem } from "./api.ts";
import { DiffView } from "./diff_view.tsx";
import type { Detail, Pair } from "./models.ts";

function headers(pairs: Pair[]): string {
  return pairs.map(({ name, value }) => `${name}: ${value}`).sort().join("\n");
}

export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function request(detail: Detail): string {
  const { body, text, base64 } = detail.request;
  return body === null ? (text ?? base64 ?? "") : JSON.stringify(body, null, 2);
}

export function response(detail: Detail): string {
  return pretty(detail.response.chunks.map(({ text, base64 }) => text ?? base64 ?? "").join(""));
}

export function Compare(props: { detail: Detail; other: number; stop: () => void }): JSX.Element {
  const [other, setOther] = useState<Detail | string | null>(null);
  useEffect(() => {
    let mounted = true;
    get<Detail>(`/api/requests/${props.other}`).then(
      (found) => mounted && setOther(found),
      (error) => mounted && setOther(error instanceof Problem ? error.message : String(error)),
    );
    return () => void (mounted = false);
  }, [props.other]);
  const { detail } = props;
  const title = `Request ${props.other} (−) and request ${detail.id} (+)`;
  return (
    <section class="part compare" aria-label={title}>
      <h3>
        {title}{" "}
        <button type="button" class="small" onClick={props.stop}>
          Stop comparing
        </button>
      </h3>
      {other === null ? <p class="quiet">Loading …</p> : typeof other === "string" ? <p class="hint bad">{other}</p> : (
        <>
          {detail.id === other.id ? <p class="hint">Select another request in the list to compare it with this one.</p> : null}
          <h4>Rule and status</h4>
          <DiffView before={`${other.rule ?? "no rule"}\n${other.status}`} after={`${detail.rule ?? "no rule"}\n${detail.status}`} label="Rule and status" />
          <h4>Request</h4>
          <DiffView before={request(other)} after={request(detail)} label="Bodies of the requests" />
          <h4>Headers of the request</h4>
          <DiffView before={headers(other.request.headers)} after={headers(detail.request.headers)} label="Headers of the requests" />
          <h4>Response</h4>
          <DiffView before={response(other)} after={response(detail)} label="Bodies of the responses" />
        </>
      )}
    </section>
  );
}
