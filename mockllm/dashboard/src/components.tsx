// Components that all views share: tabs, notices, text to copy, fields and cards.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Problem } from "./api.ts";
import { Observable, useObservable } from "./observable.ts";

// --- tabs: arrow keys, Home and End move between them ----------------------------------------------------

/** A mark beside a tab's title: `word` is visible on wide pages, `says` only for screen readers. */
export interface Mark {
  text: string;
  word?: string;
  says?: string;
}

interface Tab {
  id: string;
  title: string;
  mark?: Mark | undefined;
}

export function Tabs(props: { label: string; tabs: Tab[]; chosen: string; choose: (id: string) => void }): JSX.Element {
  const buttons = useRef<Map<string, HTMLButtonElement>>(new Map());
  useEffect(() => {
    // on a narrow page the tabs scroll to the side
    buttons.current.get(props.chosen)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [props.chosen]);
  const move = (event: KeyboardEvent): void => {
    const ids = props.tabs.map((tab) => tab.id);
    // from the focused tab: a second key press may come before the page is drawn
    const index = ids.indexOf((event.target as HTMLElement).id.replace("tab-", ""));
    const target = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: ids.length - 1 }[event.key];
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
          aria-label={tab.mark ? `${tab.title}, ${tab.mark.says ?? `${tab.mark.text} ${tab.mark.word}`}` : undefined}
          tabIndex={tab.id === props.chosen ? 0 : -1}
          onClick={() => props.choose(tab.id)}
        >
          {tab.title}
          {tab.mark ? " " : null}
          {tab.mark ? (
            <span class={tab.mark.word ? "mark missed" : "mark"} title={tab.mark.says ?? `${tab.mark.text} ${tab.mark.word}`}>
              {tab.mark.word ? `${tab.mark.text} ${tab.mark.word}` : tab.mark.text}
            </span>
          ) : null}
        </button>
      ))}
    </div>
  );
}

// --- notices ------------------------------------------------------------------------------------------

const notice = new Observable<{ text: string; bad: boolean; number: number } | null>(null);

let notices = 0;

export function notify(text: string, bad = false): void {
  notice.set({ text, bad, number: ++notices });
}

/** Removes the notice of a problem: a later action has succeeded. */
export function clearProblem(): void {
  if (notice.value?.bad) notice.set(null);
}

/** Runs an action and shows its result as a notice. Returns the problem, if any. */
export async function attempt(action: () => Promise<string | void>): Promise<Problem | undefined> {
  try {
    const text = await action();
    if (text) notify(text);
    else clearProblem();
    return undefined;
  } catch (error) {
    const problem = error instanceof Problem ? error : new Problem(0, String(error));
    notify(problem.message, true);
    return problem;
  }
}

export function Notice(): JSX.Element {
  const latest = useObservable(notice);
  const [hidden, hide] = useState(0);
  useEffect(() => {
    if (!latest) return undefined;
    const timer = window.setTimeout(() => hide(latest.number), latest.bad ? 9000 : 4000);
    return () => window.clearTimeout(timer);
  }, [latest]);
  const shown = latest && latest.number !== hidden ? latest : null;
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

// --- text to copy --------------------------------------------------------------------------------------

export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea"); // a page without TLS has no clipboard API
    area.value = text;
    area.className = "hidden";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

export function Copy(props: { text: string; label?: string; what: string; disabled?: boolean }): JSX.Element {
  const [done, setDone] = useState(false);
  const copy = (): void => {
    void copyText(props.text).then(() => setDone(true));
    window.setTimeout(() => setDone(false), 1500);
  };
  return (
    <button type="button" class="small" disabled={props.disabled} onClick={copy} aria-label={props.label ? undefined : `Copy ${props.what}`}>
      {done ? "Copied" : (props.label ?? "Copy")}
    </button>
  );
}

const TOKEN = /(#.*$)|("(?:[^"\\]|\\.)*")|([A-Za-z_][\w. *%-]*)(?=:(?:\s|$))|(?<=[\s[,{])(-?\d[\w.%]*)/gm;

/** A text in the scenario language, with colours. */
export function Yaml(props: { text: string; what: string; quiet?: boolean; children?: ComponentChildren }): JSX.Element {
  const parts: ComponentChildren[] = [];
  let end = 0;
  for (const token of props.text.matchAll(TOKEN)) {
    parts.push(props.text.slice(end, token.index));
    const kind = token[1] ? "comment" : token[2] ? "text" : token[3] ? "key" : "number";
    parts.push(<span class={`y-${kind}`}>{token[0]}</span>);
    end = token.index + token[0].length;
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
          {props.list.map((value) => (
            <option value={value} />
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

export function TextArea(props: { label: string; value: string; change: (value: string) => void; placeholder?: string; rows?: number }): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <textarea id={id} rows={props.rows ?? 3} placeholder={props.placeholder ?? ""} value={props.value} onInput={(event) => props.change(event.currentTarget.value)} />
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
  const groups = [...new Set(props.options.map((option) => option.group))];
  const optionsOf = (group: string | undefined): JSX.Element[] =>
    props.options
      .filter((option) => option.group === group)
      .map((option) => (
        <option key={option.value} value={option.value} selected={option.value === props.value}>
          {option.title}
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
        {groups.map((group) => (group ? <optgroup label={group}>{optionsOf(group)}</optgroup> : optionsOf(group)))}
      </select>
      {props.hint ? (
        <p id={`${id}-hint`} class="hint">
          {props.hint}
        </p>
      ) : null}
    </div>
  );
}

/** A box that scrolls to the side. It shows where more of its content is. */
export function SideScroll(props: { label: string; children: ComponentChildren }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [more, setMore] = useState("");
  const look = (): void => {
    if (!box.current) return; // the observer may report once more after the view has changed
    const { scrollLeft, scrollWidth, clientWidth } = box.current;
    const left = scrollLeft > 1;
    const right = scrollLeft + clientWidth < scrollWidth - 1;
    setMore(left && right ? "both" : left ? "left" : right ? "right" : "");
  };
  useEffect(() => {
    const watch = new ResizeObserver(look);
    watch.observe(box.current!);
    watch.observe(box.current!.firstElementChild!);
    return () => watch.disconnect();
  }, []);
  return (
    <div class="scroll-frame" data-more={more || undefined}>
      <div class="scroll" ref={box} tabIndex={0} role="region" aria-label={props.label} data-more={more || undefined} onScroll={look}>
        {props.children}
      </div>
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
