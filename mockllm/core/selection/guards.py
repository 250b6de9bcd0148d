"""Guards: the conditions outside of a request under which a rule or modifier applies, as time windows, states and
counts.

A time window is counted from the first try of the rule or modifier in its scope, not from the time of day. So a
run is the same whenever it begins. Times are compared in whole microseconds, as limits do, since differences of a
clock's floats are inexact. Named states are values that responses of a scope set and later guards require. A state
that is not set is null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from mockllm.core.json.equality import equal
from mockllm.core.limits.meters import MICROS_PER_SECOND
from mockllm.core.randomness import Randomness

StateValue: TypeAlias = str | int | float | bool | None
Required: TypeAlias = Mapping[str, StateValue | Sequence[StateValue]]
"""The value that each state must have, by its name; of several values any."""


class UnmetState(NamedTuple):
    """A state without the required value."""

    name: str
    wanted: StateValue | Sequence[StateValue]
    found: StateValue


def unmet_state(required: Required, states: Mapping[str, StateValue]) -> UnmetState | None:
    """Return the first state without its required value; None if all states have theirs."""
    for name, wanted in required.items():
        if not _any(wanted, states.get(name)):
            return UnmetState(name, wanted, states.get(name))
    return None


def _any(wanted: StateValue | Sequence[StateValue], value: StateValue) -> bool:
    if isinstance(wanted, (list, tuple)):
        return any(equal(item, value) for item in wanted)
    return equal(wanted, value)


def changed_states(states: Mapping[str, StateValue], sets: Mapping[str, StateValue]) -> dict[str, StateValue]:
    """Return the states after a response that sets these; null removes a state."""
    return {name: value for name, value in {**states, **sets}.items() if value is not None}


class TimeWindow(Struct, frozen=True):
    """From `start` until `end` (exclusive), in seconds from the first try; with `every`, repeated after so many
    seconds."""

    start: float = 0.0
    end: float = inf
    every: float | None = None

    def contains(self, elapsed: float) -> bool:
        """Return whether `elapsed` seconds after the first try are inside the window."""
        at = round(elapsed * MICROS_PER_SECOND)
        if self.every is not None:
            at %= max(1, round(self.every * MICROS_PER_SECOND))
        return self.start * MICROS_PER_SECOND - 0.5 <= at < self.end * MICROS_PER_SECOND - 0.5


CountReason: TypeAlias = Literal["used up", "skipped", "not its turn"]
GuardReason: TypeAlias = CountReason | Literal["lost its chance", "outside its window"] | UnmetState
BLOCKED_BY_COUNT: Final[tuple[CountReason, ...]] = ("used up", "skipped", "not its turn")
"""The reasons that block an eligible try."""


class Guard(Struct, frozen=True):
    """The conditions outside of the request under which a rule or modifier that matches applies.

    A try is eligible inside the window, with the required states, and if `chance` is not lost. `skip` omits the
    first of the eligible tries, and `every` selects each Nth of the rest. `times` is the maximum of responses. For
    a sequence with `then: fall_through`, that is the sum of its steps' `times`: after them, the next rule is tried.
    """

    chance: float | None = None
    times: int | None = None
    skip: int = 0
    every: int = 1
    during: TimeWindow | None = None
    requires: Required | None = None

    def blocked_by_window_or_state(
        self, elapsed: float, states: Mapping[str, StateValue]
    ) -> GuardReason | None:
        """Return why window or states block the candidate, `elapsed` seconds after its first try; else None."""
        if self.during is not None and not self.during.contains(elapsed):
            return "outside its window"
        return None if self.requires is None else unmet_state(self.requires, states)

    def loses_chance(self, seed: int, random_key: str, scope: str, tries: int) -> bool:
        """Return whether the draw of `chance` is lost."""
        return (
            self.chance is not None
            and Randomness(seed, random_key, scope, tries).uniform("chance") >= self.chance
        )

    def earlier_responses(self, eligible_tries: int) -> int:
        """Return the number of responses in so many eligible tries."""
        responses = max(0, eligible_tries - self.skip) // self.every
        return responses if self.times is None else min(responses, self.times)

    def blocked_by_count(self, eligible_tries: int) -> GuardReason | None:
        """Return why the next try has no response, after so many eligible tries; None if it has one."""
        if eligible_tries < self.skip:
            return "skipped"
        if self.times is not None and (eligible_tries - self.skip) // self.every >= self.times:
            return "used up"
        if (eligible_tries + 1 - self.skip) % self.every:
            return "not its turn"
        return None
