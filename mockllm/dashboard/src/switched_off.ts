// Rules that are switched off: items of the overlay with `enabled: false`, which may replace a rule of a file.

import { call } from "./api.ts";
import { loadEditor } from "./editor_host.tsx";
import { refresh } from "./feed.ts";
import { ruleName } from "./format.ts";
import type { OverlayItem, RuleText } from "./models.ts";
import { rulePath } from "./rule_address.ts";
import { flow, items as asYaml } from "./yaml.ts";

export interface SwitchedOff {
  item: OverlayItem;
  /** The id of the file's rule that it switches off. */
  target: string | null;
}

const DISABLED = /^ {2}enabled: false$/m;

export function switchedOff(items: OverlayItem[]): SwitchedOff[] {
  return items.filter((item) => DISABLED.test(item.yaml)).map((item) => ({ item, target: targetOf(item) }));
}

function targetOf(item: OverlayItem): string | null {
  const found = /^ {2}replaces: (?:'((?:[^']|'')*)'|"([^"]*)"|(.+))$/m.exec(item.yaml);
  return found ? (found[1]?.replaceAll("''", "'") ?? found[2] ?? found[3] ?? null) : null;
}

/** Switches a rule off: one of the overlay by its own key, one of a file by an item that takes its place. */
export async function switchOff(rule: RuleText): Promise<string> {
  const own = ruleName(rule.id).name;
  if (rule.layer === "overlay" || rule.layer === "session") {
    await call("PUT", rulePath(own, rule.session), `${(rule.yaml ?? "").replace(/^enabled:.*\n/m, "")}enabled: false\n`);
  } else {
    const name = `off ${rule.id}`;
    await call("PUT", rulePath(name, null), asYaml(rule.kind === "rule" ? "rules" : "modifiers", [{ name, replaces: rule.id, enabled: false }]));
  }
  await refresh();
  return `${own} is switched off.`;
}

/** Switches it on again: the item that replaces a file's rule is removed. */
export async function switchOn({ item, target }: SwitchedOff): Promise<string> {
  if (target) await call("DELETE", rulePath(item.name, null));
  else await call("PUT", rulePath(item.name, null), item.yaml.replace(DISABLED, "").replace(/\n\n/g, "\n"));
  await refresh();
  return `${target ? ruleName(target).name : item.name} is switched on.`;
}

/** Returns the text of a rule for the overlay, where it takes the place of the file's rule. */
export async function overlayCopy(rule: RuleText): Promise<string> {
  const { withoutKeys } = await loadEditor();
  const rest = withoutKeys(rule.yaml ?? "", ["name", "replaces", "enabled"]);
  return `name: ${flow(ruleName(rule.id).name)}\nreplaces: ${flow(rule.id)}\n${rest}`;
}
