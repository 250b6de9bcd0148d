"""What a fault is: settings that are checked, a name to register under, and a function from Plan to Plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final, TypeVar

from pydantic import BaseModel, ConfigDict

from mockllm.core.plan import Plan


@dataclass(frozen=True, slots=True)
class NotPlayed:
    """A fault that found nothing to break. `reason` completes "not played: …"."""

    reason: str


class Fault(BaseModel):
    """One fault with its settings. It is evaluated (`core.values.evaluate`) before it is played."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: ClassVar[str]
    """What it is called in scenarios."""
    needs_stream: ClassVar[bool] = False
    """Whether it can only be played on an answer that is streamed."""

    def play(self, plan: Plan) -> Plan | NotPlayed:
        """The plan with the fault in it, or why it could not be played."""
        if self.needs_stream and not plan.streamed:
            return NotPlayed("the answer is not streamed")
        return self.broken(plan)

    def broken(self, plan: Plan) -> Plan | NotPlayed:
        """What a fault does, on a plan of the kind that it needs."""
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
