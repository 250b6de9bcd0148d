"""The report of a hunt for people: what was found, what held, what could not be tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mockllm.core.display import counted
from mockllm.core.hunting.disturbance import schedule_text
from mockllm.core.hunting.disturbance_types import DISTURBANCES
from mockllm.core.hunting.finding import Finding, HuntReport, TriedRow
from mockllm.core.hunting.scenario_text import EXPECTED, RECOVERS

MAX_EXCHANGES = 8
"""The requests of a finding's run that are listed."""


def report_lines(report: HuntReport, files: Mapping[str, str]) -> list[str]:
    """Return the report. `files` are the paths of findings' files by the findings' names."""
    lines: list[str] = []
    for number, finding in enumerate(report.findings, 1):
        lines += ["", *_finding(number, finding, files.get(finding.name))]
    for finding in report.flaky:
        lines += ["", f"flaky, failed {finding.rate} runs: {schedule_text(finding.schedule)}"]
        lines.append(f"  {finding.problem.message}")
    lines += ["", *_tried(report), "", summary(report)]
    return lines


def summary(report: HuntReport) -> str:
    """Return the report in a line."""
    found = counted(len(report.findings), "finding")
    flaky = f", {counted(len(report.flaky), 'flaky one')}" if report.flaky else ""
    rate = report.runs / report.seconds if report.seconds else 0.0
    return (
        f"{found}{flaky} in {counted(report.runs, 'run')} and {counted(report.replays, 'replay')}, "
        f"{report.seconds:.1f} s, {rate:.1f} runs a second; ended: {report.ended} (seed {report.seed})"
    )


def _finding(number: int, finding: Finding, path: str | None) -> Iterator[str]:
    yield f"{number}. {finding.problem.rule}: {finding.problem.message}"
    yield f"   {schedule_text(finding.schedule)}; failed {finding.rate} times"
    for each in finding.schedule:
        row = DISTURBANCES[each.kind]
        expected = RECOVERS if finding.demanded else EXPECTED[row.expect]
        yield f"   the server {row.says}; a good client {expected}"
    yield f"   rule: {finding.rule_text}"
    if finding.also:
        yield f"   also by: {', '.join(finding.also)}"
    yield from (f"   | {each.line}" for each in finding.outcome.exchanges[:MAX_EXCHANGES])
    if path is not None:
        yield f"   written to {path}"


def _tried(report: HuntReport) -> Iterator[str]:
    """Yield what held, what could not be judged, and what was not tried."""
    tried = report.tried
    if report.unexamined:
        yield f"failed, and not examined (enough was found): {', '.join(report.unexamined)}"
    held = [name for name, row in tried.items() if name not in report.broken and _holds(row)]
    if held:
        yield f"held: {', '.join(held)}"
    for result, title in (("unclear", "cannot be judged"), ("no effect", "had no effect")):
        for reason, names in _by_reason(tried, result).items():
            yield f"{title} ({reason}): {', '.join(names)}"
    missing = [name for name in DISTURBANCES if name not in tried]
    if missing:
        yield f"not tried (no fitting request, or no run left): {', '.join(missing)}"


def _holds(row: TriedRow) -> bool:
    """Return whether a client bore a row. A pair with it may have failed by its second row."""
    return any(row.counts.get(result) for result in ("held", "recovered", "reported"))


def _by_reason(tried: Mapping[str, TriedRow], result: str) -> dict[str, Sequence[str]]:
    """Return the rows that had this result and no better one, by reason. `no effect` is the weakest."""
    reasons: dict[str, list[str]] = {}
    for name, row in tried.items():
        if set(row.counts) - {"no effect"} == {result} - {"no effect"}:
            reasons.setdefault(row.reason, []).append(name)
    return dict(reasons)
