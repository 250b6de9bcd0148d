// To change what answers: for all endpoints or for one, each control with the YAML that it stands for.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { maybe } from "./api.ts";
import { useCell } from "./cells.ts";
import { Climates } from "./climate.tsx";
import { titled } from "./control.ts";
import { Errors } from "./errors.tsx";
import { Faults } from "./faults.tsx";
import { config, refresh } from "./feed.ts";
import { Limits } from "./limits.tsx";
import type { Endpoint, FaultMode } from "./models.ts";
import { Overlay } from "./overlay.tsx";
import { Pace } from "./pace.tsx";
import { Select } from "./parts.tsx";

interface Choices {
  endpoints: Endpoint[];
  strategies: { name: string; about: string }[];
  faults: FaultMode[];
}

async function choices(): Promise<Choices> {
  const [listed, limits, failures] = await Promise.all([
    maybe<{ endpoints: Endpoint[] }>("/api/config/endpoints"),
    maybe<{ strategies: { name: string; about: string }[] }>("/api/rate-limit/strategies"),
    maybe<{ faults: FaultMode[] }>("/api/failure-modes"),
  ]);
  return {
    endpoints: listed?.endpoints ?? [],
    strategies: limits?.strategies ?? [],
    faults: failures?.faults ?? [],
  };
}

export function Steer(): JSX.Element {
  const set = useCell(config);
  const [scope, setScope] = useState("");
  const [held, setHeld] = useState<Choices | null>(null);
  useEffect(() => {
    void refresh().catch(() => undefined); // what is to be changed is as it is now
    void choices().then(setHeld, () => undefined);
  }, []);
  if (!held) return <p class="quiet">Loading …</p>;
  const mark = (name: string): string => (Object.keys((name ? set?.endpoints[name] : set?.global) ?? {}).length ? " •" : "");
  const options = [
    { value: "", title: `All endpoints${mark("")}` },
    ...held.endpoints.map((each) => ({ value: each.endpoint, title: each.endpoint + mark(each.endpoint), group: each.endpoint.split("-")[0]! })),
  ];
  const paths = held.endpoints.find((each) => each.endpoint === scope)?.paths;
  return (
    <div class="steer">
      <div class="scope">
        <Select label="For" value={scope} options={options} change={setScope} />
        <p class="hint">{paths ? `${paths[0]}${paths.length > 1 ? ` and ${paths.length - 1} more` : ""}` : "every call of every provider; one endpoint's own settings stand above these"}</p>
        <button type="button" class="small to-overlay" onClick={() => document.getElementById("overlay")?.scrollIntoView()}>
          Changed at run time ↓
        </button>
      </div>
      <div class="cards" aria-label={`Controls for ${titled(scope)}`}>
        <Pace scope={scope} />
        <Limits scope={scope} strategies={held.strategies} />
        <Errors scope={scope} />
        <Faults scope={scope} modes={held.faults} />
        <Climates scope={scope} />
      </div>
      <Overlay />
    </div>
  );
}
