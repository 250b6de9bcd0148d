"""A hunt of one test: `@pytest.mark.mockllm(hunt=True)`.

The test runs again and again, each time with new fixtures, and its server disturbs it. `mockllm.testing.plugin`
imports this module for a test that has the marker.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypedDict

import pytest
from _pytest.runner import runtestprotocol

from mockllm.core.hunting.disturbance import Schedule
from mockllm.core.hunting.finding import TRIED_ALL, HuntReport
from mockllm.core.hunting.judgement import Policy, modifier_name
from mockllm.core.hunting.outcome import RunOutcome
from mockllm.core.hunting.report_text import report_lines, summary
from mockllm.hunting.disturbed_server import FAST, exchanges_seen, verdicts_seen
from mockllm.hunting.finding_files import keep_findings
from mockllm.hunting.hunt import RunBound
from mockllm.hunting.hunter import MIN_RUNS, HuntBudget, Hunter, NoBaseline
from mockllm.hunting.outcome_store import OutcomeStore
from mockllm.testing.plugin import MODIFIERS, SERVERS

FOLDER: Final = "hunt"
"""The folder of findings, below the root of the tests."""
LEAST: Final = {"runs": MIN_RUNS, "replays": 1, "findings": 1}
SECONDS: Final = ("time", "timeout")


class HuntSettings(TypedDict, total=False):
    """The settings in `hunt={…}`."""

    runs: int
    time: float
    timeout: float
    replays: int
    findings: int
    seed: int


class ItemTrial:
    """Runs a test. `reports` are those of its last run."""

    def __init__(self, item: pytest.Item, nextitem: pytest.Item | None, timeout: float) -> None:
        self._item = item
        self._nextitem = nextitem
        self._timeout = timeout
        self.reports: list[pytest.TestReport] = []

    @property
    def parallel(self) -> bool:
        return False

    @property
    def inline(self) -> bool:
        return True

    def end(self) -> None:
        """No run takes place in another thread."""

    def run(self, schedule: Schedule) -> RunOutcome:
        """Run the test once."""
        item = self._item
        item.stash[MODIFIERS] = [
            {"name": "hunt-pace", "pace": dict(FAST)},
            *(each.modifier(modifier_name(number)) for number, each in enumerate(schedule)),
        ]
        item._initrequest()  # type: ignore[attr-defined]  # as plugins do that rerun tests
        began, since = time.monotonic(), time.time()
        with RunBound(self._timeout, self._stop) as bound:
            self.reports = runtestprotocol(item, log=False, nextitem=self._nextitem)
        took = time.monotonic() - began
        servers = [server for _, server in item.stash.get(SERVERS, [])]
        failed = next((report for report in self.reports if report.failed), None)
        return RunOutcome(
            None if bound.reached else int(failed is not None),
            took,
            stderr="" if failed is None else failed.longreprtext,
            verdicts=tuple(each for server in servers for each in verdicts_seen(server)),
            exchanges=tuple(each for server in servers for each in exchanges_seen(server, since)),
        )

    def _stop(self) -> None:
        """Stop the servers of the test: then its requests fail."""
        for _, server in self._item.stash.get(SERVERS, []):
            getattr(server, "stop", lambda: None)()


def hunt_item(item: pytest.Item, nextitem: pytest.Item | None, settings: HuntSettings) -> None:
    """Hunt a test, and log one report for it."""
    trial = ItemTrial(item, nextitem, settings.get("timeout", 10.0))
    budget = HuntBudget(
        settings.get("runs", 200),
        settings.get("time", 600.0),
        replays=settings.get("replays", 20),
        seed=settings.get("seed", 0),
        findings=settings.get("findings"),
    )
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    store = OutcomeStore(trial, None, "", resume=False)
    try:
        report = Hunter(store, Policy(), budget).hunt(f"pytest {item.nodeid}")
    except NoBaseline as error:
        reports = _not_hunted(trial.reports, error)
    else:
        reports = _with_findings(trial.reports, report, item.config.rootpath)
    for each in reports:
        item.ihook.pytest_runtest_logreport(report=each)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


def mistake_in(settings: object) -> str | None:
    """Return what is wrong with settings; None for those with which a test is hunted. True has no settings."""
    if not isinstance(settings, Mapping):
        return (
            None
            if settings is True
            else f"hunt is True, False or a mapping of settings, and not {settings!r}"
        )
    for name, value in settings.items():
        if name not in (known := HuntSettings.__annotations__):
            return f"hunt has no setting {name!r}; expected one of {', '.join(known)}"
        seconds = value if isinstance(value, int | float) and not isinstance(value, bool) else 0
        if name in LEAST and not (type(value) is int and value >= LEAST[name]):
            return f"hunt={{{name!r}: {value!r}}}: expected a number from {LEAST[name]}"
        if name in SECONDS and not seconds > 0:
            return f"hunt={{{name!r}: {value!r}}}: expected seconds, more than 0"
        if name == "seed" and type(value) is not int:
            return f"hunt={{{name!r}: {value!r}}}: expected a whole number"
    return None


def _not_hunted(reports: list[pytest.TestReport], error: NoBaseline) -> list[pytest.TestReport]:
    """Return the reports of a test that cannot be hunted: its own failure, or the reason."""
    if any(each.failed or each.skipped for each in reports):
        return reports
    call = next((each for each in reports if each.when == "call"), reports[0])
    call.outcome, call.longrepr = "failed", f"hunt: {error}"
    return reports


def _with_findings(
    reports: list[pytest.TestReport], hunted: HuntReport, root: Path
) -> list[pytest.TestReport]:
    """Return the reports of a test whose hunt has ended: failed for a finding, or where nothing was tried."""
    for each in reports:
        each.outcome, each.longrepr = "passed", None
        each.sections = [("mockllm: hunt", summary(hunted))] if each.when == "call" else []
    call = next((each for each in reports if each.when == "call"), reports[0])
    if hunted.untried is not None:
        more = "" if hunted.ended == TRIED_ALL else "; give it more time: hunt={'time': 60}"
        call.outcome, call.longrepr = "failed", f"hunt: {hunted.untried}{more}"
    elif not hunted.passed:
        files = keep_findings(hunted, root / FOLDER, own_pace=False)
        call.outcome = "failed"
        call.longrepr = "\n".join(report_lines(hunted, files)).lstrip("\n")
    return reports
