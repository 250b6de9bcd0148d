// The MCP servers of the scenarios: tools with their calls and failures, sessions, states, and the last messages.

import type { JSX } from "preact";
import { Card, Empty, SideScroll } from "./components.tsx";
import { useProviderOrigin } from "./feed.ts";
import { clock, count, duration, plural } from "./format.ts";
import { usePolled } from "./polling.ts";
import { address } from "./route.ts";

interface Tool {
  name: string;
  description: string | null;
  listed: boolean;
  calls: number;
  failed: number;
}

interface Server {
  name: string;
  path: string;
  title: string | null;
  version: string;
  tools: Tool[];
  resources: string[];
  prompts: string[];
  tasks: boolean;
  described: boolean;
  methods: Record<string, number>;
  faults: Record<string, number>;
  rules: Record<string, number>;
  clients: string[];
  sessions: number;
}

interface Message {
  id: number;
  at: number;
  server: string;
  method: string;
  name: string | null;
  status: number;
  failed: boolean;
  faults: string[];
  rule: string | null;
  session: string | null;
  took: number;
}

interface Listing {
  servers: Server[];
  calls: Message[];
  states: Record<string, Record<string, string>>;
  counted: number;
}

export function ToolServers(): JSX.Element {
  const origin = useProviderOrigin();
  const listing = usePolled<Listing>("/api/mcp", () => 1000);
  if (!listing) return <p class="quiet">{listing === null ? "Loading …" : "This server has no MCP servers."}</p>;
  if (!listing.servers.length)
    return (
      <Card title="MCP servers" wide>
        <Empty title="None.">
          <p>
            <code>mcp:</code> in a scenario file describes a server with tools, resources and prompts. Its address is{" "}
            <code>{origin}/mcp/NAME</code>.
          </p>
        </Empty>
      </Card>
    );
  return (
    <div class="two">
      {listing.servers.map((server) => (
        <ServerCard key={server.name} server={server} />
      ))}
      <Messages messages={listing.calls} counted={listing.counted} />
      <States states={listing.states} />
    </div>
  );
}

function ServerCard(props: { server: Server }): JSX.Element {
  const { server } = props;
  const origin = useProviderOrigin();
  const messages = Object.values(server.methods).reduce((sum, each) => sum + each, 0);
  return (
    <Card
      title={server.title ?? server.name}
      wide
      aside={<span class="quiet">{plural(messages, "message")}, {plural(server.sessions, "session")}</span>}
    >
      <p class="hint">
        <code>{origin + server.path}</code> {server.described ? `version ${server.version}` : <span class="tag bad">not described</span>}{" "}
        {server.tasks ? <span class="tag">tasks</span> : null}
      </p>
      {server.tools.length ? (
        <SideScroll label={`Tools of ${server.name}`}>
          <table class="stacked words" role="table">
            <thead role="rowgroup">
              <tr role="row">
                <th scope="col">Tool</th>
                <th scope="col">Calls</th>
                <th scope="col">Failed</th>
                <th scope="col">Description</th>
              </tr>
            </thead>
            <tbody role="rowgroup">
              {server.tools.map((tool) => (
                <tr key={tool.name} role="row">
                  <th scope="row" class="long" role="rowheader">
                    {tool.name} {tool.listed ? null : <span class="tag bad">not listed</span>}
                  </th>
                  <td role="cell" data-label="Calls">{count(tool.calls)}</td>
                  <td role="cell" data-label="Failed">{tool.failed ? <span class="tag bad">{count(tool.failed)}</span> : "–"}</td>
                  <td role="cell" data-label="Description">{tool.description ?? "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </SideScroll>
      ) : null}
      <dl class="facts-of-server">
        <ServerField title="Resources" values={server.resources} />
        <ServerField title="Prompts" values={server.prompts} />
        <ServerField title="Messages" values={counts(server.methods)} />
        <ServerField title="Rules that responded" values={counts(server.rules)} />
        <ServerField title="Faults" values={counts(server.faults)} />
        <ServerField title="Clients" values={server.clients.filter(Boolean)} />
      </dl>
    </Card>
  );
}

function counts(values: Record<string, number>): string[] {
  return Object.entries(values).map(([name, number]) => `${name} ${count(number)}`);
}

function ServerField(props: { title: string; values: string[] }): JSX.Element | null {
  if (!props.values.length) return null;
  return (
    <div>
      <dt>{props.title}</dt>
      <dd>
        {props.values.map((value) => (
          <span class="tag">{value}</span>
        ))}
      </dd>
    </div>
  );
}

function Messages(props: { messages: Message[]; counted: number }): JSX.Element {
  return (
    <Card title="Messages" wide aside={<span class="quiet">the last {count(props.messages.length)} of {count(props.counted)}</span>}>
      {props.messages.length ? (
        <SideScroll label="The last messages">
          <table class="stacked words" role="table">
            <thead role="rowgroup">
              <tr role="row">
                <th scope="col">Request</th>
                <th scope="col">Time</th>
                <th scope="col">Server</th>
                <th scope="col">Method</th>
                <th scope="col">Name</th>
                <th scope="col">Result</th>
                <th scope="col">Rule</th>
              </tr>
            </thead>
            <tbody role="rowgroup">
              {props.messages.map((message) => (
                <tr key={message.id} role="row">
                  <th scope="row" role="rowheader">
                    <a href={address("requests", [message.id])}>#{message.id}</a>
                  </th>
                  <td role="cell" data-label="Time">{clock(message.at)}</td>
                  <td role="cell" data-label="Server">{message.server}</td>
                  <td role="cell" data-label="Method">{message.method}</td>
                  <td role="cell" data-label="Name" class="long">{message.name ?? "–"}</td>
                  <td role="cell" data-label="Result">
                    <span>
                      <span class={message.failed || message.faults.length ? "tag bad" : "tag"}>
                        {[message.status, message.failed ? "failed" : "", ...message.faults].filter(Boolean).join(", ")}
                      </span>{" "}
                      {duration(message.took)}
                    </span>
                  </td>
                  <td role="cell" data-label="Rule" class="long">{message.rule ?? "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </SideScroll>
      ) : (
        <Empty title="None yet.">
          <p>Connect a client to one of the addresses above.</p>
        </Empty>
      )}
    </Card>
  );
}

function States(props: { states: Listing["states"] }): JSX.Element {
  const sessions = Object.entries(props.states);
  return (
    <Card title="States" wide>
      {sessions.length ? (
        <dl class="facts-of-server">
          {sessions.map(([session, states]) => (
            <ServerField title={session ? `Session ${session}` : "Without a session"} values={Object.entries(states).map(([name, value]) => `${name}: ${value}`)} />
          ))}
        </dl>
      ) : (
        <Empty title="None set.">
          <p>
            A rule sets one with <code>sets_state</code>; rules for models and for tools share them.
          </p>
        </Empty>
      )}
    </Card>
  );
}
