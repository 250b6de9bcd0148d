"""What a request lays claim to, as data: the rules and modifiers that could answer, in order, with their
guards. State settles a claim in one atomic act: it decides, counts, and says what it decided.

Two counts stand for each rule or modifier and scope. *Tries*: its match held and it was reached; what
`chance` and `choose` are drawn by. *Answers*: its turns, what `times`, `skip`, `every` and `sequence` go by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from mockllm.core.chance import Chance


@dataclass(frozen=True, slots=True)
class Guard:
    """When a rule whose match holds answers all the same not. A turn that `chance` spares is not counted;
    of the turns that are left, `skip` passes over the first ones, `every` takes each Nth of the rest, and
    `times` is how many answers there are in all (a sequence that falls through has as many as steps)."""

    chance: float | None = None
    times: int | None = None
    skip: int = 0
    every: int = 1

    def spares(self, seed: int, key: str, scope: str, tries: int) -> bool:
        """Whether the draw is lost."""
        return self.chance is not None and Chance(seed, key, scope, tries).uniform("chance") >= self.chance

    def given(self, turns: int) -> int:
        """How many answers were given in so many turns."""
        given = max(0, turns - self.skip) // self.every
        return given if self.times is None else min(given, self.times)

    def refuses(self, turns: int) -> Refused | None:
        """Why the next turn is not answered, after so many turns."""
        if turns < self.skip:
            return "skipped"
        if self.times is not None and (turns - self.skip) // self.every >= self.times:
            return "used up"
        if (turns + 1 - self.skip) % self.every:
            return "not its turn"
        return None


Refused: TypeAlias = Literal["used up", "lost its chance", "skipped", "not its turn"]


class Candidate(NamedTuple):
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


Validation: TypeAlias = Literal["strict", "lenient", "off"]
Models: TypeAlias = Literal["any", "strict"]
"""Which models a rule answers: any, or those alone that are known."""


class Claim(NamedTuple):
    """`rules`: the candidates in order, up to the first without a guard. `modifiers`: all that matched.
    `invalid` tells whether the request fails a validation; it is asked at most once. `unknown` tells whether it
    asks for a model that is not known."""

    session: str
    seed: int
    rules: Sequence[Candidate]
    modifiers: Sequence[Candidate]
    invalid: Callable[[Validation], bool]
    unknown: Callable[[], bool] = bool

    def refused(self, winner: Candidate | None) -> bool:
        """Whether the request is not as what would answer wants it; None where nothing would."""
        if winner is None:
            return self.invalid("strict")
        return self.invalid(winner.validation) or (winner.known_models and self.unknown())


class Turn(NamedTuple):
    """A candidate that was let through, with its counts before this request; `given` are its answers."""

    candidate: Candidate
    tries: int
    given: int


class Settled(NamedTuple):
    """What was decided. `outcome`: `rule` answers; a `modifier`'s error does; the request is `invalid`; or a
    `miss`. `refused` are the rules that matched and did not answer, with why. `number` is the request's
    number in its scope."""

    outcome: Literal["rule", "modifier", "invalid", "miss"]
    rule: Turn | None
    modifiers: Sequence[Turn]
    number: int
    refused: Sequence[tuple[Candidate, Refused]] = ()
