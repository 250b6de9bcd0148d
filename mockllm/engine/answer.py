"""What comes of a request: the plan to play, and what the log and the journal say of it."""

from __future__ import annotations

from typing import Final, NamedTuple

from mockllm.core.hints import brief
from mockllm.core.plan import Plan
from mockllm.core.request import Request

UNKNOWN: Final = 3
"""So many fields of a request that nobody knows are noted."""


class Answer(NamedTuple):
    """`rule` and `modifiers` are ids as a person reads them (`a.yaml:greeting`); `notes` what was planned and
    could not be played, or is worth a word in the live line and the journal; `missed`: no rule answered."""

    plan: Plan
    rule: str | None
    modifiers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    missed: bool = False
    error: str | None = None
    """The neutral name of the error that was answered, if one was."""
    faults: tuple[str, ...] = ()
    """The faults that were played."""


def unknown_fields(request: Request) -> list[str]:
    """Notes of the fields that the request's provider does not document."""
    unknown = request.unknown
    return [f"unknown field {brief(name)}" for name in unknown[:UNKNOWN]] if unknown else unknown
