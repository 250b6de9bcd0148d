// How clients behave: the verdicts on each, and the sessions that there are.

import type { JSX } from "preact";
import { call } from "./api.ts";
import { useAsked } from "./asked.ts";
import { refresh } from "./feed.ts";
import { clock, count, plural } from "./format.ts";
import type { ClientVerdicts, Verdict } from "./models.ts";
import { Card, Empty, tried } from "./parts.tsx";
import { go } from "./route.ts";

interface Session {
  id: string;
  used: number | null;
  seed: number | null;
  overlay: number;
  requests: number;
}

export function Clients(): JSX.Element {
  return (
    <div class="two">
      <Verdicts />
      <Sessions />
    </div>
  );
}

function Verdicts(): JSX.Element {
  const found = useAsked<{ clients: ClientVerdicts[] }>("/api/verdicts", () => 2000);
  const judged = (found?.clients ?? []).filter((each) => each.verdicts.length);
  const silent = (found?.clients ?? []).length - judged.length;
  return (
    <Card title="Verdicts" wide aside={silent && judged.length ? <span class="quiet">nothing to say of {plural(silent, "other client")}</span> : null}>
      {judged.length ? (
        <ul class="clients">
          {judged.map((each) => (
            <li>
              <div class="client-head">
                <strong>{each.client}</strong>
                {each.session ? <span class="tag">session {each.session}</span> : null}
                <span class="quiet">{plural(each.requests, "request")}</span>
              </div>
              {each.verdicts.map((verdict) => (
                <Judged verdict={verdict} />
              ))}
            </li>
          ))}
        </ul>
      ) : (
        <Empty title="None yet.">
          <p>
            Inject an error or a fault under <a href="#/steer">Steer</a> and let your client run: here it says whether the
            client waited, backed off, gave up or recovered.
          </p>
        </Empty>
      )}
    </Card>
  );
}

function Judged(props: { verdict: Verdict }): JSX.Element {
  const { verdict } = props;
  return (
    <div class={verdict.good ? "verdict good" : "verdict bad"}>
      <p>
        <span class={verdict.good ? "tag good" : "tag bad"}>{verdict.verdict.replaceAll("_", " ")}</span> {verdict.says}
      </p>
      <p class="hint">{verdict.rule_of_conduct}</p>
      <p class="links">
        {verdict.requests.slice(0, 12).map((id) => (
          <button type="button" class="link" onClick={() => go("requests", id)} aria-label={`Look at request ${id}`}>
            {id}
          </button>
        ))}
        {verdict.requests.length > 12 ? <span class="quiet">and {verdict.requests.length - 12} more</span> : null}
      </p>
    </div>
  );
}

function Sessions(): JSX.Element {
  const found = useAsked<{ sessions: Session[] }>("/api/sessions", () => 1000);
  const sessions = found?.sessions ?? [];
  const end = (id: string): void => {
    void tried(async () => {
      await call("DELETE", `/api/sessions/${encodeURIComponent(id)}`);
      await refresh();
      return `Session ${id} has ended.`;
    });
  };
  return (
    <Card title="Sessions" wide>
      {sessions.length ? (
        <div class="scroll" tabIndex={0} role="region" aria-label="Each session">
          <table>
            <thead>
              <tr>
                <th scope="col">Session</th>
                <th scope="col">Requests</th>
                <th scope="col">Rules of its own</th>
                <th scope="col">Seed</th>
                <th scope="col">Last used</th>
                <th scope="col">
                  <span class="unseen">End it</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {sessions.map((each) => (
                <tr key={each.id}>
                  <th scope="row" class="long">{each.id}</th>
                  <td>{count(each.requests)}</td>
                  <td>{each.overlay || "–"}</td>
                  <td>{each.seed ?? "–"}</td>
                  <td>{each.used === null ? "not yet" : clock(each.used)}</td>
                  <td>
                    <button type="button" class="small" onClick={() => end(each.id)} aria-label={`End session ${each.id}`}>
                      End
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <Empty title="None.">
          <p>
            A test that wants counts, limits and rules of its own sends <code>x-mockllm-session: its-name</code>, or asks
            below <code>/s/its-name/v1</code>.
          </p>
        </Empty>
      )}
    </Card>
  );
}
