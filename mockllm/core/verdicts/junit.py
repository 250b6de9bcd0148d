"""Verdicts in the form that CI servers read: each verdict on each client a test case, a bad one its failure.

The form is JUnit's, as its Ant task writes it and as Jenkins, GitLab and GitHub's actions read it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from mockllm.core.verdicts.catalog import VERDICTS, VerdictResult
from mockllm.core.verdicts.evaluate import ClientReport

_UNWRITABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML may hold (XML 1.0, section 2.2)."""


def junit(found: Sequence[ClientReport]) -> bytes:
    """The document."""
    suites = [_suite(each) for each in found]
    root = ET.Element("testsuites", {"name": "mockllm verdicts", **_counts(suites)})
    root.extend(suites)
    ET.indent(root)
    said: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return said + b"\n"


def _counts(suites: Sequence[ET.Element]) -> dict[str, str]:
    total = {name: sum(int(each.get(name, 0)) for each in suites) for name in ("tests", "failures")}
    return {name: str(count) for name, count in total.items()} | {"errors": "0", "time": "0"}


def _suite(conduct: ClientReport) -> ET.Element:
    session = f", session {conduct.session}" if conduct.session is not None else ""
    name = _writable(f"{conduct.client}{session}")
    group = "mockllm." + name.replace(".", "_")  # readers part classes at their points
    given = {each.verdict.name: each for each in conduct.verdicts}
    wanted = [verdict for verdict in VERDICTS.values() if not verdict.good or verdict.name in given]
    bad = sum(not each.verdict.good for each in conduct.verdicts)
    suite = ET.Element(
        "testsuite", name=name, tests=str(len(wanted)), failures=str(bad), errors="0", skipped="0"
    )
    suite.set("time", "0")
    for verdict in wanted:
        case = ET.SubElement(suite, "testcase", classname=group, name=verdict.name, time="0")
        if verdict.name in given:
            _tell(case, given[verdict.name])
    return suite


def _tell(case: ET.Element, given: VerdictResult) -> None:
    if given.verdict.good:
        ET.SubElement(case, "system-out").text = _writable(_text(given))
    else:
        says = _writable(given.says)
        ET.SubElement(case, "failure", type=given.verdict.name, message=says).text = _writable(_text(given))


def _text(given: VerdictResult) -> str:
    """The rule, each case, and the requests that show it."""
    lines = [given.verdict.rule_of_conduct, *(each.says for each in given.instances), *map(str, given.deeds)]
    return "\n".join(lines)


def _writable(text: str) -> str:
    return _UNWRITABLE.sub("?", text)
