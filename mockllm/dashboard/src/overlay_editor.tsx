// The editor of a rule of the overlay. While it is typed, the server says what is wrong, and which of the last
// requests the rule would respond to.

import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { call, Problem, type FieldError } from "./api.ts";
import { attempt } from "./components.tsx";
import type { Editor } from "./editor_bundle.ts";
import { EditorHost } from "./editor_host.tsx";
import { refresh } from "./feed.ts";
import type { Preview } from "./models.ts";
import { Diagnostics } from "./diagnostics.tsx";
import { address, show } from "./route.ts";
import { closePane, Pane } from "./pane.tsx";
import { ruleAddress, rulePath } from "./rule_address.ts";
import { RulePreview } from "./rule_preview.tsx";

/** The server writes this in place of the reply that a suggested rule lacks. */
export const PLACEHOLDER = "Write the reply here.";

/** Texts that are not saved, by the key of what is edited: they come back when it is opened again. */
const drafts = new Map<string, string>();

interface Props {
  title: string;
  text: string;
  /** The item of the overlay that is edited; null for a new one. */
  name: string | null;
  session: string | null;
  /** The key of its draft. */
  draft: string;
}

export function OverlayEditor(props: Props): JSX.Element {
  const [text, setText] = useState(drafts.get(props.draft) ?? props.text);
  const [preview, setPreview] = useState<Preview | null>(null);
  const [errors, setErrors] = useState<FieldError[]>([]);
  const editor = useRef<Editor | null>(null);
  const checks = useRef(0);
  const query = new URLSearchParams();
  if (props.session) query.set("session", props.session);
  const blank = text.includes(PLACEHOLDER);

  const change = (typed: string): void => {
    setText(typed);
    if (typed !== props.text) drafts.set(props.draft, typed);
    else drafts.delete(props.draft);
  };
  const check = async (typed: string): Promise<FieldError[]> => {
    const parameters = new URLSearchParams(query);
    if (props.name) parameters.set("name", props.name);
    const number = ++checks.current;
    const show = (errors: FieldError[], found?: Preview): FieldError[] => {
      if (number !== checks.current) return errors; // a later text is checked already
      setErrors(errors);
      if (found && !errors.length) setPreview(found);
      return errors;
    };
    try {
      const found = await call<Preview>("POST", `/api/rules/preview?${parameters}`, typed);
      return show(found.errors, found);
    } catch (error) {
      return show([{ field: "", message: error instanceof Problem ? error.message : String(error) }]);
    }
  };
  const save = (): void => {
    const typed = editor.current?.text() ?? text;
    if (typed.includes(PLACEHOLDER)) return;
    void attempt(async () => {
      const done = await (props.name
        ? call<{ names: string[] }>("PUT", rulePath(props.name, props.session), typed)
        : call<{ names: string[] }>("POST", `/api/rules?${query}`, typed));
      drafts.delete(props.draft);
      await refresh();
      const [first] = done.names;
      show(first ? ruleAddress(`${props.session ? "session" : "overlay"}:${first}`, props.session) : address("rules"), true);
      return `${done.names.join(", ")} is active and part of the overlay.`;
    });
  };
  return (
    <Pane title={props.title}>
      <EditorHost
        label={props.title}
        text={text}
        single
        readOnly={false}
        change={change}
        check={check}
        save={save}
        opened={(opened) => {
          editor.current = opened;
          opened.select(PLACEHOLDER);
          opened.check();
        }}
      />
      <Diagnostics errors={errors} go={(line, column) => editor.current?.go(line, column)} />
      <div class="actions">
        <button type="button" class="primary" disabled={blank || errors.length > 0} onClick={save}>
          {props.name ? "Save in the overlay" : "Add to the overlay"}
        </button>
        <button type="button" onClick={() => (drafts.delete(props.draft), closePane())}>
          Cancel
        </button>
        {blank ? <span class="hint">Write the reply first: it still has its placeholder.</span> : null}
        <span class="hint keys">
          <kbd>Ctrl</kbd> <kbd>Space</kbd> completes, <kbd>Ctrl</kbd> <kbd>S</kbd> saves
        </span>
      </div>
      {preview ? <RulePreview preview={preview} stale={errors.length > 0} /> : null}
    </Pane>
  );
}
