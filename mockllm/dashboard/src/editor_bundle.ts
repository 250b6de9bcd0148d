// CodeMirror with the scenario language: completion and descriptions from the JSON Schema, the server's diagnostics.
// It is a separate bundle (`editor.js`), which the page loads when an editor opens.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, forceLinting, linter, lintGutter, lintKeymap } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView, highlightActiveLine, hoverTooltip, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { describe, keys, start, values, walk, type Choice } from "./scenario_schema.ts";
import { placeAt, type YamlPosition } from "./yaml_path.ts";

export { withoutKeys } from "./yaml_item.ts";

export interface EditorDiagnostic {
  message: string;
  line?: number | undefined;
  column?: number | undefined;
}

export interface EditorOptions {
  text: string;
  label: string;
  /** Whether the text may be a single rule or modifier. */
  single: boolean;
  readOnly: boolean;
  change: (text: string) => void;
  /** Returns the diagnostics of a text; called while it is typed. */
  check: (text: string) => Promise<EditorDiagnostic[]>;
  save: () => void;
}

export interface Editor {
  text: () => string;
  replace: (text: string) => void;
  /** Moves the cursor to a line and column, counted from 1, and the focus to the editor. */
  go: (line: number, column?: number) => void;
  /** Selects the first occurrence of a text. */
  select: (text: string) => void;
  /** Checks the text again. */
  check: () => void;
  destroy: () => void;
}

const DELAY = 250;

const highlight = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent)" },
  { tag: [tags.string, tags.content], color: "var(--text)" },
  { tag: tags.special(tags.string), color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--warn)" },
  { tag: [tags.comment, tags.meta], color: "var(--quiet)" },
  { tag: [tags.separator, tags.punctuation, tags.brace, tags.squareBracket], color: "var(--quiet)" },
]);

const look = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--sunk)", fontSize: "13px", height: "100%" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55", overflow: "auto" },
  ".cm-content": { caretColor: "var(--text)", padding: "0.5rem 0" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--sunk)", color: "var(--quiet)", border: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent) 8%, transparent)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground, ::selection": { backgroundColor: "color-mix(in srgb, var(--accent) 28%, transparent) !important" },
  ".cm-tooltip": { backgroundColor: "var(--card)", color: "var(--text)", border: "1px solid var(--edge)", borderRadius: "7px", boxShadow: "0 6px 24px rgb(10 14 24 / 25%)", fontFamily: "system-ui, sans-serif", fontSize: "13px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxHeight: "16em" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--accent-text)" },
  ".cm-completionInfo, .cm-hover": { padding: "0.4rem 0.6rem", maxWidth: "26rem", lineHeight: "1.4" },
  ".cm-completionDetail": { fontStyle: "normal", opacity: "0.75", marginLeft: "1em" },
  ".cm-diagnostic": { padding: "0.3rem 0.6rem", whiteSpace: "pre-wrap", maxWidth: "34rem" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad)", textUnderlineOffset: "3px" },
});

function placeOf(state: EditorState, position: number): YamlPosition | null {
  const line = state.doc.lineAt(position);
  const lines: string[] = [];
  for (let number = 1; number < line.number; number++) lines.push(state.doc.line(number).text);
  lines.push(line.text.slice(0, position - line.from));
  return placeAt(lines);
}

function complete(single: boolean) {
  return (context: CompletionContext): CompletionResult | null => {
    const place = placeOf(context.state, context.pos);
    if (!place) return null;
    const from = context.state.doc.lineAt(context.pos).from + place.start;
    if (!context.explicit && from === context.pos) return null; // it opens at a first letter, or by its key
    const schemas = walk(start(single), place.path);
    const choices = place.key === null ? [...keys(schemas)] : values(walk(schemas, [place.key]));
    if (!choices.length) return null;
    return {
      from,
      validFor: /^[\w-]*$/,
      options: choices.map((choice: Choice) => ({
        label: choice.name,
        detail: choice.type,
        ...(choice.about ? { info: choice.about } : {}),
        type: place.key === null ? "property" : "constant",
        apply: place.key === null ? `${choice.name}: ` : choice.name,
      })),
    };
  };
}

function hover(single: boolean) {
  return hoverTooltip((view, position) => {
    const line = view.state.doc.lineAt(position);
    const found = /[\w-]+(?=\s*:)/g;
    for (const match of line.text.matchAll(found)) {
      const from = line.from + match.index;
      const to = from + match[0].length;
      if (position < from || position > to) continue;
      const place = placeOf(view.state, from);
      const choice = place && describe(single, place.path, match[0]);
      if (!choice?.about) return null;
      return {
        pos: from,
        end: to,
        above: true,
        create: () => {
          const dom = document.createElement("div");
          dom.className = "cm-hover";
          dom.textContent = choice.about;
          return { dom };
        },
      };
    }
    return null;
  });
}

function located(state: EditorState, diagnostics: EditorDiagnostic[]): Diagnostic[] {
  return diagnostics.map(({ message, line, column }) => {
    const at = state.doc.line(Math.max(1, Math.min(line ?? 1, state.doc.lines)));
    const from = Math.min(at.to, at.from + Math.max(0, (column ?? 1) - 1));
    const word = /^[^\s:,{}[\]]+/.exec(at.text.slice(from - at.from));
    return { from, to: from + (word ? word[0].length : 0), severity: "error", message };
  });
}

/** Text that replaces a selection is not left to the browser: it would keep the colours of the selection by an inline
 *  style, which the page's policy forbids and reports. */
const replaced = EditorView.domEventHandlers({
  beforeinput: (event, view) => {
    if (event.inputType !== "insertText" || event.isComposing || event.data === null || view.state.readOnly) return false;
    if (view.state.selection.main.empty && !event.data.includes("\n")) return false;
    event.preventDefault();
    view.dispatch({ ...view.state.replaceSelection(event.data), userEvent: "input.type", scrollIntoView: true });
    return true;
  },
});

/** Opens an editor in an element. It is in a shadow root: there its styles need no permission of the page's policy. */
export function openEditor(parent: HTMLElement, options: EditorOptions): Editor {
  const shadow = parent.shadowRoot ?? parent.attachShadow({ mode: "open" });
  const box = document.createElement("div");
  box.style.height = "100%";
  shadow.replaceChildren(box);
  const view = new EditorView({
    parent: box,
    root: shadow,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        lineNumbers(),
        replaced,
        history(),
        indentUnit.of("  "),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        highlightActiveLine(),
        yaml(),
        syntaxHighlighting(highlight),
        look,
        EditorState.readOnly.of(options.readOnly),
        EditorView.contentAttributes.of({ "aria-label": options.label, tabindex: "0" }),
        autocompletion({ override: [complete(options.single)], activateOnTyping: true, icons: false }),
        hover(options.single),
        lintGutter(),
        linter(async (edited) => located(edited.state, await options.check(edited.state.doc.toString())), { delay: DELAY }),
        keymap.of([
          { key: "Mod-s", preventDefault: true, run: () => (options.save(), true) },
          { key: "Mod-Enter", run: () => (options.save(), true) },
          ...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap,
        ]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) options.change(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    text: () => view.state.doc.toString(),
    replace: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    go: (line, column = 1) => {
      const at = view.state.doc.line(Math.max(1, Math.min(line, view.state.doc.lines)));
      const position = Math.min(at.to, at.from + column - 1);
      view.dispatch({ selection: { anchor: position }, effects: EditorView.scrollIntoView(position, { y: "center" }) });
      view.focus();
    },
    select: (text) => {
      const from = view.state.doc.toString().indexOf(text);
      if (from >= 0) view.dispatch({ selection: { anchor: from, head: from + text.length } });
      view.focus();
    },
    check: () => forceLinting(view),
    destroy: () => view.destroy(),
  };
}
