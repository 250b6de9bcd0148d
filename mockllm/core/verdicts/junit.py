"""Verdicts as JUnit XML: each verdict on each client is a test case, and a bad verdict is a failure.

The format is the one that JUnit's Ant task writes and that Jenkins, GitLab and GitHub's actions read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from mockllm.core.verdicts.catalog import VERDICTS, VerdictResult
from mockllm.core.verdicts.evaluate import ClientReport

_INVALID: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that XML does not allow (XML 1.0, section 2.2)."""


def junit(reports: Sequence[ClientReport]) -> bytes:
    """Return the document."""
    suites = [_suite(report) for report in reports]
    root = ET.Element("testsuites", {"name": "mockllm verdicts", **_counts(suites)})
    root.extend(suites)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _counts(suites: Sequence[ET.Element]) -> dict[str, str]:
    total = {name: sum(int(suite.get(name, 0)) for suite in suites) for name in ("tests", "failures")}
    return {name: str(count) for name, count in total.items()} | {"errors": "0", "time": "0"}


def _suite(report: ClientReport) -> ET.Element:
    session = f", session {report.session}" if report.session is not None else ""
    name = _valid(f"{report.client}{session}")
    group = "mockllm." + name.replace(".", "_")  # readers split class names at dots
    results = {result.verdict.name: result for result in report.verdicts}
    cases = [verdict for verdict in VERDICTS.values() if not verdict.good or verdict.name in results]
    bad = sum(not result.verdict.good for result in report.verdicts)
    suite = ET.Element(
        "testsuite", name=name, tests=str(len(cases)), failures=str(bad), errors="0", skipped="0"
    )
    suite.set("time", "0")
    for verdict in cases:
        case = ET.SubElement(suite, "testcase", classname=group, name=verdict.name, time="0")
        if verdict.name in results:
            _add_result(case, results[verdict.name])
    return suite


def _add_result(case: ET.Element, result: VerdictResult) -> None:
    text = _valid(_text(result))
    if result.verdict.good:
        ET.SubElement(case, "system-out").text = text
    else:
        message = _valid(result.message)
        ET.SubElement(case, "failure", type=result.verdict.name, message=message).text = text


def _text(result: VerdictResult) -> str:
    """Return the rule, the evidence, and the requests that show it, one a line."""
    evidence = (item.message for item in result.evidence)
    return "\n".join([result.verdict.rule_with_source, *evidence, *map(str, result.requests)])


def _valid(text: str) -> str:
    return _INVALID.sub("?", text)
