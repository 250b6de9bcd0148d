"""Findings: schedules that break a client, shrunk and replayed, and the report of a hunt."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from mockllm.core.hunting.disturbance import Schedule
from mockllm.core.hunting.disturbance_types import DISTURBANCES
from mockllm.core.hunting.judgement import RULES, BrokenRule, Result
from mockllm.core.hunting.outcome import RunOutcome
from mockllm.core.request.server_address import MAX_SESSION_ID
from mockllm.core.verdicts import VERDICTS

TRIED_ALL: Final = "tried everything"
"""Why a hunt ends whose budget is larger than the search."""


class Finding(Struct, frozen=True):
    """A schedule after which a client breaks a rule for clients. `found` is the schedule before it was shrunk.
    `failures` of `replays` runs broke the same rule. `also` are the kinds of other schedules with the same cause.
    """

    problem: BrokenRule
    schedule: Schedule
    found: Schedule
    outcome: RunOutcome
    replays: int = 0
    failures: int = 0
    also: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of its file and of its session: `split-character`, `overloaded-and-comments`."""
        kinds = " and ".join(each.kind for each in self.schedule)
        return re.sub(r"[^a-z0-9]+", "-", f"{kinds} {self.problem.rule}".lower())[:MAX_SESSION_ID]

    @property
    def flaky(self) -> bool:
        """Whether it does not fail each time: then it is reported with its rate, and not as a finding."""
        return self.failures < self.replays

    @property
    def kinds(self) -> tuple[str, ...]:
        """The rows of the table that have this cause."""
        return (*(each.kind for each in self.schedule), *self.also)

    @property
    def demanded(self) -> bool:
        """Whether an error that says what happened would not have been enough."""
        return self.problem.rule == "recovers"

    @property
    def rate(self) -> str:
        return f"{self.failures} of {self.replays}"

    @property
    def rule_text(self) -> str:
        """The broken rule in a sentence."""
        verdict = VERDICTS.get(self.problem.rule)
        return RULES[self.problem.rule] if verdict is None else verdict.rule


def cause(schedule: Schedule, problem: BrokenRule) -> str:
    """Return the cause of a finding: findings of one cause are one."""
    families = sorted({DISTURBANCES[each.kind].family for each in schedule})
    return f"{problem.rule}: {' + '.join(families)}"


class TriedRow(Struct):
    """How often the schedules with a row of the table had each result."""

    counts: dict[Result, int] = field(default_factory=dict)
    reason: str = ""
    """Why the last one had no effect, or was unclear."""


class HuntReport(Struct):
    """All of a hunt. `runs` does not count `replays`. `ended` says why it ended. `unexamined` are rows that failed
    when enough was found already."""

    command: str
    baseline: RunOutcome
    findings: Sequence[Finding]
    flaky: Sequence[Finding]
    tried: Mapping[str, TriedRow]
    runs: int
    replays: int
    seconds: float
    seed: int
    ended: str
    unexamined: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        """Whether the client bore what was tried. A hunt that tried nothing says nothing about a client."""
        return bool(self.tried) and not self.findings

    @property
    def untried(self) -> str | None:
        """Why nothing was tried; None where something was."""
        if self.tried:
            return None
        if self.ended == TRIED_ALL:
            return (
                "no disturbance was tried: none fits the requests of the command, or all of them are ignored"
            )
        return (
            f"no disturbance was tried: the runs without disturbances took {self.seconds:.1f} s, "
            f"and the hunt ended: {self.ended}"
        )

    @property
    def broken(self) -> frozenset[str]:
        """The rows that are part of a finding, or in doubt."""
        found = (*self.findings, *self.flaky)
        return frozenset(self.unexamined).union(*(each.kinds for each in found))
