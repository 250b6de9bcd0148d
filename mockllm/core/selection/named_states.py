"""Named states: what earlier answers of a scope set, and later ones ask for. What is not set is null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from mockllm.core.json.equality import equal

Value: TypeAlias = str | int | float | bool | None
Required: TypeAlias = Mapping[str, Value | Sequence[Value]]
"""By the state's name the value that it must have, or several, of which any will do."""


class UnmetState(NamedTuple):
    """A state that is not as it is required."""

    name: str
    wanted: Value | Sequence[Value]
    found: Value


def unmet_state(required: Required, states: Mapping[str, Value]) -> UnmetState | None:
    """The first state that is not as required; None where all are."""
    for name, wanted in required.items():
        if not _any(wanted, states.get(name)):
            return UnmetState(name, wanted, states.get(name))
    return None


def _any(wanted: Value | Sequence[Value], value: Value) -> bool:
    if isinstance(wanted, (list, tuple)):
        return any(equal(each, value) for each in wanted)
    return equal(wanted, value)


def changed(states: Mapping[str, Value], sets: Mapping[str, Value]) -> dict[str, Value]:
    """The states after an answer that sets these; null takes one away."""
    return {name: value for name, value in {**states, **sets}.items() if value is not None}
