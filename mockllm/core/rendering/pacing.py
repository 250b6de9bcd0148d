"""Pacing: the arithmetic of `pace`, and the waits that it adds to a plan.

A gap is the wait between two chunks. The wait before the first chunk is `ttft` (time to first token). All times are
seconds from one deadline to the next, so that delays of the machine do not add up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from random import Random
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.batch import BatchWaits
from mockllm.core.quantities.parse import ChunkSize, Distribution
from mockllm.core.rendering.plan import EventStep, Plan, Step, WaitStep
from mockllm.core.reply.reply import Usage
from mockllm.core.values.dynamic import Dynamic, EvaluationContext, evaluate

NO_INPUT: Final = Usage(0, 0)
"""The usage of a response that reads no input."""


class InputTime(Struct, frozen=True):
    """Seconds: `base`, and `per_input_token` for each input token. `per_cached_token` replaces it for tokens that
    the response's usage reports as read from the cache. The sum is at most `longest`, since the client chooses how
    much it sends."""

    base: float = 0.0
    per_input_token: float = 0.0
    per_cached_token: float | None = None
    longest: float = inf

    def seconds(self, usage: Usage) -> float:
        """Return the seconds until the first chunk of a response with this usage."""
        cached = min(usage.cache_read, usage.input)
        rate = self.per_input_token if self.per_cached_token is None else self.per_cached_token
        time = self.base + (usage.input - cached) * self.per_input_token + cached * rate
        return min(time, self.longest)


class DynamicInputTime(Dynamic, frozen=True):
    """An InputTime as a scenario has it: each part may be a template or drawn."""

    base: float | Dynamic = 0.0
    per_input_token: float | Dynamic = 0.0
    per_cached_token: float | Dynamic | None = None

    def value(self, context: EvaluationContext) -> InputTime:
        parts = (self.base, self.per_input_token, self.per_cached_token)
        base, rate, cached = evaluate(parts, context.at("ttft"))
        return InputTime(base, rate, cached, context.max_wait)  # type: ignore[arg-type]  # evaluated


class Pacing(Struct, frozen=True):
    """The evaluated settings of one response; None is unset.

    `itl` (inter-token latency) is each gap. With `tokens_per_second`, a gap lasts as long as the chunk after
    it takes at that speed. `jitter` adds 0 to that many seconds to each gap; a distribution is added as drawn.
    `slowdown` multiplies every wait of the pace and of a script. `body_takes_stream_time`: whether a non-streaming
    response takes as long as its stream would (`pace.whole`). `queued`, `in_progress` and `finalizing` are the
    seconds of these states of a background response or a batch. `queued_polls` and `in_progress_polls` are the
    numbers of reads that find it in these states.
    """

    ttft: float | InputTime | None = None
    itl: float | Distribution | None = None
    tokens_per_second: float | None = None
    chunk_size: ChunkSize | None = None
    jitter: float | Distribution | None = None
    slowdown: float = 1.0
    body_takes_stream_time: bool = True
    queued: float | None = None
    in_progress: float | None = None
    finalizing: float | None = None
    queued_polls: int | None = None
    in_progress_polls: int | None = None

    @property
    def batch_waits(self) -> BatchWaits:
        """The seconds and the reads of a batch's states."""
        polls = self.queued_polls, self.in_progress_polls
        return BatchWaits(self.queued, self.in_progress, self.finalizing, *polls, self.slowdown)


def chunk_waits(pace: Pacing, sizes: Sequence[float], random: Random, usage: Usage = NO_INPUT) -> list[float]:
    """Return the wait before each chunk; the first is `ttft`. `sizes` are the chunks' tokens. A `ttft` that depends
    on the input is computed from `usage`."""
    if not sizes:
        return []
    gap, jitter = _gap(pace, random), _jitter(pace, random)
    between = [gap(size) + jitter() for size in sizes[1:]]
    first = pace.ttft.seconds(usage) if isinstance(pace.ttft, InputTime) else pace.ttft or 0.0
    slow = pace.slowdown
    return [wait * slow for wait in (first, *between)]


def _gap(pace: Pacing, random: Random) -> Callable[[float], float]:
    """Return a function from the tokens of a chunk to the gap before the chunk."""
    speed, itl = pace.tokens_per_second, pace.itl
    if speed:
        return lambda size: size / speed
    if isinstance(itl, Distribution):
        draw = itl.draw
        return lambda size: draw(random)
    return lambda size: itl or 0.0


def _jitter(pace: Pacing, random: Random) -> Callable[[], float]:
    jitter = pace.jitter
    if not jitter:
        return float
    if isinstance(jitter, Distribution):
        draw = jitter.draw
        return lambda: draw(random)
    uniform = random.uniform
    return lambda: uniform(0, jitter)


def paced(plan: Plan, waits: Sequence[float], explicit_wait_factor: float = 1.0) -> Plan:
    """Return the plan with a wait before each chunk; `waits` as `chunk_waits` returns them. The opening events are
    written with the head. An explicit wait replaces the gap, and is multiplied by the factor; `waits` are multiplied
    already."""
    if not any(waits) and explicit_wait_factor == 1.0:
        return plan
    steps: list[Step] = []
    paced_chunks = 0
    replaced = False
    for step in plan.steps:
        if type(step) is EventStep:
            chunk = step.chunk_number
            if chunk > paced_chunks and step.kind == "chunk":
                gap = 0.0 if replaced else sum(waits[paced_chunks:chunk])
                if gap > 0.0:
                    steps.append(WaitStep(gap, paced_chunks))
                paced_chunks, replaced = chunk, False
        elif type(step) is WaitStep and step.explicit:
            replaced = True
            step = replace(step, seconds=step.seconds * explicit_wait_factor)
        steps.append(step)
    return replace(plan, steps=tuple(steps))


def paced_body(plan: Plan, total: float) -> Plan:
    """Return the plan with one wait of `total` seconds before its body."""
    return replace(plan, steps=(WaitStep(total, 0), *plan.steps)) if total > 0.0 else plan
