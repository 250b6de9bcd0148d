// Small things that all views are made of: tabs, fields, texts to copy, notices.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Problem } from "./api.ts";
import { Cell, useCell } from "./cells.ts";

// --- tabs: arrows, Home and End move between them ----------------------------------------------------

interface Tab {
  id: string;
  title: string;
  mark?: string | undefined;
}

export function Tabs(props: { label: string; tabs: Tab[]; chosen: string; choose: (id: string) => void }): JSX.Element {
  const buttons = useRef<Map<string, HTMLButtonElement>>(new Map());
  const move = (event: KeyboardEvent): void => {
    const ids = props.tabs.map((tab) => tab.id);
    // by where the focus is: a second press may come before the page is drawn
    const place = ids.indexOf((event.target as HTMLElement).id.replace("tab-", ""));
    const target = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: ids.length - 1 }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    const id = ids[(target + ids.length) % ids.length]!;
    props.choose(id);
    buttons.current.get(id)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={props.label} onKeyDown={move}>
      {props.tabs.map((tab) => (
        <button
          key={tab.id}
          ref={(button) => void (button && buttons.current.set(tab.id, button))}
          type="button"
          role="tab"
          id={`tab-${tab.id}`}
          aria-selected={tab.id === props.chosen}
          aria-controls={`view-${tab.id}`}
          tabIndex={tab.id === props.chosen ? 0 : -1}
          onClick={() => props.choose(tab.id)}
        >
          {tab.title}
          {tab.mark ? <span class="mark">{tab.mark}</span> : null}
        </button>
      ))}
    </div>
  );
}

// --- notices ------------------------------------------------------------------------------------------

const notice = new Cell<{ text: string; bad: boolean; number: number } | null>(null);

export function say(text: string, bad = false): void {
  notice.set({ text, bad, number: (notice.value?.number ?? 0) + 1 });
}

/** Runs something; tells how it ended. Gives the problem, or undefined. */
export async function tried(act: () => Promise<string | void>): Promise<Problem | undefined> {
  try {
    const text = await act();
    if (text) say(text);
    return undefined;
  } catch (error) {
    const problem = error instanceof Problem ? error : new Problem(0, String(error));
    say(problem.message, true);
    return problem;
  }
}

export function Notice(): JSX.Element {
  const told = useCell(notice);
  const [hidden, hide] = useState(0);
  useEffect(() => {
    if (!told) return undefined;
    const timer = window.setTimeout(() => hide(told.number), told.bad ? 9000 : 4000);
    return () => window.clearTimeout(timer);
  }, [told]);
  const shown = told && told.number !== hidden ? told : null;
  return (
    <div class="notices" role="status" aria-live="polite">
      {shown ? (
        <p class={shown.bad ? "notice bad" : "notice"}>
          {shown.text}
          <button type="button" aria-label="Dismiss" onClick={() => hide(shown.number)}>
            ×
          </button>
        </p>
      ) : null}
    </div>
  );
}

// --- texts to copy --------------------------------------------------------------------------------------

async function copied(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea"); // a page without TLS has no clipboard
    area.value = text;
    area.className = "hidden";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

export function Copy(props: { text: string; label?: string; what: string }): JSX.Element {
  const [done, setDone] = useState(false);
  const copy = (): void => {
    void copied(props.text).then(() => setDone(true));
    window.setTimeout(() => setDone(false), 1500);
  };
  return (
    <button type="button" class="small" onClick={copy} aria-label={`Copy ${props.what}`}>
      {done ? "Copied" : (props.label ?? "Copy")}
    </button>
  );
}

const TOKEN = /(#.*$)|("(?:[^"\\]|\\.)*")|([A-Za-z_][\w. *%-]*)(?=:(?:\s|$))|(?<=[\s[,{])(-?\d[\w.%]*)/gm;

/** A text in the scenario language, lightly coloured. */
export function Yaml(props: { text: string; what: string; quiet?: boolean; children?: ComponentChildren }): JSX.Element {
  const parts: ComponentChildren[] = [];
  let end = 0;
  for (const found of props.text.matchAll(TOKEN)) {
    parts.push(props.text.slice(end, found.index));
    const kind = found[1] ? "comment" : found[2] ? "text" : found[3] ? "key" : "number";
    parts.push(<span class={`y-${kind}`}>{found[0]}</span>);
    end = found.index + found[0].length;
  }
  parts.push(props.text.slice(end));
  return (
    <figure class={props.quiet ? "yaml quiet" : "yaml"}>
      <pre tabIndex={0} role="group" aria-label={props.what}>
        <code>{parts}</code>
      </pre>
      <figcaption>
        {props.children}
        <Copy text={props.text} what={props.what} />
      </figcaption>
    </figure>
  );
}

// --- fields ---------------------------------------------------------------------------------------------

interface FieldProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  value: string;
  change: (value: string) => void;
  placeholder?: string;
  list?: string[];
  narrow?: boolean;
}

export function Field(props: FieldProps): JSX.Element {
  const id = useId();
  return (
    <div class={props.narrow ? "field narrow" : "field"}>
      <label for={id}>{props.label}</label>
      <input
        id={id}
        type="text"
        value={props.value}
        placeholder={props.placeholder ?? ""}
        autocomplete="off"
        spellcheck={false}
        list={props.list ? `${id}-list` : undefined}
        aria-invalid={props.error ? true : undefined}
        aria-describedby={props.error || props.hint ? `${id}-hint` : undefined}
        onInput={(event) => props.change(event.currentTarget.value)}
      />
      {props.list ? (
        <datalist id={`${id}-list`}>
          {props.list.map((each) => (
            <option value={each} />
          ))}
        </datalist>
      ) : null}
      {props.error || props.hint ? (
        <p id={`${id}-hint`} class={props.error ? "hint bad" : "hint"}>
          {props.error ?? props.hint}
        </p>
      ) : null}
    </div>
  );
}

export interface Option {
  value: string;
  title: string;
  group?: string | undefined;
}

export function Select(props: {
  label: string;
  value: string;
  options: Option[];
  change: (value: string) => void;
  hint?: string | undefined;
  hideLabel?: boolean;
}): JSX.Element {
  const id = useId();
  const groups = [...new Set(props.options.map((each) => each.group))];
  const shown = (group: string | undefined): JSX.Element[] =>
    props.options
      .filter((each) => each.group === group)
      .map((each) => (
        <option key={each.value} value={each.value} selected={each.value === props.value}>
          {each.title}
        </option>
      ));
  return (
    <div class="field">
      <label for={id} class={props.hideLabel ? "unseen" : ""}>
        {props.label}
      </label>
      <select
        id={id}
        value={props.value}
        aria-describedby={props.hint ? `${id}-hint` : undefined}
        onChange={(event) => props.change(event.currentTarget.value)}
      >
        {groups.map((group) => (group ? <optgroup label={group}>{shown(group)}</optgroup> : shown(group)))}
      </select>
      {props.hint ? (
        <p id={`${id}-hint`} class="hint">
          {props.hint}
        </p>
      ) : null}
    </div>
  );
}

export function Card(props: {
  title: string;
  aside?: ComponentChildren;
  wide?: boolean;
  id?: string;
  children: ComponentChildren;
}): JSX.Element {
  const id = useId();
  return (
    <section class={props.wide ? "card wide" : "card"} aria-labelledby={id} id={props.id}>
      <header>
        <h2 id={id}>{props.title}</h2>
        {props.aside}
      </header>
      {props.children}
    </section>
  );
}

export function Empty(props: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <p class="empty-title">{props.title}</p>
      {props.children}
    </div>
  );
}
