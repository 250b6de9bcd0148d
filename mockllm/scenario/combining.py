"""How the settings of a step, a rule and the modifiers that apply become one (LANGUAGE: "How settings combine").

Merging looks at words, not values, so that only what wins is ever evaluated, and one merge serves every
request that the same items answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mockllm.core.faults import Fault
from mockllm.core.pace import Pace
from mockllm.core.quantities import ChunkSize, Distribution
from mockllm.core.values import Context, evaluate, is_static
from mockllm.scenario.language.settings import PaceWord, Settings

SLOTS = {"ttft": "ttft", "itl": "speed", "tokens_per_second": "speed", "chunk_size": "chunk_size", "jitter": "jitter",
         "whole": "whole"}  # fmt: skip
"""Which keys of a pace stand in one place: the first setting that names the place has it."""


@dataclass(frozen=True, slots=True)
class Sending:
    """The settings that won, not yet evaluated."""

    delays: tuple[Any, ...] = ()
    pace: tuple[tuple[str, Any], ...] = ()
    slowdowns: tuple[Any, ...] = ()
    headers: tuple[tuple[str, Any], ...] = ()
    stream: bool | None = None
    faults: tuple[Fault, ...] = ()
    static: bool = True

    @property
    def chunk_size(self) -> Any:
        return next((value for key, value in self.pace if key == "chunk_size"), None)


def combine(settings: Sequence[Settings]) -> Sending:
    """One setting out of many, the strongest first."""
    delays: list[Any] = []
    slowdowns: list[Any] = []
    pace: dict[str, tuple[str, Any]] = {}
    headers: dict[str, tuple[str, Any]] = {}
    faults: list[Fault] = []
    stream: bool | None = None
    for each in settings:
        if each.delay is not None:
            delays.append(each.delay)
        if each.pace is not None:
            _merge_pace(pace, each.pace)
            if each.pace.slowdown is not None:
                slowdowns.append(each.pace.slowdown)
        for name, value in (each.headers or {}).items():
            headers.setdefault(name.lower(), (name, value))
        if stream is None:
            stream = each.stream
        for fault in each.faults or ():
            faults += [getattr(fault, name) for name in fault.model_fields_set]
    won = (tuple(delays), tuple(pace.values()), tuple(slowdowns), tuple(headers.values()))
    return Sending(*won, stream, tuple(faults), is_static(won) and is_static(faults))


def _merge_pace(pace: dict[str, tuple[str, Any]], word: PaceWord) -> None:
    for key, slot in SLOTS.items():
        value = getattr(word, key)
        if value is not None:
            pace.setdefault(slot, (key, value))


@dataclass(frozen=True, slots=True)
class Sent:
    """The settings that won, evaluated for one answer; seconds. `instant`: nothing waits; `steady`: no wait
    is drawn, so that two answers wait the same."""

    delay: float
    pace: Pace
    headers: tuple[tuple[str, str], ...]
    faults: tuple[Fault, ...]
    instant: bool
    steady: bool


NOTHING = Sending()
"""No settings at all."""


def settle(sending: Sending, context: Context) -> Sent:
    """What the settings come to for one answer."""
    pace = {key: evaluate(value, context.at(key)) for key, value in sending.pace}
    slowdown = 1.0
    for number, factor in enumerate(sending.slowdowns):
        slowdown *= evaluate(factor, context.at(f"slowdown {number}"))
    spoken = Pace(slowdown=slowdown, **pace)
    waits = (spoken.ttft, spoken.itl, spoken.tokens_per_second, spoken.jitter)
    return Sent(
        sum(evaluate(delay, context.at(f"delay {number}")) for number, delay in enumerate(sending.delays)),
        spoken,
        tuple((name, str(evaluate(value, context))) for name, value in sending.headers),
        tuple(evaluate(fault, context) for fault in sending.faults),
        instant=not any(waits) and slowdown == 1,
        steady=sending.static and not spoken.jitter and not isinstance(spoken.itl, Distribution),
    )


def chunk_size(sending: Sending, context: Context, default: ChunkSize) -> ChunkSize:
    """How texts are cut into chunks; needed before there is a reply."""
    size = evaluate(sending.chunk_size, context)
    return size if isinstance(size, ChunkSize) else default
