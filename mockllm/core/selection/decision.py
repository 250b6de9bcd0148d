"""What a request lays claim to, as data: the rules and modifiers that could answer, in order, with their
guards. State settles a claim in one atomic act: it decides, counts, and says what it decided.

Two counts stand for each rule or modifier and scope. *Tries*: its match held and it was reached; what
`chance` and `choose` are drawn by. *Answers*: its turns, what `times`, `skip`, `every` and `sequence` go by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, Protocol, TypeAlias

from msgspec import Struct

from mockllm.core.limits import Limit, LimitResult, LimitStatus
from mockllm.core.randomness import Randomness
from mockllm.core.selection.load import Load
from mockllm.core.selection.named_states import Required, UnmetState, Value, unmet_state
from mockllm.core.selection.time_window import TimeWindow


class Guard(Struct, frozen=True):
    """When a rule whose match holds answers all the same not. A turn outside of its window, without the states
    that it requires, or that `chance` spares is not counted; of the turns that are left, `skip` passes over the
    first ones, `every` takes each Nth of the rest, and `times` is how many answers there are in all (a sequence
    that falls through has as many as steps)."""

    chance: float | None = None
    times: int | None = None
    skip: int = 0
    every: int = 1
    during: TimeWindow | None = None
    requires: Required | None = None

    def blocked_by_state(self, elapsed: float, states: Mapping[str, Value]) -> GuardReason | None:
        """Why it is not the time, so many seconds after the first try, or not the state of things."""
        if self.during is not None and not self.during.contains(elapsed):
            return "outside its window"
        return None if self.requires is None else unmet_state(self.requires, states)

    def loses_chance(self, seed: int, key: str, scope: str, tries: int) -> bool:
        """Whether the draw is lost."""
        return (
            self.chance is not None and Randomness(seed, key, scope, tries).uniform("chance") >= self.chance
        )

    def response_count(self, turns: int) -> int:
        """How many answers were given in so many turns."""
        given = max(0, turns - self.skip) // self.every
        return given if self.times is None else min(given, self.times)

    def blocked_by_count(self, turns: int) -> GuardReason | None:
        """Why the next turn is not answered, after so many turns."""
        if turns < self.skip:
            return "skipped"
        if self.times is not None and (turns - self.skip) // self.every >= self.times:
            return "used up"
        if (turns + 1 - self.skip) % self.every:
            return "not its turn"
        return None


Turned: TypeAlias = Literal["used up", "skipped", "not its turn"]
GuardReason: TypeAlias = Turned | Literal["lost its chance", "outside its window"] | UnmetState
TURNS: Final[tuple[Turned, ...]] = ("used up", "skipped", "not its turn")
"""What is a turn all the same, though it was not answered."""


class Candidate(Struct, frozen=True):
    """One rule or modifier that matched. `key` names its counts (id and digest), `scope` whose they are.
    `draws` is the key of its randomness: its id alone, so that editing an answer does not change its draws."""

    item: int
    key: str
    draws: str
    scope: str
    guard: Guard | None
    validation: Validation = "strict"
    error: bool = False
    """A modifier that stands in place of whatever would have answered."""
    known_models: bool = False
    """Whether it answers known models only (`models: strict`)."""
    sets: Mapping[str, Value] | None = None
    """The named states that its answer sets."""
    limit: Limit | None = None
    load: Load | None = None
    lasts: int | None = None
    """How many answers it has, where it says a miss behind the last: that sets no state."""

    @property
    def decided(self) -> bool:
        """Whether its match alone says what comes of it: nothing to draw, to wait for, to set or to ask."""
        return self.guard is None and not (self.error or self.sets or self.limit or self.load)


Validation: TypeAlias = Literal["strict", "lenient", "off"]
Models: TypeAlias = Literal["any", "strict"]
"""Which models a rule answers: any, or those alone that are known."""


class MatchResult(Struct, frozen=True):
    """`rules`: the candidates in order, up to the first without a guard. `modifiers`: all that matched.
    `invalid` tells whether the request fails a validation; it is asked at most once. `unknown` tells whether it
    asks for a model that is not known; `tokens` how many it takes of a limit. `now` is the request's time, in
    seconds."""

    session: str
    seed: int
    rules: Sequence[Candidate]
    modifiers: Sequence[Candidate]
    invalid: Callable[[Validation], bool]
    unknown: Callable[[], bool] = bool
    now: float = 0.0
    tokens: Callable[[], int] = int

    def refused(self, winner: Candidate | None) -> bool:
        """Whether the request is not as what would answer wants it; None where nothing would."""
        if winner is None:
            return self.invalid("strict")
        return self.invalid(winner.validation) or (winner.known_models and self.unknown())


class Selected(Struct, frozen=True):
    """A candidate that was let through, with its counts before this request; `given` are its answers."""

    candidate: Candidate
    tries: int
    responses: int


class AdmissionResult(Struct, frozen=True):
    """What the limits and loads on a request said of it, and what they stand at now. `by` is the one that refused
    it, with its `verdict` (None where it was a load); else the answer is held back for `wait` seconds, and its
    own waits are `slowdown` times as long. `tokens` is what it takes of a limit."""

    standing: LimitStatus = LimitStatus()
    wait: float = 0.0
    slowdown: float = 1.0
    by: Candidate | None = None
    result: LimitResult | None = None
    tokens: int = 0


class Lease(Protocol):
    """The place that an answer under way takes in limits (`concurrent`) and loads. It is handed back when the
    answer has ended, however it did; what was handed back is not handed back again."""

    def expect_end(self, until: float) -> None:
        """When the answer will have ended, as far as it is planned; on the clock of `Claim.now`."""

    def end(self) -> None:
        """It has ended."""


Outcome: TypeAlias = Literal["rule", "modifier", "limited", "overloaded", "invalid", "miss"]


class Decision(Struct, frozen=True):
    """What was decided. `outcome`: `rule` answers; a `modifier`'s error does; it is `limited`, or `overloaded`,
    by a modifier; the request is `invalid`; or a `miss`. `refused` are the rules that matched and did not
    answer, with why. `number` is the request's number in its scope. `bounds` where limits or loads were asked,
    `lease` where one of them counts what is under way."""

    outcome: Outcome
    rule: Selected | None
    modifiers: Sequence[Selected]
    number: int
    refused: Sequence[tuple[Candidate, GuardReason]] = ()
    bounds: AdmissionResult | None = None
    lease: Lease | None = None
    skipped_modifiers: Sequence[tuple[Candidate, GuardReason]] = ()
    """The modifiers that matched and were not applied, with why."""
