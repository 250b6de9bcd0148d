// The page: its head, its tabs, and the view that was chosen.

import { render, type JSX } from "preact";
import { useCell } from "./cells.ts";
import { Clients } from "./clients.tsx";
import { config, health, metrics, start, state } from "./feed.ts";
import { plural } from "./format.ts";
import { Live } from "./live.tsx";
import { Notice, Tabs } from "./parts.tsx";
import { Requests } from "./requests.tsx";
import { go, useRoute, type View } from "./route.ts";
import { Rules } from "./rules.tsx";
import { Steer } from "./steer.tsx";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/live.css";
import "./styles/lists.css";
import "./styles/steer.css";
import "./styles/rules.css";
import "./styles/narrow.css";
import { choose, theme } from "./theme.ts";

const TITLES: Record<View, string> = { live: "Live", requests: "Requests", steer: "Steer", rules: "Rules", clients: "Clients" };
const SHOWN: Record<View, () => JSX.Element> = { live: Live, requests: Requests, steer: Steer, rules: Rules, clients: Clients };
const STATES = {
  connecting: "connecting …",
  live: "live",
  polling: "asking once a second",
  offline: "the server does not answer",
  refused: "the server wants its admin token: load the page again",
};

function Page(): JSX.Element {
  const { view } = useRoute();
  const Shown = SHOWN[view];
  const missed = useCell(metrics)?.missed ?? 0;
  const stale = useCell(health)?.stale.length ?? 0;
  const changed = (useCell(config)?.overlay.match(/^(rules|modifiers):/gm) ?? []).length > 0;
  const marks: Partial<Record<View, string>> = {
    ...(changed ? { steer: "•" } : {}),
    ...(stale || missed ? { rules: stale ? "!" : String(missed) } : {}),
  };
  const tabs = (Object.keys(TITLES) as View[]).map((id) => ({ id, title: TITLES[id], mark: marks[id] }));
  return (
    <>
      <Head />
      <nav aria-label="Views">
        <Tabs label="Views" tabs={tabs} chosen={view} choose={(id) => go(id as View)} />
      </nav>
      <main class={`view in-${view}`}>
        <div id={`view-${view}`} role="tabpanel" aria-labelledby={`tab-${view}`}>
          <Shown />
        </div>
      </main>
      <Notice />
    </>
  );
}

function Head(): JSX.Element {
  const how = useCell(state);
  const known = useCell(health);
  const look = useCell(theme);
  const next = look.dark ? "light" : "dark";
  return (
    <header class="top">
      <h1>
        <a class="brand" href="#/live">
          <img src="/dashboard/icon.svg" alt="" width="22" height="22" /> mockllm
        </a>
      </h1>
      <span class={`state ${how}`} role="status">
        <i aria-hidden="true" />
        {STATES[how]}
      </span>
      {known ? (
        <span class="about">
          {known.version} · {plural(known.rules, "rule")} in {plural(known.files, "file")}
          {known.stale.length ? <a class="tag bad" href="#/rules">{plural(known.stale.length, "stale file")}</a> : null}
        </span>
      ) : null}
      <button type="button" class="small theme" onClick={() => choose(next)} aria-label={`Use ${next} colours`}>
        {look.dark ? "Light" : "Dark"}
      </button>
    </header>
  );
}

start();
const place = document.getElementById("app")!;
place.replaceChildren();
render(<Page />, place);
