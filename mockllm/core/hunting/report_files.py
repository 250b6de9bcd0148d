"""The report of a hunt for programs: as JSON, and in JUnit's format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from xml.etree import ElementTree as ET

from mockllm.core.hunting.disturbance import Schedule, schedule_text
from mockllm.core.hunting.disturbance_type import DisturbanceType
from mockllm.core.hunting.disturbance_types import DISTURBANCES
from mockllm.core.hunting.finding import Finding, HuntReport, TriedRow
from mockllm.core.hunting.outcome import ExchangeSeen
from mockllm.core.json.codec import Json

_INVALID: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that XML does not allow (XML 1.0, section 2.2)."""


def report_json(report: HuntReport, files: Mapping[str, str]) -> dict[str, Json]:
    """Return the report as JSON. `files` are the paths of findings' files by the findings' names."""
    tried: dict[str, Json] = {
        name: {"results": {**row.counts}, "reason": row.reason} for name, row in report.tried.items()
    }
    return {
        "command": report.command,
        "runs": report.runs,
        "replays": report.replays,
        "seconds": round(report.seconds, 3),
        "seed": report.seed,
        "ended": report.ended,
        "findings": [_finding(each, files.get(each.name)) for each in report.findings],
        "flaky": [_finding(each, None) for each in report.flaky],
        "tried": tried,
        "baseline": [_exchange(each) for each in report.baseline.exchanges],
    }


def _finding(finding: Finding, path: str | None) -> Json:
    return {
        "name": finding.name,
        "rule": finding.problem.rule,
        "rule_text": finding.rule_text,
        "message": finding.problem.message,
        "schedule": _schedule(finding.schedule),
        "found_by": _schedule(finding.found),
        "also_by": list(finding.also),
        "replays": finding.replays,
        "failures": finding.failures,
        "file": path,
        "exit_code": finding.outcome.code,
        "stderr": finding.outcome.stderr[-2000:],
        "exchanges": [_exchange(each) for each in finding.outcome.exchanges],
    }


def _schedule(schedule: Schedule) -> list[Json]:
    return [{"kind": each.kind, "text": str(each), **each.modifier("")} for each in schedule]


def _exchange(seen: ExchangeSeen) -> Json:
    return {
        "provider": seen.provider,
        "api": seen.api,
        "model": seen.model,
        "stream": seen.stream,
        "turn": seen.turn,
        "status": seen.status,
        "error": seen.error,
        "faults": list(seen.faults),
        "left": seen.left,
        "started": round(seen.started, 4),
        "took": None if seen.took is None else round(seen.took, 4),
        "line": seen.line,
    }


def report_junit(report: HuntReport) -> bytes:
    """Return the report in JUnit's format: each row of the table is a test case, skipped where it was not played or
    is in doubt."""
    suite = ET.Element("testsuite", name="mockllm hunt", time=f"{report.seconds:.3f}", errors="0")
    failed = {each.kind: finding for finding in reversed(report.findings) for each in finding.schedule}
    failed |= {kind: finding for finding in report.findings for kind in finding.also if kind not in failed}
    doubts = {kind: f"failed {each.rate} runs" for each in report.flaky for kind in each.kinds}
    doubts |= dict.fromkeys(report.unexamined, "failed, and not examined: enough was found")
    for row in DISTURBANCES.values():
        _add_case(suite, row, report.tried.get(row.name), failed.get(row.name), doubts.get(row.name))
    suite.set("tests", str(len(suite)))
    for name in ("failure", "skipped"):
        suite.set("failures" if name == "failure" else name, str(len(suite.findall(f"*/{name}"))))
    ET.indent(suite)
    document: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _add_case(
    suite: ET.Element,
    row: DisturbanceType,
    tried: TriedRow | None,
    finding: Finding | None,
    doubt: str | None,
) -> None:
    case = ET.SubElement(suite, "testcase", classname="mockllm.hunt", name=row.name, time="0")
    if finding is not None:
        text = f"{schedule_text(finding.schedule)}\n{finding.rule_text}"
        lines = [text, *(each.line for each in finding.outcome.exchanges)]
        failure = ET.SubElement(case, "failure", type=finding.problem.rule)
        failure.set("message", _valid(finding.problem.message))
        failure.text = _valid("\n".join(lines))
    elif doubt is not None:
        ET.SubElement(case, "skipped", message=_valid(doubt))
    elif tried is None or not set(tried.counts) - {"no effect", "unclear"}:
        reason = "not tried" if tried is None else tried.reason
        ET.SubElement(case, "skipped", message=_valid(reason))


def _valid(text: str) -> str:
    return _INVALID.sub("?", text)
