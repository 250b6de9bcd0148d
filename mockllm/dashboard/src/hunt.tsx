// The report of the last hunt: what broke the client, the requests of the failing run, and what was tried.

import type { JSX } from "preact";
import { Card, Empty, SideScroll } from "./components.tsx";
import { count, duration, plural } from "./format.ts";
import { usePolled } from "./polling.ts";

interface Exchange {
  provider: string | null;
  model: string | null;
  status: number;
  error: string | null;
  faults: string[];
  left: string | null;
  started: number;
  took: number | null;
  line: string;
}

interface Finding {
  name: string;
  rule: string;
  rule_text: string;
  message: string;
  schedule: { kind: string; text: string }[];
  also_by: string[];
  replays: number;
  failures: number;
  file: string | null;
  stderr: string;
  exchanges: Exchange[];
}

interface Report {
  command: string;
  runs: number;
  replays: number;
  seconds: number;
  ended: string;
  findings: Finding[];
  flaky: Finding[];
  tried: Record<string, { results: Record<string, number>; reason: string }>;
  baseline: Exchange[];
}

export function Hunt(): JSX.Element {
  const report = usePolled<{ report: Report | null }>("/api/hunt", () => 5000, true)?.report;
  if (!report)
    return (
      <Card title="The last hunt" wide>
        <Empty title="None yet.">
          <p>
            <code>mockllm hunt -- COMMAND</code> runs a client against disturbed responses until one breaks it. Its report is
            shown here.
          </p>
        </Empty>
      </Card>
    );
  return (
    <div class="two">
      <Card title="Findings" wide aside={<span class="quiet">{plural(report.runs, "run")}, {plural(report.replays, "replay")}, {Math.round(report.seconds)} s; ended: {report.ended}</span>}>
        <p class="hint">
          <code>{report.command}</code>
        </p>
        {report.findings.length ? null : <Empty title="Nothing broke the client." />}
        {[...report.findings, ...report.flaky].map((finding) => (
          <FindingItem key={finding.name} finding={finding} flaky={report.flaky.includes(finding)} />
        ))}
      </Card>
      <TriedDisturbances tried={report.tried} />
    </div>
  );
}

function FindingItem(props: { finding: Finding; flaky: boolean }): JSX.Element {
  const { finding, flaky } = props;
  return (
    <article class={flaky ? "finding flaky" : "finding"} aria-label={finding.name}>
      <h3>
        <span class={flaky ? "tag" : "tag bad"}>{finding.rule.replaceAll("_", " ")}</span> {finding.message}
      </h3>
      <p class="hint">{finding.rule_text}</p>
      <ul class="schedule">
        {finding.schedule.map((step) => (
          <li>{step.text}</li>
        ))}
      </ul>
      <Sequence exchanges={finding.exchanges} label={`Requests of ${finding.name}`} />
      <p class="quiet">
        {flaky ? "flaky: " : ""}
        {finding.failures} of {plural(finding.replays, "replay")} failed
        {finding.also_by.length ? `; also by ${finding.also_by.join(", ")}` : ""}
        {finding.file ? (
          <>
            ; <code>{finding.file}</code> plays it
          </>
        ) : null}
      </p>
      {finding.stderr ? (
        <details>
          <summary>What the command wrote</summary>
          <pre tabIndex={0} role="group" aria-label="Standard error output of the command">{finding.stderr}</pre>
        </details>
      ) : null}
    </article>
  );
}

/** The requests and responses of a run between two lines: the client's and the server's. */
function Sequence(props: { exchanges: Exchange[]; label: string }): JSX.Element | null {
  if (!props.exchanges.length) return null;
  return (
    <ol class="sequence" aria-label={props.label}>
      <li class="ends" aria-hidden="true">
        <span>client</span>
        <span>server</span>
      </li>
      {props.exchanges.map((exchange) => (
        <li>
          <time>{duration(exchange.started)}</time>
          <span class="arrow there">{[exchange.provider, exchange.model].filter(Boolean).join(" ") || "request"}</span>
          <span class={isDisturbed(exchange) ? "arrow back bad" : "arrow back"}>
            {partsOf(exchange).join(", ")}
            {exchange.took === null ? "" : ` after ${duration(exchange.took)}`}
          </span>
        </li>
      ))}
    </ol>
  );
}

function isDisturbed(exchange: Exchange): boolean {
  return exchange.status >= 400 || exchange.faults.length > 0 || brokenEnd(exchange) !== null;
}

/** What a response was. A fault that closes the connection has the name of that end: it is shown once. */
function partsOf(exchange: Exchange): (string | number)[] {
  const parts = [exchange.status, exchange.error, ...exchange.faults, brokenEnd(exchange)];
  return [...new Set(parts)].filter((part) => part !== null);
}

/** How a response ended that did not end as planned. */
function brokenEnd(exchange: Exchange): string | null {
  return exchange.left === "finished" ? null : exchange.left;
}

function TriedDisturbances(props: { tried: Report["tried"] }): JSX.Element {
  const rows = Object.entries(props.tried);
  return (
    <Card title="What was tried" aside={<span class="quiet">{plural(rows.length, "disturbance")}</span>}>
      <SideScroll label="Each disturbance">
        <table>
          <thead>
            <tr>
              <th scope="col">Disturbance</th>
              <th scope="col">Results</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([kind, row]) => (
              <tr>
                <th scope="row">{kind.replaceAll("_", " ")}</th>
                <td>
                  {Object.entries(row.results).map(([result, runs]) => (
                    <span class={result === "failed" ? "tag bad" : "tag"}>
                      {result} {count(runs)}
                    </span>
                  ))}{" "}
                  <span class="quiet">{row.reason}</span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </SideScroll>
    </Card>
  );
}
