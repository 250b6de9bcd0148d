// A request as a conversation: turns, tools and results, and the response in neutral words.

import type { JSX } from "preact";
import type { Conversation, ConversationPart } from "./models.ts";
import { plural } from "./format.ts";

const LONG = 600;

function Text(props: { text: string }): JSX.Element {
  if (props.text.length <= LONG) return <p class="turn-text">{props.text}</p>;
  return (
    <details class="turn-text">
      <summary>{props.text.slice(0, 200)} …</summary>
      {props.text}
    </details>
  );
}

function Part(props: { part: ConversationPart }): JSX.Element {
  const { part } = props;
  if (part.kind === "text") return <Text text={part.text ?? ""} />;
  if (part.kind === "call") {
    return (
      <div class="tool-part">
        <span class="tag">calls {part.name}</span> <code>{JSON.stringify(part.arguments, null, 1)}</code>
      </div>
    );
  }
  if (part.kind.endsWith("result")) {
    return (
      <div class="tool-part">
        <span class={part.kind === "result" ? "tag good" : "tag bad"}>
          {part.kind} {part.name ? `of ${part.name}` : ""}
        </span>
        <Text text={part.text ?? ""} />
      </div>
    );
  }
  return (
    <div class="tool-part">
      <span class="tag quiet">{part.kind}</span> {part.text ? <Text text={part.text} /> : null}
    </div>
  );
}

function ConversationTurn(props: { role: string; parts: ConversationPart[] }): JSX.Element {
  return (
    <li class={`turn ${props.role}`}>
      <span class="role">{props.role}</span>
      <div>{props.parts.map((part) => <Part part={part} />)}</div>
    </li>
  );
}

export function ConversationView(props: { conversation: Conversation }): JSX.Element | null {
  const { system, tools, turns, response, left_out: leftOut } = props.conversation;
  if (!turns.length && !response) return null;
  const parts: ConversationPart[] = [];
  if (response) {
    for (const kind of ["thinking", "refusal", "text"] as const) {
      const text = response[kind];
      if (text) parts.push({ kind, text, name: null, id: null, arguments: null });
    }
    parts.push(...response.calls);
  }
  if (!turns.length && !parts.length && !response?.finish) return null;
  const tokens = response?.output_tokens == null ? "" : `, ${response.input_tokens} tokens in, ${response.output_tokens} out`;
  return (
    <section class="part">
      <h3>Conversation</h3>
      {tools.length ? <p class="hint">Offered tools: {tools.join(", ")}</p> : null}
      <ol class="turns" aria-label="Turns">
        {system ? <ConversationTurn role="system" parts={[{ kind: "text", text: system, name: null, id: null, arguments: null }]} /> : null}
        {leftOut ? <li class="hint">{plural(leftOut, "earlier turn")}</li> : null}
        {turns.map((turn) => <ConversationTurn role={turn.role} parts={turn.parts} />)}
        {parts.length ? <ConversationTurn role="response" parts={parts} /> : null}
      </ol>
      {response?.finish ? <p class="hint">Finish reason {response.finish}{tokens}</p> : null}
    </section>
  );
}
