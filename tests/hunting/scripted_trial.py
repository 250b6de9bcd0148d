"""A client that is played: no process, no server."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from msgspec.structs import replace

from mockllm.core.hunting.disturbance import Schedule
from mockllm.core.hunting.finding import HuntReport
from mockllm.core.hunting.judgement import Policy
from mockllm.core.hunting.outcome import RunOutcome
from mockllm.hunting.hunter import HuntBudget, Hunter, HuntWatch
from mockllm.hunting.outcome_store import OutcomeStore
from tests.core.hunting.runs import BASE, REQUESTED


class ScriptedTrial:
    """Ends as `fails` says: a run for which it is true has another output."""

    def __init__(self, fails: Callable[[Schedule, int], bool], *, parallel: bool = True) -> None:
        self._fails = fails
        self.parallel = parallel
        self.inline = False
        self.runs: list[Schedule] = []
        self._lock = Lock()

    def end(self) -> None:
        """No run takes long enough to be ended."""

    def run(self, schedule: Schedule) -> RunOutcome:
        with self._lock:
            self.runs.append(schedule)
            number = len(self.runs)
        played = [
            replace(REQUESTED, modifiers=(f"hunt-{place}",), faults=each.fault_names)
            for place, each in enumerate(schedule, 1)
        ]
        outcome = replace(BASE, exchanges=tuple(played) or BASE.exchanges)
        return replace(outcome, compared=b"broken") if self._fails(schedule, number) else outcome


def hunted(
    trial: ScriptedTrial, budget: HuntBudget | None = None, watch: HuntWatch | None = None
) -> HuntReport:
    """The report of a hunt."""
    store = OutcomeStore(trial, None, "", resume=False)
    return Hunter(store, Policy(), budget or HuntBudget(jobs=1), watch).hunt("run me")
