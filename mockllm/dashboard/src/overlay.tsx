// All changes at run time as one scenario file, to view, remove, copy or save.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, maybe } from "./api.ts";
import { useObservable } from "./observable.ts";
import { remove } from "./apply_change.ts";
import { changes, config, forget, refresh } from "./feed.ts";
import type { OverlayItem } from "./models.ts";
import { Card, Empty, attempt, Yaml } from "./components.tsx";

export function useItems(): OverlayItem[] {
  const version = useObservable(changes);
  const [items, setItems] = useState<OverlayItem[]>([]);
  useEffect(() => {
    let mounted = true;
    maybe<{ items: OverlayItem[] }>("/api/overlay").then(
      (result) => mounted && setItems(result?.items ?? []),
      () => undefined,
    );
    return () => void (mounted = false);
  }, [version]);
  return items;
}

export function Overlay(): JSX.Element {
  const current = useObservable(config);
  const items = useItems();
  const text = current?.overlay ?? "";
  const rules = items.filter((item) => !item.from_settings);
  const unset = (item: OverlayItem): void => {
    void attempt(async () => {
      if (item.endpoint) await call("DELETE", `/api/config/endpoints/${encodeURIComponent(item.endpoint)}`);
      else await call("PATCH", "/api/config/global", Object.fromEntries(Object.keys(current?.global ?? {}).map((key) => [key, null])));
      await refresh();
      return `The settings of ${item.endpoint ?? "all endpoints"} are unset.`;
    });
  };
  const settings = [...new Map(items.filter((item) => item.from_settings).map((item) => [item.endpoint, item])).values()];
  return (
    <Card title="Changed at run time" id="overlay" aside={items.length ? <span class="tag">{items.length}</span> : null}>
      {items.length ? (
        <>
          <ul class="items">
            {rules.map((item) => (
              <li key={item.name}>
                <span>{item.name}</span>
                <button type="button" class="small" onClick={() => void remove(item)} aria-label={`Remove ${item.name}`}>
                  Remove
                </button>
              </li>
            ))}
            {settings.map((item) => (
              <li key={item.endpoint ?? ""}>
                <span>settings of {item.endpoint ?? "all endpoints"}</span>
                <button type="button" class="small" onClick={() => unset(item)} aria-label={`Unset the settings of ${item.endpoint ?? "all endpoints"}`}>
                  Unset
                </button>
              </li>
            ))}
          </ul>
          <h3>Save as scenario</h3>
          <p class="hint">
            Put this file into <code>{current?.folder ?? "scenarios"}</code>: its rules then work without this
            page, and you can reset the changes made here.
          </p>
          <Yaml text={text} what="the overlay as a scenario file">
            <a class="button small" href="/api/overlay.yaml" download="saved.yaml">
              Download
            </a>
          </Yaml>
        </>
      ) : (
        <Empty title="Nothing yet.">
          <p>Changes on this page take effect at once, override all files, and end with the server. They appear here as a scenario file that you can save.</p>
        </Empty>
      )}
      <Reset />
    </Card>
  );
}

const KINDS = [
  { id: "overlay", title: "Changes made at run time", about: "settings, injections, rules, climates" },
  { id: "state", title: "Counters and sessions", about: "sequences, times, quotas of limits" },
  { id: "journal", title: "The journal", about: "all stored requests" },
  { id: "metrics", title: "The metrics", about: "rates, histograms, peaks" },
];

function Reset(): JSX.Element {
  const [chosen, choose] = useState<string[]>(["overlay"]);
  const toggle = (id: string): void => choose(chosen.includes(id) ? chosen.filter((other) => other !== id) : [...chosen, id]);
  const reset = (): void => {
    void attempt(async () => {
      const done = await call<{ reset: string[] }>("POST", "/api/reset", { what: chosen });
      forget(done.reset);
      return `Reset: ${done.reset.join(", ")}.`;
    });
  };
  return (
    <fieldset class="reset">
      <legend>Reset</legend>
      {KINDS.map((kind) => (
        <label class="check">
          <input type="checkbox" checked={chosen.includes(kind.id)} onChange={() => toggle(kind.id)} />
          <span>
            {kind.title} <small>{kind.about}</small>
          </span>
        </label>
      ))}
      <div class="actions">
        <button type="button" class="danger" disabled={!chosen.length} onClick={reset}>
          Reset
        </button>
      </div>
    </fieldset>
  );
}
