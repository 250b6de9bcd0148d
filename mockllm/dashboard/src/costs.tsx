// What the requests of the journal would cost, by model and by session: at list prices, or at those of `serve --prices`.

import type { JSX } from "preact";
import { Card, Empty, SideScroll } from "./components.tsx";
import { count, dollars, plural } from "./format.ts";
import { usePolled } from "./polling.ts";

interface CostSum {
  requests: number;
  input_tokens: number;
  cached_tokens: number;
  output_tokens: number;
  cost: number;
  unpriced: number;
}

interface CostReport {
  cost: number;
  unpriced: number;
  models: (CostSum & { provider: string | null; model: string | null })[];
  sessions: (CostSum & { session: string | null })[];
}

const INTERVAL = 10_000;
/** Milliseconds between two calls: each reads the whole journal. */

export function Costs(): JSX.Element {
  const report = usePolled<CostReport>("/api/costs", () => INTERVAL);
  const models = (report?.models ?? []).map((each) => ({ ...each, name: each.model ?? each.provider ?? "–" }));
  const sessions = (report?.sessions ?? []).map((each) => ({ ...each, name: each.session ?? "no session" }));
  return (
    <Card title="Cost" wide>
      {models.length ? (
        <>
          <p>
            {dollars(report?.cost ?? 0)} in all, at the server's prices
            {report?.unpriced ? `; ${plural(report.unpriced, "request")} had no known price` : ""}.
          </p>
          <CostTable title="Model" rows={models} />
          <CostTable title="Session" rows={sessions} />
        </>
      ) : (
        <Empty title="No cost yet.">
          <p>What the requests of the journal would cost at their providers.</p>
        </Empty>
      )}
    </Card>
  );
}

function CostTable(props: { title: string; rows: (CostSum & { name: string })[] }): JSX.Element {
  return (
    <SideScroll label={`Cost by ${props.title.toLowerCase()}`}>
      <table class="stacked" role="table">
        <thead role="rowgroup">
          <tr role="row">
            <th scope="col">{props.title}</th>
            <th scope="col">Requests</th>
            <th scope="col">Input tokens</th>
            <th scope="col">From the cache</th>
            <th scope="col">Output tokens</th>
            <th scope="col">Cost</th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          {props.rows.map((row) => (
            <tr key={row.name} role="row">
              <th scope="row" class="long" role="rowheader">{row.name}</th>
              <td role="cell" data-label="Requests">{count(row.requests)}</td>
              <td role="cell" data-label="Input tokens">{count(row.input_tokens)}</td>
              <td role="cell" data-label="From the cache">{count(row.cached_tokens)}</td>
              <td role="cell" data-label="Output tokens">{count(row.output_tokens)}</td>
              <td role="cell" data-label="Cost">{row.unpriced === row.requests ? "unknown" : dollars(row.cost)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </SideScroll>
  );
}
