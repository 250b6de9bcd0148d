"""Small clients with one bug each, and the same clients mended: what a hunt finds of them.

Each client names the public source of its bug. `MENDED=1` runs it without the bug.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from statistics import median

import pytest

from mockllm.core.hunting.finding import HuntReport
from mockllm.core.hunting.judgement import Policy
from mockllm.hunting.command_run import CommandTrial
from mockllm.hunting.disturbed_server import ServerSources
from mockllm.hunting.hunter import HuntBudget, Hunter
from mockllm.hunting.outcome_store import OutcomeStore

FOLDER = Path(__file__).parent / "clients"
RULES = {
    "arguments_in_one_piece": "same_result",
    "comments_refused": "same_result",
    "cut_is_complete": "no_wrong_result",
    "decoded_piecewise": "same_result",
    "done_twice": "once",
    "empty_choices": "same_result",
    "error_event_ignored": "no_wrong_result",
    "error_in_200": "no_crash",
    "lf_only": "same_result",
    "no_backoff": "no_backoff",
    "no_carry_over": "same_result",
    "no_read_timeout": "ends",
    "null_content": "no_crash",
    "overloaded_given_up": "recovers",
    "parallel_mixed": "same_result",
    "refusal_continued": "goes_on",
    "refused_key_retried": "retried_non_retryable",
    "retry_after_date": "says_so",
    "space_required": "same_result",
    "text_repeated": "no_wrong_result",
}
"""The clients, and the rule that each one breaks."""
QUICK = ("null_content",)
"""The clients that every run of the tests hunts."""
NAMES = [pytest.param(name, marks=() if name in QUICK else pytest.mark.full) for name in RULES]


def hunted(name: str, budget: HuntBudget, monkeypatch: pytest.MonkeyPatch, *, mended: bool) -> HuntReport:
    monkeypatch.setenv("MENDED", "1" if mended else "0")
    (path,) = (
        FOLDER / f"{name}{suffix}" for suffix in (".py", ".mjs") if (FOLDER / f"{name}{suffix}").exists()
    )
    line = ["node", str(path)] if path.suffix == ".mjs" else [sys.executable, "-S", str(path)]
    sources = ServerSources([str(FOLDER / "scenario.yaml")])
    trial = CommandTrial(line, sources, 10.0, "stdout", "$MOCKLLM_RUN_DIR/bookings")
    policy = Policy(frozenset({3}), "recover" if name == "overloaded_given_up" else "report")
    return Hunter(OutcomeStore(trial, None, "", resume=False), policy, budget).hunt(name)


def test_every_client_has_a_source_and_a_rule() -> None:
    clients = {path.stem: path for path in FOLDER.iterdir() if path.suffix in (".py", ".mjs")}
    del clients["wire"]
    assert sorted(clients) == sorted(RULES)
    for name, path in clients.items():
        text = path.read_text(encoding="utf-8")
        assert re.search(r"Bug: .*\n", text), name
        assert re.search(r"Source: https://github\.com/\S+/(?:issues|pull)/\d+", text), name


@pytest.mark.needs("node")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_hunt_finds_the_bug_of_a_client(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    every = name == "no_backoff"  # it does not wait as requested, either, and that comes first
    report = hunted(
        name, HuntBudget(findings=None if every else 1, jobs=2, replays=5), monkeypatch, mended=False
    )
    assert report.runs <= 202
    rules = [finding.problem.rule for finding in report.findings]
    assert RULES[name] in rules, [(finding.schedule, finding.rate) for finding in report.flaky]
    assert median(len(finding.schedule) for finding in report.findings) <= 2


@pytest.mark.needs("node")
@pytest.mark.timeout(900)
@pytest.mark.full
@pytest.mark.parametrize("name", RULES)
def test_hunt_of_a_mended_client_finds_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    report = hunted(name, HuntBudget(jobs=2), monkeypatch, mended=True)
    assert [(finding.problem, finding.schedule) for finding in report.findings] == []
    assert [(finding.problem, finding.schedule) for finding in report.flaky] == []
