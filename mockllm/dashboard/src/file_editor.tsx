// The editor of a scenario file. A file that another program has changed is never overwritten without a question.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, maybe, Problem, type FieldError } from "./api.ts";
import { notify } from "./components.tsx";
import { DiffView } from "./diff_view.tsx";
import type { Editor } from "./editor_bundle.ts";
import { EditorHost } from "./editor_host.tsx";
import { changes, refresh } from "./feed.ts";
import { Diagnostics } from "./diagnostics.tsx";
import type { FileContent, Stale } from "./models.ts";
import { useObservable } from "./observable.ts";
import { Pane } from "./pane.tsx";
import { useFiles } from "./scenario_files.ts";

const NEW = "rules:\n  - name: my-rule\n    match: {user: {contains: hello}}\n    reply: Hello.\n";

/** A version of the file. The editor's texts end lines with `\n`; `end` is that of the file. */
interface Version {
  text: string;
  end: string;
  digest: string;
}

interface Draft {
  text: string;
  /** The version of the file that the text is based on. */
  base: Version;
}

function versionOf({ text, digest }: FileContent): Version {
  return { text: text.replace(/\r\n?/g, "\n"), end: /\r?\n/.exec(text)?.[0] ?? "\n", digest };
}

/** Texts that are not saved, by the name of the file: they come back when the file is opened again. */
const drafts = new Map<string, Draft>();

function path(name: string, below = ""): string {
  return `/api/files/${encodeURIComponent(name)}${below}`;
}

export function FileEditor(props: { name: string; line: number }): JSX.Element {
  const [file, setFile] = useState<FileContent | null>(null);
  const [problem, setProblem] = useState("");
  const writable = useFiles()?.writable;
  useEffect(() => {
    maybe<FileContent>(path(props.name)).then(
      (found) => setFile(found ?? { name: props.name, digest: "", text: NEW, writable: true }),
      (error) => setProblem(error instanceof Problem ? error.message : String(error)),
    );
  }, [props.name]);
  if (problem) return <Pane title={props.name}><p class="hint bad">{problem}</p></Pane>;
  if (!file || writable === undefined) return <Pane title={props.name}><p class="quiet">Loading …</p></Pane>;
  return <Opened file={{ ...file, writable }} line={props.line} />;
}

function Opened(props: { file: FileContent; line: number }): JSX.Element {
  const { name, writable } = props.file;
  const [base, setBase] = useState(drafts.get(name)?.base ?? versionOf(props.file));
  const [text, setText] = useState(drafts.get(name)?.text ?? base.text);
  const [errors, setErrors] = useState<FieldError[]>([]);
  const [theirs, setTheirs] = useState<Version | null>(null);
  const editor = useRef<Editor | null>(null);
  const checks = useRef(0);
  const changed = useObservable(changes);
  const edited = text !== base.text || base.digest === "";
  useEffect(() => {
    if (text !== base.text) drafts.set(name, { text, base });
    else drafts.delete(name);
  }, [name, text, base]);

  const compare = async (): Promise<void> => {
    const found = versionOf((await maybe<FileContent>(path(name))) ?? { name, digest: "", text: "", writable });
    if (found.digest === base.digest) return setTheirs(null);
    const typed = editor.current?.text() ?? text;
    if (typed === base.text || typed === found.text) take(found);
    else setTheirs(found);
  };
  const take = (found: Version): void => {
    setBase(found);
    setTheirs(null);
    if (editor.current && editor.current.text() !== found.text) editor.current.replace(found.text);
  };
  useEffect(() => {
    if (base.digest) void compare().catch(() => undefined); // the server reports that files have changed
  }, [changed]);

  const check = async (typed: string): Promise<FieldError[]> => {
    const number = ++checks.current;
    const { errors: found } = await call<{ errors: FieldError[] }>("POST", path(name, "/check"), typed);
    if (number === checks.current) setErrors(found); // else a later text is checked already
    return found;
  };
  const save = async (): Promise<void> => {
    if (!writable) return;
    const typed = editor.current?.text() ?? text;
    try {
      const saved = await call<{ digest: string; loaded: boolean; stale: Stale[] }>("PUT", path(name, `?digest=${base.digest}`), typed.replaceAll("\n", base.end));
      setBase({ ...base, text: typed, digest: saved.digest });
      setTheirs(null);
      const broken = saved.stale.find(({ file }) => file.endsWith(name));
      notify(broken ? `${name} is saved, but not loaded: ${broken.reason}` : `${name} is saved${saved.loaded ? " and active" : "; this server does not reload"}.`, Boolean(broken));
      await refresh();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      notify(error.message, true);
      if (error.status === 409) await compare();
      else if (error.errors.length) setErrors(error.errors);
    }
  };
  return (
    <Pane title={name} tags={edited && writable ? <span class="tag warn">not saved</span> : null}>
      {writable ? null : <p class="hint">This file is shown only. To edit files here, start the server with <code>--edit</code>.</p>}
      {theirs ? (
        <section class="conflict" aria-label="Conflict">
          <p>
            <strong>{theirs.digest ? "The file has changed since you opened it." : "The file was deleted since you opened it."}</strong> From your text to the file:
          </p>
          <DiffView before={text} after={theirs.text} label="The difference between your text and the file" />
          <div class="actions">
            <button type="button" onClick={() => take(theirs)}>
              Use the file, drop my text
            </button>
            <button type="button" class="danger" onClick={() => (setBase(theirs), setTheirs(null))}>
              Keep my text to overwrite it
            </button>
          </div>
        </section>
      ) : null}
      <EditorHost
        label={name}
        text={text}
        single={false}
        readOnly={!writable}
        change={setText}
        check={check}
        save={() => void save()}
        opened={(opened) => {
          editor.current = opened;
          opened.go(props.line);
          opened.check();
        }}
      />
      <Diagnostics errors={errors} go={(line, column) => editor.current?.go(line, column)} />
      {writable ? (
        <div class="actions">
          <button type="button" class="primary" disabled={!edited || errors.length > 0 || theirs !== null} onClick={() => void save()}>
            Save the file
          </button>
          <button type="button" disabled={!edited || !base.digest} onClick={() => editor.current?.replace(base.text)}>
            Undo all
          </button>
        </div>
      ) : null}
      {edited && base.digest ? (
        <details>
          <summary>What you changed</summary>
          <DiffView before={base.text} after={text} label="The difference between the file and your text" />
        </details>
      ) : null}
    </Pane>
  );
}
