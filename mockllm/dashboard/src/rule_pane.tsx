// What is beside the list of rules: one rule, an editor for the overlay, or the files. The address selects it.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get, Problem } from "./api.ts";
import { Empty } from "./components.tsx";
import { FileEditor } from "./file_editor.tsx";
import { FileList } from "./file_list.tsx";
import { ruleName } from "./format.ts";
import type { RuleText } from "./models.ts";
import { OverlayEditor } from "./overlay_editor.tsx";
import { closePane, Pane } from "./pane.tsx";
import { type Route, useRoute } from "./route.ts";
import { rulePath } from "./rule_address.ts";
import { RuleDetail, SwitchedOffDetail } from "./rule_detail.tsx";
import { overlayCopy } from "./switched_off.ts";

const BLANK = "name: my-rule\nmatch:\n  user: {contains: hello}\nreply: Write the reply here.\n";

/** Returns the key of what the pane shows. */
export function paneKey({ rest, query }: Route): string {
  return JSON.stringify([rest, query.get("session"), query.get("from")]);
}

export function RulePane(): JSX.Element {
  const route = useRoute();
  const { rest, query } = route;
  const [what, name = ""] = rest;
  const session = query.get("session");
  const draft = paneKey(route);
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.key === "Escape" && !event.defaultPrevented && (what === "rule" || what === "off" || what === "files")) closePane();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [what]);
  if (what === "rule") return <RuleDetail id={name} session={session} />;
  if (what === "off") return <SwitchedOffDetail name={name} />;
  if (what === "files") return <FileList />;
  if (what === "file") return <FileEditor name={name} line={Number(query.get("line") ?? 1)} />;
  if (what === "new" && query.get("from")) {
    const from = query.get("from")!;
    return (
      <Loaded load={() => get<{ yaml: string }>(`/api/requests/${encodeURIComponent(from)}/rule`)} show={(found) => <OverlayEditor title={`New rule from request ${from}`} text={single(found.yaml)} name={null} session={null} draft={draft} />} />
    );
  }
  if (what === "new") return <OverlayEditor title="New rule" text={BLANK} name={null} session={null} draft={draft} />;
  const rule = (): Promise<RuleText> => get<RuleText>(rulePath(name, session));
  const own = ruleName(name).name;
  if (what === "copy") return <Loaded load={() => rule().then(overlayCopy)} show={(text) => <OverlayEditor title={`A copy of ${own} in the overlay`} text={text} name={null} session={null} draft={draft} />} />;
  return <Loaded load={rule} show={({ yaml, session }) => <OverlayEditor title={`Edit ${own}`} text={yaml ?? ""} name={own} session={session} draft={draft} />} />;
}

/** Returns the only rule of a scenario file without its list. */
function single(yaml: string): string {
  const lines = yaml.split("\n");
  const start = lines.findIndex((line) => line.startsWith("- "));
  if (start < 0) return yaml;
  return lines.slice(start).map((line) => line.slice(2)).join("\n");
}

/** Shows what is loaded once; RulePane has a key. */
function Loaded<T>(props: { load: () => Promise<T>; show: (found: T) => JSX.Element }): JSX.Element {
  const [found, setFound] = useState<T | null>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let mounted = true;
    props.load().then(
      (result) => mounted && setFound(result),
      (error) => mounted && setProblem(error instanceof Problem ? error.message : String(error)),
    );
    return () => void (mounted = false);
  }, []);
  if (problem) return <Pane title="Not found"><Empty title={problem} /></Pane>;
  return found ? props.show(found) : <Pane title="Loading …"><p class="quiet">Loading …</p></Pane>;
}
