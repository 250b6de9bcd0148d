"""What a fault is: settings that are checked, a name to register under, and a function.

Most work on the plan (`Fault.broken`: Plan to Plan, and no dialect is known). What a model says wrongly, or
what only a dialect can put in form, works on the reply before it is encoded (`ReplyFault.change`).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from types import MappingProxyType
from typing import ClassVar, Final, Literal, TypeAlias, TypeVar

from msgspec import Struct
from pydantic import BaseModel, ConfigDict

from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request


class NotApplicable(Struct, frozen=True):
    """A fault that found nothing to break. `reason` completes "not played: …"."""

    reason: str


UNSTREAMED: Final = NotApplicable("the answer is not streamed")
UNSENT: Final = NotApplicable("nothing of the answer is sent")

Needs: TypeAlias = Literal["stream", "reply", "call", "any"]
"""What kind of answer a fault can be played on."""


class FaultPoint(BaseModel):
    """Where a fault strikes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    @property
    def needs(self) -> Needs:
        """What kind of answer has such a place."""
        return "any"


ANYWHERE: Final = FaultPoint()


class Fault(BaseModel):
    """One fault with its settings. It is evaluated (`core.values.evaluate`) before it is played."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    name: ClassVar[str]
    """What it is called in scenarios."""
    needs_stream: ClassVar[bool] = False
    """Whether it can only be played on an answer that is streamed."""
    needs_reply: ClassVar[bool] = False
    """Whether it can only be played on a reply: not on an error or on plain HTTP."""
    instead: ClassVar[bool] = False
    """Whether something else is sent in place of the answer: what faults before it made of that is gone."""

    @property
    def needs(self) -> Needs:
        """What kind of answer it can be played on, as far as its settings tell."""
        if self.needs_stream:
            return "stream"
        return "reply" if self.needs_reply else getattr(self, "after", ANYWHERE).needs

    def apply(self, plan: Plan) -> Plan | NotApplicable:
        """The plan with the fault in it, or why it could not be played."""
        if plan.delivery.withheld:
            return UNSENT
        return UNSTREAMED if self.needs_stream and not plan.streamed else self.apply_to_plan(plan)

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        """What a fault does, on a plan of the kind that it needs."""
        raise NotImplementedError  # pragma: no cover - abstract


class ReplyFaultContext(Struct, frozen=True):
    """What a fault of a reply may look at beside the reply: the request that it answers, whether it is said
    as a stream, dice of the fault's own, and the reply's plan, paced (for a reply that is shown already)."""

    request: Request
    streamed: bool
    random: Random
    plan: Callable[[Reply], Plan]


class ReplyFault(Fault):
    """A fault of what is said, before a dialect encodes it. These are played before all that work on plans."""

    needs_reply: ClassVar[bool] = True
    shown: ClassVar[bool] = False
    """Whether it is given what the protocol shows of the reply, whose beats are the chunks; else the reply as
    it was made."""

    def apply(self, plan: Plan) -> Plan | NotApplicable:
        """Asked of a plan that was not made of a reply."""
        return NotApplicable("the answer is no reply")

    def apply_in_context(self, reply: Reply, told: ReplyFaultContext) -> Reply | NotApplicable:
        """The reply with the fault in it, or why it could not be played."""
        return UNSTREAMED if self.needs_stream and not told.streamed else self.apply_to_reply(reply, told)

    def apply_to_reply(self, reply: Reply, told: ReplyFaultContext) -> Reply | NotApplicable:
        """What a fault does, on a reply of the kind that it needs. Pure."""
        raise NotImplementedError  # pragma: no cover - abstract


_registered: dict[str, type[Fault]] = {}
FAULTS: Final = MappingProxyType(_registered)
"""All faults by name."""

F = TypeVar("F", bound=type[Fault])


def fault(name: str) -> Callable[[F], F]:
    """Registers a fault under its public name."""

    def register(kind: F) -> F:
        kind.name = name
        _registered[name] = kind
        return kind

    return register
