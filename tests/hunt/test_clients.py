"""Small clients with one bug each, and the same clients mended: what a hunt finds of them.

Each client names the public source of its bug. `MENDED=1` runs it without the bug.
"""

from __future__ import annotations

import re
from statistics import median

import pytest

from mockllm.hunting.hunter import HuntBudget
from tests.hunt.client_hunts import FOLDER, RULES, findings_until, hunted

QUICK = ("null_content",)
"""The clients that every run of the tests hunts."""
NAMES = [pytest.param(name, marks=() if name in QUICK else pytest.mark.full) for name in RULES]
USUAL = ("null_content", "lf_only", "parallel_mixed", "text_repeated")
"""The clients that are also hunted without their bug wherever the tests marked `full` run: two of each language."""
MENDED = [pytest.param(name, marks=() if name in USUAL else pytest.mark.long) for name in RULES]


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
def test_hunt_finds_the_bug_of_a_client(name: str) -> None:
    budget = HuntBudget(findings=findings_until(name), jobs=2, replays=5)
    report = hunted(name, budget, mended=False)
    assert report.runs <= 202
    rules = [finding.problem.rule for finding in report.findings]
    assert RULES[name] in rules, [(finding.schedule, finding.rate) for finding in report.flaky]
    assert median(len(finding.schedule) for finding in report.findings) <= 2


@pytest.mark.needs("node")
@pytest.mark.timeout(900)
@pytest.mark.full
@pytest.mark.parametrize("name", MENDED)
def test_hunt_of_a_mended_client_finds_nothing(name: str) -> None:
    report = hunted(name, HuntBudget(jobs=8), mended=True)  # its runs wait most of the time
    assert [(finding.problem, finding.schedule) for finding in report.findings] == []
    assert [(finding.problem, finding.schedule) for finding in report.flaky] == []
