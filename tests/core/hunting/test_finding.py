"""Findings, and the reports of a hunt."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from mockllm.core.hunting.disturbance_types import DISTURBANCES
from mockllm.core.hunting.finding import TRIED_ALL, Finding, HuntReport, TriedRow, cause
from mockllm.core.hunting.judgement import BrokenRule
from mockllm.core.hunting.report_files import report_json, report_junit
from mockllm.core.hunting.report_text import report_lines, summary
from mockllm.core.hunting.scenario_text import flow, scenario_text
from tests.core.hunting.runs import BASE, CRLF, CUT, REQUESTED, ended, requested

PROBLEM = BrokenRule("same_result", "line 1 is\x07 'x'")
FOUND = Finding(PROBLEM, (CRLF,), (CRLF, CUT), ended(1), 20, 20, ("no_space",))
FLAKY = Finding(BrokenRule("retry_storm", "12 retries"), (CRLF, CUT), (CRLF, CUT), ended(1, CUT), 20, 7)
TRIED = {
    "crlf": TriedRow({"failed": 1}),
    "no_space": TriedRow({"failed": 1}),
    "comments": TriedRow({"held": 3, "failed": 1}),
    "pause": TriedRow({"unclear": 1, "no effect": 2}, "its timeout is 600 s"),
    "silence": TriedRow({"unclear": 2}, "its timeout is 600 s"),
    "empty_answer": TriedRow({"no effect": 1}, "not shown"),
}
REPORT = HuntReport("run me", BASE, [FOUND], [FLAKY], TRIED, 150, 40, 10.0, 7, "150 runs")


def test_finding_has_a_name_and_a_rule() -> None:
    assert FOUND.name == "crlf-same-result"
    assert FLAKY.name == "crlf-and-cut-retry-storm"
    assert FOUND.rule_text.startswith("A legal variation")
    assert FLAKY.rule_text.startswith("A client retries a request a few times")
    assert (FOUND.flaky, FLAKY.flaky, FLAKY.rate) == (False, True, "7 of 20")


def test_cause_is_the_rule_and_the_families() -> None:
    assert cause((CUT, CRLF), PROBLEM) == "same_result: cut + lines"


def test_report_names_findings_and_what_held() -> None:
    text = "\n".join(report_lines(REPORT, {FOUND.name: "hunt/a.yaml"}))
    for part in (
        "1. same_result: line 1 is",
        "crlf, every request; failed 20 of 20 times",
        "also by: no_space",
        "written to hunt/a.yaml",
        "flaky, failed 7 of 20 runs: crlf, every request + cut, request 1",
        "held: comments\n",
        "cannot be judged (its timeout is 600 s): pause, silence\n",
        "had no effect (not shown): empty_answer",
        "not tried",
    ):
        assert part in text
    assert not REPORT.passed


def test_report_without_findings_has_a_summary() -> None:
    report = replace(REPORT, findings=[], flaky=[], tried={}, seconds=0.0, runs=1)
    lines = report_lines(report, {})
    assert lines[-1] == summary(report)
    assert summary(report).startswith("0 findings in 1 run and 40 replays, 0.0 s, 0.0 runs a second")
    assert not report.passed
    assert replace(report, tried=TRIED).passed
    assert "written to" not in "\n".join(
        report_lines(replace(report, findings=[replace(FOUND, also=())]), {})
    )
    everything = {name: TriedRow({"held": 1}) for name in DISTURBANCES}
    assert "not tried" not in "\n".join(report_lines(replace(report, tried=everything), {}))


def test_report_json_has_schedules_and_exchanges() -> None:
    document = report_json(REPORT, {FOUND.name: "hunt/a.yaml"})
    (finding,) = document["findings"]
    assert finding["file"] == "hunt/a.yaml"
    assert document["tried"]["empty_answer"] == {"results": {"no effect": 1}, "reason": "not shown"}
    assert report_json(
        replace(REPORT, baseline=replace(BASE, exchanges=(replace(REQUESTED, took=None),))), {}
    )


def test_report_junit_has_a_case_for_each_row() -> None:
    suite = ET.fromstring(report_junit(REPORT))
    cases = {case.get("name"): case for case in suite}
    assert cases["crlf"].find("failure") is not None
    assert cases["no_space"].find("failure") is not None
    assert cases["silence"].find("skipped") is not None
    assert cases["cut"].find("skipped") is not None
    assert (suite.get("tests"), suite.get("failures")) == (str(len(cases)), "2")
    held = ET.fromstring(report_junit(replace(REPORT, findings=[])))
    assert [len(case) for case in held if case.get("name") == "no_space"] == [0]


def test_rows_in_doubt_are_neither_held_nor_passed() -> None:
    report = replace(
        REPORT, findings=[], tried={"pause": TriedRow({"failed": 1}), **TRIED}, unexamined=["pause"]
    )
    text = "\n".join(report_lines(report, {}))
    assert "failed, and not examined (enough was found): pause" in text
    cases = {case.get("name"): case for case in ET.fromstring(report_junit(report))}
    skips = [cases[name].find("skipped") for name in ("crlf", "cut", "pause")]
    assert [None if skip is None else skip.get("message") for skip in skips] == [
        "failed 7 of 20 runs",
        "failed 7 of 20 runs",
        "failed, and not examined: enough was found",
    ]


def test_client_that_has_to_recover_may_not_report() -> None:
    finding = replace(FOUND, problem=BrokenRule("recovers", "the command gave up: 503"), schedule=(CUT,))
    text = "\n".join(report_lines(replace(REPORT, findings=[finding]), {}))
    assert "a good client recovers by a retry\n" in text
    assert "# A good client recovers by a retry.\n" in scenario_text(finding, BASE, "x", "a.yaml", None)


def test_scenario_has_modifiers_replies_and_an_example() -> None:
    finding = replace(FOUND, schedule=(CUT,), outcome=ended(0, CUT))
    text = scenario_text(finding, BASE, "run\nme", "hunt/a.yaml", {"itl": "1ms"})
    assert "  - name: hunt-pace\n    pace: {itl: 1ms}\n  - name: hunt-1\n    times: 1\n" in text
    assert "    fallback: true\n    match: {api: chat, turn: 1, user: {equals: hi}}\n" in text
    assert f"mockllm: 1\nfinding: {finding.name}\nmodifiers:" in text
    assert f"request: {{session: {finding.name}, method: POST" in text
    assert "expect: {status: 200, faults: [close]}}" in text
    assert "# Replay:  mockllm exec --scenarios hunt/a.yaml -- run me" in text


def test_scenario_without_replies_has_modifiers_only() -> None:
    bare = replace(BASE, exchanges=(replace(REQUESTED, reply=None), replace(REQUESTED, body=None)))
    finding = replace(FOUND, outcome=replace(ended(1), exchanges=(requested(CRLF, body=None),)))
    text = scenario_text(finding, replace(bare, exchanges=bare.exchanges[:1]), "x", "a.yaml", None)
    assert "rules:" not in text
    assert "examples:" not in text
    assert "hunt-pace" not in text


def test_scenario_of_literal_reply_has_no_template() -> None:
    exchange = replace(REQUESTED, api=None, user=None, reply={"text": "{{ x }}"})
    baseline = replace(BASE, exchanges=(exchange, exchange))
    finding = replace(FOUND, outcome=replace(ended(1), exchanges=(requested(None), requested(None))))
    text = scenario_text(finding, baseline, "x", "a.yaml", None)
    assert text.count("literal: true") == 1
    assert "match: {turn: 1}" in text


def test_scenario_of_error_expects_it() -> None:
    whole = requested(CRLF, stream=False, status=429, error="rate_limit", faults=())
    finding = replace(FOUND, outcome=replace(ended(1), exchanges=(whole,)))
    text = scenario_text(finding, BASE, "x", "a.yaml", None)
    assert "expect: {status: 429, error: rate_limit}" in text


def test_flow_quotes_what_yaml_would_read_otherwise() -> None:
    assert (
        flow({"a": ["b", "1ms", "no", "1", "x: y", 1, None, True]})
        == '{a: [b, 1ms, "no", "1", "x: y", 1, null, true]}'
    )


@pytest.mark.parametrize(
    ("ended_by", "reason"),
    [
        (
            TRIED_ALL,
            "no disturbance was tried: none fits the requests of the command, or all of them are ignored",
        ),
        ("3 s", "no disturbance was tried: the runs without disturbances took 10.0 s, "),
    ],
)
def test_hunt_that_tried_nothing_does_not_pass(ended_by: str, reason: str) -> None:
    untried = replace(REPORT, findings=[], tried={}, ended=ended_by)
    assert str(untried.untried).startswith(reason)
    assert not untried.passed
    assert REPORT.untried is None
