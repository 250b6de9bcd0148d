// Keyboard shortcuts of the page, and the overlay that lists them. None acts while a person types.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { go, VIEWS, type View } from "./route.ts";

/** The second key of `g` and a key. */
const GOES: Record<string, View> = { l: "live", r: "requests", c: "control", u: "rules", v: "clients", h: "hunt", m: "mcp" };
const NAMES: Record<View, string> = { live: "Live", requests: "Requests", control: "Control", rules: "Rules", clients: "Clients", hunt: "Hunt", mcp: "MCP" };
const MOVES: Record<string, string> = { j: "ArrowDown", k: "ArrowUp" };
/** How long `g` waits for its second key, in milliseconds. */
const PATIENCE = 1500;

/** Whether an event comes from a field for text; the editor is in a shadow root, which hides it from `event.target`. */
function typing(event: Event): boolean {
  const [target] = event.composedPath();
  return target instanceof HTMLElement && (target.isContentEditable || !!target.closest("input, textarea, select, .cm-editor, [role=textbox]"));
}

/** Moves in the list of the view as its arrow keys do; false where the view has none. */
function move(key: string): boolean {
  const list = document.querySelector<HTMLElement>("main [role=listbox]");
  if (!list) return false;
  list.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  return true;
}

function focusSearch(): boolean {
  const field = document.querySelector<HTMLInputElement>("main input[type=search]");
  field?.focus();
  return !!field;
}

/** Returns whether the key did something. */
function act(key: string, after: string): boolean {
  if (after === "g") {
    const view = GOES[key];
    if (view) go(view);
    return !!view;
  }
  if (MOVES[key]) return move(MOVES[key]);
  if (key === "/") return focusSearch();
  const view = VIEWS[Number(key) - 1];
  if (view) go(view);
  return !!view;
}

export function Shortcuts(): JSX.Element {
  const [open, setOpen] = useState(false);
  const dialog = useRef<HTMLDialogElement>(null);
  const first = useRef({ key: "", at: 0 });
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event) || dialog.current?.open) return;
      const before = event.timeStamp - first.current.at < PATIENCE ? first.current.key : "";
      first.current = { key: before === "g" ? "" : event.key, at: event.timeStamp };
      if (event.key === "?") setOpen(true);
      else if (!act(event.key, before)) return;
      event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  useEffect(() => {
    if (open) dialog.current?.showModal();
  }, [open]);
  return (
    <>
      <button type="button" class="small shortcuts-button" onClick={() => setOpen(true)} aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)">
        ?
      </button>
      <dialog ref={dialog} class="shortcuts" aria-labelledby="shortcuts-title" onClose={() => setOpen(false)}>
        <h2 id="shortcuts-title">Keyboard shortcuts</h2>
        <dl>
          <Keys keys={["?"]} does="this list" />
          <Keys keys={["/"]} does="the search of the view" />
          <Keys keys={["j", "k"]} does="the next and the previous row of a list" />
          <Keys keys={["Esc"]} does="close what is open" />
          {Object.entries(GOES).map(([key, view]) => (
            <Keys key={key} keys={["g", key]} does={`the view ${NAMES[view]}`} />
          ))}
          <Keys keys={["1", "…", String(VIEWS.length)]} does="the views in their order" />
          <Keys keys={["Ctrl", "S"]} does="save, in the editor" />
        </dl>
        <p class="hint">None of them acts while you type.</p>
        <form method="dialog">
          <button type="submit">Close</button>
        </form>
      </dialog>
    </>
  );
}

function Keys(props: { keys: string[]; does: string }): JSX.Element {
  return (
    <div>
      <dt>
        {props.keys.map((key) => (
          <kbd>{key}</kbd>
        ))}
      </dt>
      <dd>{props.does}</dd>
    </div>
  );
}
