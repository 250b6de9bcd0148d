// The weather: sets of modifiers with a name, out of the pack `weather`.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { maybe } from "./api.ts";
import { useCell } from "./cells.ts";
import { patch, settingsOf, titled, type Scope } from "./control.ts";
import { config } from "./feed.ts";
import type { Climate } from "./models.ts";
import { Card, Yaml } from "./parts.tsx";

export function Climates(props: { scope: Scope }): JSX.Element {
  useCell(config);
  const stands = (settingsOf(props.scope)["climate"] as string | undefined) ?? "calm";
  const [looked, look] = useState(stands);
  useEffect(() => look(stands), [stands, props.scope]);
  const [climates, setClimates] = useState<Climate[]>([]);
  useEffect(() => {
    const query = props.scope ? `?endpoint=${encodeURIComponent(props.scope)}` : "";
    maybe<{ climates: Climate[] }>(`/api/climates${query}`).then((found) => setClimates(found?.climates ?? []), () => undefined);
  }, [props.scope]);
  const shown = climates.find((each) => each.name === looked);
  const choose = (name: string): void => {
    look(name);
    const told = `The weather of ${titled(props.scope)}: ${name}.`;
    void patch(props.scope, { climate: name === "calm" ? null : name }, told).then((problem) => problem && look(stands));
  };
  return (
    <Card title="Climate" id="climate">
      <fieldset class="choices tall">
        <legend>What the network and the provider are like</legend>
        {climates.map((each) => (
          <label class="choice">
            <input type="radio" name="climate" value={each.name} checked={each.name === looked} onChange={() => choose(each.name)} />
            <span>
              <strong>{each.name}</strong>
              <small>{each.about}</small>
            </span>
          </label>
        ))}
      </fieldset>
      {shown?.yaml ? <Yaml text={shown.yaml} what="the climate as YAML" quiet /> : <p class="hint">Calm changes nothing.</p>}
    </Card>
  );
}
