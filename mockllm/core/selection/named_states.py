"""Named states: values that responses of a scope set and later guards require. A state that is not set is null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from mockllm.core.json.equality import equal

Value: TypeAlias = str | int | float | bool | None
Required: TypeAlias = Mapping[str, Value | Sequence[Value]]
"""The value that each state must have, by its name; of several values any."""


class UnmetState(NamedTuple):
    """A state without the required value."""

    name: str
    wanted: Value | Sequence[Value]
    found: Value


def unmet_state(required: Required, states: Mapping[str, Value]) -> UnmetState | None:
    """Return the first state without its required value; None if all states have theirs."""
    for name, wanted in required.items():
        if not _any(wanted, states.get(name)):
            return UnmetState(name, wanted, states.get(name))
    return None


def _any(wanted: Value | Sequence[Value], value: Value) -> bool:
    if isinstance(wanted, (list, tuple)):
        return any(equal(item, value) for item in wanted)
    return equal(wanted, value)


def changed(states: Mapping[str, Value], sets: Mapping[str, Value]) -> dict[str, Value]:
    """Return the states after a response that sets these; null removes a state."""
    return {name: value for name, value in {**states, **sets}.items() if value is not None}
