// Everything that was changed at run time, as one scenario file: to look at, take apart, copy or save.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, maybe } from "./api.ts";
import { useCell } from "./cells.ts";
import { remove } from "./control.ts";
import { changes, config, forget, refresh } from "./feed.ts";
import type { OverlayItem } from "./models.ts";
import { Card, Empty, tried, Yaml } from "./parts.tsx";

export function useItems(): OverlayItem[] {
  const version = useCell(changes);
  const [items, setItems] = useState<OverlayItem[]>([]);
  useEffect(() => {
    let here = true;
    maybe<{ items: OverlayItem[] }>("/api/overlay").then(
      (found) => here && setItems(found?.items ?? []),
      () => undefined,
    );
    return () => void (here = false);
  }, [version]);
  return items;
}

export function Overlay(): JSX.Element {
  const held = useCell(config);
  const items = useItems();
  const text = held?.overlay ?? "";
  const own = items.filter((item) => !item.from_settings);
  const unset = (item: OverlayItem): void => {
    void tried(async () => {
      if (item.endpoint) await call("DELETE", `/api/config/endpoints/${encodeURIComponent(item.endpoint)}`);
      else await call("PATCH", "/api/config/global", Object.fromEntries(Object.keys(held?.global ?? {}).map((word) => [word, null])));
      await refresh();
      return `What was set for ${item.endpoint ?? "all endpoints"} is unset.`;
    });
  };
  const set = [...new Map(items.filter((item) => item.from_settings).map((item) => [item.endpoint, item])).values()];
  return (
    <Card title="Changed at run time" id="overlay" aside={items.length ? <span class="tag">{items.length}</span> : null}>
      {items.length ? (
        <>
          <ul class="items">
            {own.map((item) => (
              <li key={item.name}>
                <span>{item.name}</span>
                <button type="button" class="small" onClick={() => void remove(item)} aria-label={`Remove ${item.name}`}>
                  Remove
                </button>
              </li>
            ))}
            {set.map((item) => (
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
            Put this file into <code>{held?.folder ?? "scenarios"}</code>: it then answers without this page, and what is
            changed here can be reset.
          </p>
          <Yaml text={text} what="the overlay as a scenario file">
            <a class="button small" href="/api/overlay.yaml" download="saved.yaml">
              Download
            </a>
          </Yaml>
        </>
      ) : (
        <Empty title="Nothing yet.">
          <p>What you set here answers at once, stands above all files, and ends with the server. It appears here as a scenario file that you can keep.</p>
        </Empty>
      )}
      <Reset />
    </Card>
  );
}

const WHAT = [
  { id: "overlay", title: "Changes made at run time", about: "settings, injections, rules, climates" },
  { id: "state", title: "Counts and sessions", about: "sequences, times, what was used of limits" },
  { id: "journal", title: "The event log", about: "all requests that are kept" },
  { id: "metrics", title: "The numbers", about: "rates, histograms, peaks" },
];

function Reset(): JSX.Element {
  const [chosen, choose] = useState<string[]>(["overlay"]);
  const toggle = (id: string): void => choose(chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id]);
  const reset = (): void => {
    void tried(async () => {
      const done = await call<{ reset: string[] }>("POST", "/api/reset", { what: chosen });
      forget(done.reset);
      return `Reset: ${done.reset.join(", ")}.`;
    });
  };
  return (
    <fieldset class="reset">
      <legend>Reset</legend>
      {WHAT.map((each) => (
        <label class="check">
          <input type="checkbox" checked={chosen.includes(each.id)} onChange={() => toggle(each.id)} />
          <span>
            {each.title} <small>{each.about}</small>
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
