"""What comes of a request: the plan to play, and what the log and the journal say of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from mockllm.core.matching.hints import brief
from mockllm.core.rendering.plan import Plan
from mockllm.core.rendering.prerendered_response import PrerenderedResponse
from mockllm.core.request.request import Request
from mockllm.core.selection.decision import Lease

UNKNOWN: Final = 3
"""So many fields of a request that nobody knows are noted."""


class PlannedResponse(NamedTuple):
    """`made` is what goes on the wire; of a stencil, what is `said` stands in its holes. `rule` and `modifiers`
    are ids as a person reads them (`a.yaml:greeting`); `notes` what was planned and could not be played, or is
    worth a word in the live line and the journal; `missed`: no rule answered."""

    made: Plan | PrerenderedResponse
    rule: str | None
    modifiers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    missed: bool = False
    error: str | None = None
    """The neutral name of the error that was answered, if one was."""
    faults: tuple[str, ...] = ()
    """The faults that were played."""
    lease: Lease | None = None
    """The place that it takes in limits and loads, to be handed back (`lease.end()`) when it has ended."""
    calls: tuple[tuple[str | int, str], ...] = ()
    """The tools that it calls, each behind its call's id, or behind that id's number among what is `said`."""
    drawn: str | bytes = ""
    """The seed that would give it again (`engine.replaying`), or what its ids are hashed behind."""
    reply_error: Sequence[bytes] = ()
    cached_from: PlannedResponse | None = None
    """The kept answer that this is but for `drawn` and `said`: enough to remember it by."""

    def filled_with(
        self, root: bytes, said: Sequence[bytes], like: PlannedResponse | None = None
    ) -> PlannedResponse:
        """The same answer with this in its holes, its ids hashed behind this root."""
        return tuple.__new__(
            PlannedResponse, (*self[:-3], root, said, like)
        )  # as `_replace` would, at a tenth of the cost

    def with_plan(self, plan: Plan, *notes: str) -> PlannedResponse:
        """The same answer by another plan of it, and with further notes."""
        made = self._replace(made=plan, notes=(*self.notes, *notes), reply_error=(), cached_from=None)
        return made._replace(calls=tuple(self.issued.items())) if self.calls else made

    def again(self, root: bytes, second: int, tokens: int) -> PlannedResponse:
        """The answer of which this is the `like`, by its root, its time and its request's input tokens."""
        assert isinstance(self.made, PrerenderedResponse)
        return self.filled_with(root, self.made.fill(root, second, tokens))

    @property
    def issued(self) -> dict[str, str]:
        """The tools that it calls, by the calls' ids."""
        said = self.reply_error
        return {id if isinstance(id, str) else said[id].decode(): tool for id, tool in self.calls}

    @property
    def plan(self) -> Plan:
        made = self.made
        return made.plan(self.reply_error) if isinstance(made, PrerenderedResponse) else made

    @property
    def status(self) -> int:
        made = self.made
        return made.status if isinstance(made, PrerenderedResponse) else made.head.status


def unknown_fields(request: Request) -> list[str]:
    """Notes of the fields that the request's provider does not document."""
    unknown = request.unknown
    return [f"unknown field {brief(name)}" for name in unknown[:UNKNOWN]] if unknown else unknown
