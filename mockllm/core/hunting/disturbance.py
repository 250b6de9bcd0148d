"""Disturbances: what a server does to a client in one run. Several of them are a schedule."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import TypeAlias

from msgspec import Struct

from mockllm.core.json.codec import Json, dumps


class Disturbance(Struct, frozen=True):
    """One entry of a schedule, which is a modifier of the scenario language.

    `kind` is the name of its row in the table of disturbances. `settings` are the keys of the modifier that disturb
    (`faults`, `error`, `pace`, `headers`, `delay`). `match`, `skip` and `times` choose the requests: those that
    match, without the first `skip`, at most `times` of them (None: all).
    """

    kind: str
    settings: Mapping[str, Json]
    match: Mapping[str, Json] = {}
    skip: int = 0
    times: int | None = None

    @property
    def key(self) -> str:
        """A text that is equal for equal disturbances only."""
        members: Json = [self.kind, dict(self.settings), dict(self.match), self.skip, self.times]
        return dumps(members).decode()

    @property
    def fault_names(self) -> tuple[str, ...]:
        """The names of the faults in the settings."""
        faults = self.settings.get("faults")
        names = []
        for fault in faults if isinstance(faults, list) else ():
            names += [fault] if isinstance(fault, str) else [str(name) for name in fault or {}]
        return tuple(names)

    def modifier(self, name: str) -> dict[str, Json]:
        """Return the modifier, by keys of the scenario language."""
        keys: dict[str, Json] = {"name": name}
        if self.match:
            keys["match"] = dict(self.match)
        if self.skip:
            keys["skip"] = self.skip
        if self.times is not None:
            keys["times"] = self.times
        return {**keys, **self.settings}

    def may_meet(self, other: Disturbance) -> bool:
        """Return whether a request may get both: they choose requests that overlap."""
        ends = [inf if each.times is None else each.skip + each.times for each in (self, other)]
        return self.skip < ends[1] and other.skip < ends[0]

    def __str__(self) -> str:
        """`reset on request 2`, for people."""
        text = self.kind
        if self.match:
            text += " on " + ", ".join(f"{name} {value}" for name, value in self.match.items())
        if self.times is None:
            return f"{text}{f', from request {self.skip + 1} on' if self.skip else ', every request'}"
        first, last = self.skip + 1, self.skip + self.times
        return f"{text}, request {first}" if first == last else f"{text}, requests {first} to {last}"


Schedule: TypeAlias = tuple[Disturbance, ...]
"""The disturbances of one run; none in a run that only records what the client does."""


def schedule_key(schedule: Schedule) -> str:
    """Return a text that is equal for equal schedules only."""
    return "\n".join(sorted(each.key for each in schedule))


def schedule_text(schedule: Schedule) -> str:
    """Return the schedule in a line, for people."""
    return " + ".join(map(str, schedule)) or "no disturbance"
