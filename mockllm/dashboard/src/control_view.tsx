// The control tab: changes for all endpoints or for one; each control shows its YAML.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { maybe } from "./api.ts";
import { useObservable } from "./observable.ts";
import { Climates } from "./climate.tsx";
import { scopeTitle } from "./apply_change.ts";
import { Errors } from "./errors.tsx";
import { Faults } from "./faults.tsx";
import { config, refresh } from "./feed.ts";
import { Limits } from "./limits.tsx";
import type { Endpoint, ErrorStatus, FaultMode } from "./models.ts";
import { Overlay } from "./overlay.tsx";
import { Pace } from "./pace.tsx";
import { Select } from "./components.tsx";

interface Choices {
  endpoints: Endpoint[];
  strategies: { name: string; about: string }[];
  errors: ErrorStatus[];
  faults: FaultMode[];
}

async function choices(): Promise<Choices> {
  const [listed, limits, failures] = await Promise.all([
    maybe<{ endpoints: Endpoint[] }>("/api/config/endpoints"),
    maybe<{ strategies: { name: string; about: string }[] }>("/api/rate-limit/strategies"),
    maybe<{ statuses: ErrorStatus[]; faults: FaultMode[] }>("/api/failure-modes"),
  ]);
  return {
    endpoints: listed?.endpoints ?? [],
    strategies: limits?.strategies ?? [],
    errors: failures?.statuses ?? [],
    faults: failures?.faults ?? [],
  };
}

export function ControlView(): JSX.Element {
  const current = useObservable(config);
  const [scope, setScope] = useState("");
  const [loaded, setLoaded] = useState<Choices | null>(null);
  useEffect(() => {
    void refresh().catch(() => undefined); // the controls start from the present settings
    void choices().then(setLoaded, () => undefined);
  }, []);
  if (!loaded) return <p class="quiet">Loading …</p>;
  const mark = (name: string): string => (Object.keys((name ? current?.endpoints[name] : current?.global) ?? {}).length ? " •" : "");
  const options = [
    { value: "", title: `All endpoints${mark("")}` },
    ...loaded.endpoints.map(({ endpoint }) => ({ value: endpoint, title: endpoint + mark(endpoint), group: endpoint.split("-")[0]! })),
  ];
  const paths = loaded.endpoints.find((item) => item.endpoint === scope)?.paths;
  return (
    <div class="control">
      <div class="scope">
        <Select label="Endpoint" value={scope} options={options} change={setScope} />
        <p class="hint">{paths ? `${paths[0]}${paths.length > 1 ? ` and ${paths.length - 1} more` : ""}` : "all calls of all providers; the settings of one endpoint override these"}</p>
        <button type="button" class="small to-overlay" onClick={() => document.getElementById("overlay")?.scrollIntoView()}>
          Changed at run time ↓
        </button>
      </div>
      <div class="cards" aria-label={`Controls for ${scopeTitle(scope)}`}>
        <Pace scope={scope} />
        <Limits scope={scope} strategies={loaded.strategies} />
        <Errors scope={scope} kinds={loaded.errors} />
        <Faults scope={scope} modes={loaded.faults} />
        <Climates scope={scope} />
      </div>
      <Overlay />
    </div>
  );
}
