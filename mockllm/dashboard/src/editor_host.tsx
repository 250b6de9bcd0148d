// The element that holds the editor. It loads the editor's bundle when the first one opens.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Editor, EditorOptions } from "./editor_bundle.ts";

type Bundle = typeof import("./editor_bundle.ts");

const ADDRESS = "/dashboard/editor.js"; // not a literal below: the build must not put it into the page's own bundle
let loading: Promise<Bundle> | null = null;

export function loadEditor(): Promise<Bundle> {
  loading ??= import(ADDRESS) as Promise<Bundle>;
  loading.catch(() => (loading = null));
  return loading;
}

interface Props extends Omit<EditorOptions, "label"> {
  label: string;
  opened: (editor: Editor) => void;
}

export function EditorHost(props: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const [state, setState] = useState<"loading" | "open" | "failed">("loading");
  useEffect(() => {
    let editor: Editor | null = null;
    let mounted = true;
    loadEditor().then(
      (bundle) => {
        if (!mounted || !box.current) return;
        editor = bundle.openEditor(box.current, {
          text: latest.current.text,
          label: latest.current.label,
          single: latest.current.single,
          readOnly: latest.current.readOnly,
          change: (text) => latest.current.change(text),
          check: (text) => latest.current.check(text),
          save: () => latest.current.save(),
        });
        setState("open");
        latest.current.opened(editor);
      },
      () => mounted && setState("failed"),
    );
    return () => {
      mounted = false;
      editor?.destroy();
    };
  }, []);
  return (
    <>
      {state === "loading" ? <p class="quiet">Loading the editor …</p> : null}
      {state === "failed" ? <p class="hint bad">The editor could not be loaded.</p> : null}
      <div class="editor" ref={box} />
    </>
  );
}
