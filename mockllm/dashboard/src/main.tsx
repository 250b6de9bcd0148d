// The page: its header, its tabs, and the selected view.

import { render, type JSX } from "preact";
import { useObservable } from "./observable.ts";
import { Clients } from "./clients.tsx";
import { config, health, metrics, start, state } from "./feed.ts";
import { count, plural } from "./format.ts";
import { Hunt } from "./hunt.tsx";
import { LiveView } from "./live_view.tsx";
import { Notice, Tabs, type Mark } from "./components.tsx";
import { RequestList } from "./request_list.tsx";
import { go, useRoute, VIEWS, type View } from "./route.ts";
import { Rules } from "./rules.tsx";
import { ControlView } from "./control_view.tsx";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/live.css";
import "./styles/lists.css";
import "./styles/control.css";
import "./styles/rules.css";
import "./styles/hunt.css";
import "./styles/tool_servers.css";
import "./styles/narrow.css";
import { Shortcuts } from "./shortcuts.tsx";
import { choose, theme } from "./theme.ts";
import { ToolServers } from "./tool_servers.tsx";

const TITLES: Record<View, string> = { live: "Live", requests: "Requests", control: "Control", rules: "Rules", clients: "Clients", hunt: "Hunt", mcp: "MCP" };
const COMPONENTS: Record<View, () => JSX.Element> = { live: LiveView, requests: RequestList, control: ControlView, rules: Rules, clients: Clients, hunt: Hunt, mcp: ToolServers };
const STATES = {
  connecting: "connecting …",
  live: "live",
  polling: "polling once a second",
  offline: "the server does not respond",
  refused: "the server requires its admin token: reload the page",
};

function Page(): JSX.Element {
  const { view } = useRoute();
  const Content = COMPONENTS[view];
  const missed = useObservable(metrics)?.missed ?? 0;
  const stale = useObservable(health)?.stale.length ?? 0;
  const changed = (useObservable(config)?.overlay.match(/^(rules|modifiers):/gm) ?? []).length > 0;
  const marks: Partial<Record<View, Mark>> = {
    ...(missed ? { requests: { text: count(missed), word: "unmatched" } } : {}),
    ...(changed ? { control: { text: "•", says: "changed at run time" } } : {}),
    ...(stale ? { rules: { text: "!", says: plural(stale, "stale file") } } : {}),
  };
  const tabs = VIEWS.map((id) => ({ id, title: TITLES[id], mark: marks[id] }));
  return (
    <>
      <Header />
      <nav aria-label="Views">
        <Tabs label="Views" tabs={tabs} chosen={view} choose={(id) => go(id as View)} />
      </nav>
      <main class={`view in-${view}`}>
        <div class="page" id={`view-${view}`} role="tabpanel" aria-labelledby={`tab-${view}`}>
          <Content />
        </div>
      </main>
      <Notice />
    </>
  );
}

function Header(): JSX.Element {
  const connection = useObservable(state);
  const server = useObservable(health);
  const colours = useObservable(theme);
  const next = colours.dark ? "light" : "dark";
  return (
    <header class="top">
      <h1>
        <a class="brand" href="#/live">
          <img src="/dashboard/icon.svg" alt="" width="22" height="22" /> mockllm
        </a>
      </h1>
      <span class={`state ${connection}`} role="status">
        <i aria-hidden="true" />
        {STATES[connection]}
      </span>
      <span class="about">
        {/* Its line has its height before the text is there: on a narrow page the tabs below it would move. */}
        {server ? `${server.version} · ${plural(server.rules, "rule")} in ${plural(server.files, "file")}` : "\u00a0"}
        {server?.stale.length ? <a class="tag bad" href="#/rules">{plural(server.stale.length, "stale file")}</a> : null}
        {server?.store && server.store !== "ok" ? <span class="tag bad">{server.store}</span> : null}
      </span>
      <Shortcuts />
      <button type="button" class="small theme" onClick={() => choose(next)} aria-label={`Use ${next} colours`}>
        {colours.dark ? "Light" : "Dark"}
      </button>
    </header>
  );
}

start();
const root = document.getElementById("app")!;
root.replaceChildren();
render(<Page />, root);
