"""How the settings of a step, a rule and the modifiers that apply become one.

Merging looks at words, not values, so that only what wins is ever evaluated, and one merge serves every
request that the same items answer. Each setting remembers whose it is: a template in a modifier reads that
modifier's parameters and regex groups, and its draws are its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Any, Final, TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.faults import Fault
from mockllm.core.quantities.parse import ChunkSize, Distribution
from mockllm.core.rendering.pacing import Pacing
from mockllm.core.values.types import Context, Expression, evaluate, is_static
from mockllm.scenario.language.settings import PaceSpec, Settings

SLOTS = {
    "ttft": "ttft",
    "itl": "speed",
    "tokens_per_second": "speed",
    "chunk_size": "chunk_size",
    "jitter": "jitter",
    "whole": "whole",
}
"""Which keys of a pace stand in one place: the first setting that names the place has it."""

Owner: TypeAlias = int
"""Whose a setting is: SELF, RULE, or the number of a modifier among those that apply."""
SELF: Final[Owner] = -1
"""What answers: the rule, or one of its steps."""
RULE: Final[Owner] = -2
"""The rule behind a step that answers."""
NOBODY: Final[Owner] = -3
"""Of a constant: whose it is makes no difference, for nothing is to be evaluated."""
Contexts: TypeAlias = Callable[[Owner], Context]
T = TypeVar("T")


class MergedSettings(Struct, frozen=True):
    """The settings that won, not yet evaluated, each with its owner."""

    delays: tuple[tuple[Owner, Any], ...] = ()
    pace: tuple[tuple[str, Owner, Any], ...] = ()
    slowdowns: tuple[tuple[Owner, Any], ...] = ()
    headers: tuple[tuple[str, Owner, Any], ...] = ()
    stream: bool | None = None
    faults: tuple[tuple[Owner, Fault], ...] = ()
    static: bool = True


def merge_settings(settings: Sequence[tuple[Owner, Settings]]) -> MergedSettings:
    """One setting out of many, the strongest first."""
    delays: list[tuple[Owner, Any]] = []
    slowdowns: list[tuple[Owner, Any]] = []
    pace: dict[str, tuple[str, Owner, Any]] = {}
    headers: dict[str, tuple[str, Owner, Any]] = {}
    faults: list[tuple[Owner, Fault]] = []
    stream: bool | None = None
    for owner, each in settings:
        if each.delay is not None:
            delays.append((owner, each.delay))
        if each.pace is not None:
            _merge_pace(pace, owner, each.pace)
            if each.pace.slowdown is not None:
                slowdowns.append((owner, each.pace.slowdown))
        for name, value in (each.headers or {}).items():
            headers.setdefault(name.lower(), (name, owner, value))
        if stream is None:
            stream = each.stream
        for fault in each.faults or ():
            faults += [(owner, getattr(fault, name)) for name in fault.model_fields_set]
    own = (
        tuple((_owner(owner, value), value) for owner, value in delays),
        tuple((key, _owner(owner, value), value) for key, owner, value in pace.values()),
        tuple((_owner(owner, value), value) for owner, value in slowdowns),
        tuple((name, _owner(owner, value), value) for name, owner, value in headers.values()),
    )
    struck = tuple((_owner(owner, fault), fault) for owner, fault in faults)
    return MergedSettings(*own, stream, struck, is_static(own) and is_static(struck))


def _owner(owner: Owner, value: object) -> Owner:
    return NOBODY if is_static(value) else owner


def _merge_pace(pace: dict[str, tuple[str, Owner, Any]], owner: Owner, word: PaceSpec) -> None:
    for key, slot in SLOTS.items():
        value = getattr(word, key)
        if value is not None:
            pace.setdefault(slot, (key, owner, value))


class ResolvedSettings(Struct, frozen=True):
    """The settings that won, evaluated for one answer; seconds. `instant`: nothing waits; `steady`: no wait
    is drawn, so that two answers wait the same."""

    delay: float
    pace: Pacing
    headers: tuple[tuple[str, str], ...]
    faults: tuple[Fault, ...]
    instant: bool
    steady: bool
    longest: float = inf
    """What no wait is longer than: where the request chose a factor or a speed."""

    def slower(self, factor: float) -> ResolvedSettings:
        """With all waits so many times as long."""
        return replace(self, pace=replace(self.pace, slowdown=self.pace.slowdown * factor), instant=False)


NOTHING = MergedSettings()
"""No settings at all."""


def resolve_settings(sending: MergedSettings, contexts: Contexts) -> ResolvedSettings:
    """What the settings come to for one answer. Each value draws at a place of its own."""
    pace = {key: _value(value, contexts, owner, key) for key, owner, value in sending.pace}
    slowdown = 1.0
    for owner, factor in sending.slowdowns:
        slowdown *= _value(factor, contexts, owner, "slowdown")
    spoken = Pacing(slowdown=slowdown, **pace)
    waits = (spoken.ttft, spoken.itl, spoken.tokens_per_second, spoken.jitter)
    return ResolvedSettings(
        sum(_value(delay, contexts, owner, "delay") for owner, delay in sending.delays),
        spoken,
        tuple(
            (name, str(_value(value, contexts, owner, "headers"))) for name, owner, value in sending.headers
        ),
        tuple(_value(fault, contexts, owner, "faults") for owner, fault in sending.faults),
        instant=not any(waits) and slowdown == 1,
        steady=sending.static and not spoken.jitter and not isinstance(spoken.itl, Distribution),
        longest=_longest(sending, contexts),
    )


def _longest(sending: MergedSettings, contexts: Contexts) -> float:
    speeds = [(owner, value) for key, owner, value in sending.pace if key == "tokens_per_second"]
    chosen = [owner for owner, value in (*sending.slowdowns, *speeds) if isinstance(value, Expression)]
    return min((contexts(owner).max_wait for owner in chosen), default=inf)


def chunk_size(sending: MergedSettings, contexts: Contexts, default: ChunkSize) -> ChunkSize:
    """How texts are cut into chunks; needed before there is a reply."""
    for key, owner, value in sending.pace:
        if key == "chunk_size":
            size = _value(value, contexts, owner, key)
            assert isinstance(size, ChunkSize)
            return size
    return default


def _value(value: T, contexts: Contexts, owner: Owner, place: str) -> T:
    """What a setting comes to."""
    if owner == NOBODY:
        return value
    return evaluate(value, contexts(owner).at(f"rule.{place}" if owner == RULE else place))
