"""The base classes of faults, and their registry.

Most faults change the plan (`Fault.apply`: Plan to Plan, without knowledge of a dialect). Faults of meaning, and
faults whose form only a dialect knows, change the reply before it is encoded (`ReplyFault.apply_in_context`).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from types import MappingProxyType
from typing import ClassVar, Final, Literal, TypeAlias, TypeVar

from msgspec import Struct

from mockllm.core.budget import DEFAULT_VALUES
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Reply
from mockllm.core.reply.reply_size import reply_size
from mockllm.core.request.request import Request
from mockllm.core.values.strict_model import StrictModel


class NotApplicable(Struct, frozen=True):
    """The result of a fault that found nothing to break. `reason` completes "not applied: …"."""

    reason: str


UNSTREAMED: Final = NotApplicable("the response is not streamed")
MESSAGES: Final = NotApplicable("the response is messages of a WebSocket")
UNSENT: Final = NotApplicable("no byte of the response is sent")

Needs: TypeAlias = Literal["stream", "reply", "call", "any"]
"""The kind of response that a fault needs."""

Family: TypeAlias = Literal["connection", "http", "stream", "variation", "form", "meaning"]
"""What a fault breaks."""

MAX_REPEATS: Final = 100_000
"""The most repetitions of anything: a client may choose the number."""
MAX_STEPS: Final = 500_000
"""A plan of more steps gets few more: faults that come several times multiply each other's repetitions."""
FEW_STEPS: Final = 1_000
"""So many steps may a fault add to any plan, however long the reply is; so many chunks to any reply."""
MAX_CHUNKS: Final = MAX_STEPS
"""A reply of more chunks gets few more."""
MAX_CHARACTERS: Final = 10_000_000
"""A reply of more characters gets few more."""
FEW_CHARACTERS: Final = 100_000
"""So many characters may a fault add to any reply, however long it is."""


class FaultPoint(StrictModel):
    """The place in a response at which a fault acts."""

    @property
    def needs(self) -> Needs:
        """The kind of response that has such a place."""
        return "any"


ANYWHERE: Final = FaultPoint()


class Fault(StrictModel):
    """One fault with its settings. Its dynamic settings are evaluated (`core.values`) before it is applied."""

    name: ClassVar[str]
    """The name in scenarios."""
    family: ClassVar[Family]
    """The family in the docs. Its faults may be in several files."""
    needs_stream: ClassVar[bool] = False
    """Whether the fault applies to streams only."""
    needs_reply: ClassVar[bool] = False
    """Whether the fault applies to replies only: not to errors or plain HTTP."""
    needs_http: ClassVar[bool] = False
    """Whether the fault applies to responses of HTTP only: not to the messages of a WebSocket."""
    replaces_response: ClassVar[bool] = False
    """Whether the fault replaces the response: then earlier faults have no effect."""

    @property
    def needs(self) -> Needs:
        """The kind of response that the fault needs, as far as its settings determine it."""
        if self.needs_stream:
            return "stream"
        return "reply" if self.needs_reply else getattr(self, "after", ANYWHERE).needs

    def apply(self, plan: Plan) -> Plan | NotApplicable:
        """Return the plan with the fault, or the reason why the fault does not apply."""
        if plan.delivery.withheld:
            return UNSENT
        if self.needs_http and plan.framing.is_websocket:
            return MESSAGES
        if self.needs_stream and not plan.streamed:
            return UNSTREAMED
        return bounded(plan, self.apply_to_plan(plan))

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        """Apply the fault to a plan of the kind that it needs."""
        raise NotImplementedError  # pragma: no cover - abstract


def too_many_steps(plan: Plan, added: int) -> NotApplicable | None:
    """Return why a fault may not add so many steps to a plan; None where it may."""
    if added <= FEW_STEPS or len(plan.steps) + added <= MAX_STEPS:
        return None
    return NotApplicable(f"the response would have more than {MAX_STEPS:,} events and waits")


def bounded(plan: Plan, changed: Plan | NotApplicable) -> Plan | NotApplicable:
    """Return the changed plan, or why the fault does not apply: then it has added too many steps."""
    if isinstance(changed, NotApplicable):
        return changed
    return too_many_steps(plan, len(changed.steps) - len(plan.steps)) or changed


def too_long(reply: Reply, chunks: int, characters: int) -> NotApplicable | None:
    """Return why a fault may not add so many chunks and characters to a reply; None where it may."""
    if chunks <= FEW_STEPS and characters <= FEW_CHARACTERS:
        return None
    size = reply_size(reply)
    if chunks > FEW_STEPS and size.chunks + chunks > MAX_CHUNKS:
        return NotApplicable(f"the reply would have more than {MAX_CHUNKS:,} chunks")
    if characters > FEW_CHARACTERS and size.characters + characters > MAX_CHARACTERS:
        return NotApplicable(f"the reply would have more than {MAX_CHARACTERS:,} characters")
    return None


def bounded_reply(reply: Reply, changed: Reply | NotApplicable) -> Reply | NotApplicable:
    """Return the changed reply, or why the fault does not apply: then it has added too much."""
    if isinstance(changed, NotApplicable):
        return changed
    before, after = reply_size(reply), reply_size(changed)
    return too_long(reply, after.chunks - before.chunks, after.characters - before.characters) or changed


class ReplyFaultContext(Struct, frozen=True):
    """The input of a reply fault besides the reply.

    `random` belongs to this fault alone. `plan` returns the plan of a reply with its pacing; it accepts a reply that
    the protocol supports.
    """

    request: Request
    streamed: bool
    random: Random
    plan: Callable[[Reply], Plan]
    max_generated: int = DEFAULT_VALUES
    """The limit on the work with schemas of the request; see `core.budget`."""


class ReplyFault(Fault):
    """A fault of the reply, applied before a dialect encodes it and before all faults of plans."""

    needs_reply: ClassVar[bool] = True
    applies_after_supported_reply: ClassVar[bool] = False
    """Whether the fault gets the reply as the protocol supports it, with the chunks of the stream. Otherwise it
    gets the reply as the rule defines it."""

    def apply(self, plan: Plan) -> Plan | NotApplicable:
        """Refuse a plan that was not made from a reply."""
        return NotApplicable("the response is not a reply")

    def apply_in_context(self, reply: Reply, context: ReplyFaultContext) -> Reply | NotApplicable:
        """Return the reply with the fault, or the reason why the fault does not apply."""
        if self.needs_stream and not context.streamed:
            return UNSTREAMED
        return bounded_reply(reply, self.apply_to_reply(reply, context))

    def apply_to_reply(self, reply: Reply, context: ReplyFaultContext) -> Reply | NotApplicable:
        """Apply the fault to a reply of the kind that it needs. Pure."""
        raise NotImplementedError  # pragma: no cover - abstract


_registered: dict[str, type[Fault]] = {}
FAULTS: Final = MappingProxyType(_registered)
"""All faults by name."""

F = TypeVar("F", bound=type[Fault])


def fault(name: str, family: Family) -> Callable[[F], F]:
    """Register a fault under its public name, as one of a family."""

    def register(kind: F) -> F:
        kind.name = name
        kind.family = family
        _registered[name] = kind
        return kind

    return register
