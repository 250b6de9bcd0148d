"""The base classes of faults, and their registry.

Most faults change the plan (`Fault.apply`: Plan to Plan, without knowledge of a dialect). Faults of meaning, and
faults whose form only a dialect knows, change the reply before it is encoded (`ReplyFault.apply_in_context`).
"""

from collections.abc import Callable
from random import Random
from types import MappingProxyType
from typing import ClassVar, Final, Literal, TypeAlias, TypeVar

from msgspec import Struct

from mockllm.core.budget import DEFAULT_VALUES
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Reply, reply_size
from mockllm.core.request.request import Request
from mockllm.core.values.strict_model import StrictModel


class NotApplicable(Exception):
    """A fault finds nothing to break. The message completes "not applied: …"."""


UNSTREAMED: Final = "the response is not streamed"
NO_REPLY: Final = "the response is not a reply"
OWN_ERROR: Final = "the reply itself ends with an error"

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

    def apply(self, plan: Plan) -> Plan:
        """Return the plan with the fault. Raise NotApplicable."""
        if plan.delivery.sends_nothing:
            raise NotApplicable("no byte of the response is sent")
        if self.needs_http and plan.framing.is_websocket:
            raise NotApplicable("the response is messages of a WebSocket")
        if self.needs_stream and not plan.streamed:
            raise NotApplicable(UNSTREAMED)
        return bounded(plan, self.apply_to_plan(plan))

    def apply_to_plan(self, plan: Plan) -> Plan:
        """Apply the fault to a plan of the kind that it needs."""
        raise NotImplementedError  # pragma: no cover - abstract


def require_few_steps(plan: Plan, added: int) -> None:
    """Raise NotApplicable where a fault may not add so many steps to a plan."""
    if added > FEW_STEPS and len(plan.steps) + added > MAX_STEPS:
        raise NotApplicable(f"the response would have more than {MAX_STEPS:,} events and waits")


def bounded(plan: Plan, changed: Plan) -> Plan:
    """Return the changed plan. Raise NotApplicable where the fault has added too many steps."""
    require_few_steps(plan, len(changed.steps) - len(plan.steps))
    return changed


def bounded_reply(reply: Reply, changed: Reply) -> Reply:
    """Return the changed reply. Raise NotApplicable where the fault has added too much."""
    before, after = reply_size(reply), reply_size(changed)
    if after.chunks - before.chunks > FEW_STEPS and after.chunks > MAX_CHUNKS:
        raise NotApplicable(f"the reply would have more than {MAX_CHUNKS:,} chunks")
    if after.characters - before.characters > FEW_CHARACTERS and after.characters > MAX_CHARACTERS:
        raise NotApplicable(f"the reply would have more than {MAX_CHARACTERS:,} characters")
    return changed


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

    def apply(self, plan: Plan) -> Plan:
        """Refuse a plan that was not made from a reply."""
        raise NotApplicable(NO_REPLY)

    def apply_in_context(self, reply: Reply, context: ReplyFaultContext) -> Reply:
        """Return the reply with the fault. Raise NotApplicable."""
        if self.needs_stream and not context.streamed:
            raise NotApplicable(UNSTREAMED)
        return bounded_reply(reply, self.apply_to_reply(reply, context))

    def apply_to_reply(self, reply: Reply, context: ReplyFaultContext) -> Reply:
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
