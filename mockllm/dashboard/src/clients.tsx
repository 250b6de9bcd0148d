// The verdicts on each client, the sessions, and the costs.

import type { JSX } from "preact";
import { call } from "./api.ts";
import { usePolled } from "./polling.ts";
import { refresh } from "./feed.ts";
import { clock, count, plural } from "./format.ts";
import type { ClientVerdicts, Verdict } from "./models.ts";
import { Costs } from "./costs.tsx";
import { Card, Empty, SideScroll, attempt } from "./components.tsx";
import { RequestLinks, TryList, useRequests } from "./tries.tsx";

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
      <SessionList />
      <Costs />
    </div>
  );
}

function Verdicts(): JSX.Element {
  const result = usePolled<{ clients: ClientVerdicts[] }>("/api/verdicts", () => 2000);
  const clients = (result?.clients ?? []).filter((client) => client.verdicts.length);
  const silent = (result?.clients ?? []).length - clients.length;
  return (
    <Card title="Verdicts" wide aside={silent && clients.length ? <span class="quiet">no verdicts on {plural(silent, "other client")}</span> : null}>
      {clients.length ? (
        <ul class="clients">
          {clients.map((client) => (
            <li>
              <div class="client-head">
                <strong>{client.client}</strong>
                {client.session ? <span class="tag">session {client.session}</span> : null}
                <span class="quiet">{plural(client.requests, "request")}</span>
              </div>
              {client.verdicts.map((verdict) => (
                <VerdictItem verdict={verdict} />
              ))}
            </li>
          ))}
        </ul>
      ) : (
        <Empty title="None yet.">
          <p>
            Inject an error or a fault under <a href="#/control">Control</a> and run your client: the verdicts show whether
            the client waited, backed off, gave up or recovered.
          </p>
        </Empty>
      )}
    </Card>
  );
}

function VerdictItem(props: { verdict: Verdict }): JSX.Element {
  const { verdict } = props;
  const ids = new Set(verdict.requests);
  const requests = useRequests((request) => ids.has(request.id), verdict.requests.join());
  return (
    <div class={verdict.good ? "verdict good" : "verdict bad"}>
      <p>
        <span class={verdict.good ? "tag good" : "tag bad"}>{verdict.verdict.replaceAll("_", " ")}</span> {verdict.says}
      </p>
      <p class="hint">{verdict.rule_of_conduct}</p>
      <TryList requests={requests} label={`Tries of ${verdict.verdict.replaceAll("_", " ")}`} />
      <RequestLinks ids={verdict.requests} />
    </div>
  );
}

function SessionTries(props: { id: string }): JSX.Element | null {
  const requests = useRequests((request) => request.session === props.id, props.id);
  return (
    <>
      <TryList requests={requests} label={`Requests of session ${props.id}`} />
      <RequestLinks ids={requests.map(({ id }) => id)} />
    </>
  );
}

function SessionList(): JSX.Element {
  const result = usePolled<{ sessions: Session[] }>("/api/sessions", () => 1000);
  const sessions = result?.sessions ?? [];
  const end = (id: string): void => {
    void attempt(async () => {
      await call("DELETE", `/api/sessions/${encodeURIComponent(id)}`);
      await refresh();
      return `Session ${id} has ended.`;
    });
  };
  return (
    <Card title="Sessions" wide>
      {sessions.length ? (
        <SideScroll label="Each session">
          <table class="stacked" role="table">
            <thead role="rowgroup">
              <tr role="row">
                <th scope="col">Session</th>
                <th scope="col">Requests</th>
                <th scope="col">Overlay rules</th>
                <th scope="col">Seed</th>
                <th scope="col">Last used</th>
                <th scope="col">
                  <span class="unseen">End it</span>
                </th>
              </tr>
            </thead>
            <tbody role="rowgroup">
              {sessions.map((session) => (
                <tr key={session.id} role="row">
                  <th scope="row" class="long" role="rowheader">
                    {session.id}
                    <SessionTries id={session.id} />
                  </th>
                  <td role="cell" data-label="Requests">{count(session.requests)}</td>
                  <td role="cell" data-label="Overlay rules">{session.overlay || "–"}</td>
                  <td role="cell" data-label="Seed">{session.seed ?? "–"}</td>
                  <td role="cell" data-label="Last used">{session.used === null ? "not yet" : clock(session.used)}</td>
                  <td role="cell">
                    <button type="button" class="small" onClick={() => end(session.id)} aria-label={`End session ${session.id}`}>
                      End
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </SideScroll>
      ) : (
        <Empty title="None.">
          <p>
            A test with isolated counters, limits and rules sends <code>x-mockllm-session: its-name</code>, or uses the
            path prefix <code>/s/its-name/v1</code>.
          </p>
        </Empty>
      )}
    </Card>
  );
}
