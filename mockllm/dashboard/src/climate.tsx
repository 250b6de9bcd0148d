// Climates: named sets of modifiers from the pack `weather`.

import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { maybe } from "./api.ts";
import { useObservable } from "./observable.ts";
import { patch, currentSettings, scopeTitle, type Scope } from "./apply_change.ts";
import { config } from "./feed.ts";
import type { Climate } from "./models.ts";
import { Card, Yaml } from "./components.tsx";

export function Climates(props: { scope: Scope }): JSX.Element {
  useObservable(config);
  const current = (currentSettings(props.scope)["climate"] as string | undefined) ?? "calm";
  const [selected, select] = useState(current);
  useLayoutEffect(() => select(current), [current, props.scope]);
  const [loaded, setLoaded] = useState<{ scope: Scope; climates: Climate[] }>({ scope: props.scope, climates: [] });
  useEffect(() => {
    let mounted = true;
    const query = props.scope ? `?endpoint=${encodeURIComponent(props.scope)}` : "";
    maybe<{ climates: Climate[] }>(`/api/climates${query}`).then(
      (result) => mounted && setLoaded({ scope: props.scope, climates: result?.climates ?? [] }),
      () => undefined,
    );
    return () => {
      mounted = false;
    };
  }, [props.scope]);
  const shown = loaded.climates.find((climate) => climate.name === selected);
  const choose = (name: string): void => {
    select(name);
    const notice = `The climate of ${scopeTitle(props.scope)}: ${name}.`;
    void patch(props.scope, { climate: name === "calm" ? null : name }, notice).then((problem) => problem && select(current));
  };
  return (
    <Card title="Climate" id="climate">
      <fieldset class="choices tall">
        <legend>State of the network and the provider</legend>
        {loaded.climates.map((climate) => (
          <label class="choice">
            <input type="radio" name="climate" value={climate.name} checked={climate.name === selected} onChange={() => choose(climate.name)} />
            <span>
              <strong>{climate.name}</strong>
              <small>{climate.about}</small>
            </span>
          </label>
        ))}
      </fieldset>
      {loaded.scope !== props.scope ? null : shown?.yaml ? (
        <Yaml text={shown.yaml} what="the climate as YAML" quiet />
      ) : (
        <p class="hint">Calm changes nothing.</p>
      )}
    </Card>
  );
}
