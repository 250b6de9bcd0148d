"""What comes of a request: the plan to play, and what the log and the journal say of it."""

from __future__ import annotations

from typing import Final, NamedTuple

from mockllm.core.hints import brief
from mockllm.core.plan import Plan
from mockllm.core.request import Request
from mockllm.core.stencil import Filled

UNKNOWN: Final = 3
"""So many fields of a request that nobody knows are noted."""


class Answer(NamedTuple):
    """`made` is what goes on the wire. `rule` and `modifiers` are ids as a person reads them
    (`a.yaml:greeting`); `notes` what was planned and could not be played, or is worth a word in the live line
    and the journal; `missed`: no rule answered."""

    made: Plan | Filled
    rule: str | None
    modifiers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    missed: bool = False
    error: str | None = None
    """The neutral name of the error that was answered, if one was."""
    faults: tuple[str, ...] = ()
    """The faults that were played."""

    @property
    def plan(self) -> Plan:
        made = self.made
        return made.plan if type(made) is Filled else made  # type: ignore[return-value]

    @property
    def status(self) -> int:
        made = self.made
        return made.stencil.status if type(made) is Filled else made.head.status  # type: ignore[union-attr]


def unknown_fields(request: Request) -> list[str]:
    """Notes of the fields that the request's provider does not document."""
    unknown = request.unknown
    return [f"unknown field {brief(name)}" for name in unknown[:UNKNOWN]] if unknown else unknown
