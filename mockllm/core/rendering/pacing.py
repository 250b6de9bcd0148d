"""When each piece is said: the arithmetic of pace, and the waits that it puts into a plan.

A gap is what lies between two chunks; before the first stands `ttft` (time to first token). All times are
seconds, counted from one deadline to the next, so that no delay of the machine adds up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.quantities.parse import ChunkSize, Distribution
from mockllm.core.rendering.plan import EventStep, Plan, Step, WaitStep
from mockllm.core.rendering.ttft import InputTime
from mockllm.core.reply.reply import Usage

UNREAD: Final = Usage(0, 0)
"""Of an answer for which nothing was read."""


class Pacing(Struct, frozen=True):
    """The settings of one answer, evaluated; None is unset.

    `itl` (inter-token latency) is each gap; with `tokens_per_second` a gap is as long as the chunk behind
    it takes to say. `jitter` adds 0 to that many seconds to each gap; a distribution is added as drawn.
    `slowdown` multiplies every wait. `whole`: whether an answer that is not streamed takes as long as its
    stream would.
    """

    ttft: float | InputTime | None = None
    itl: float | Distribution | None = None
    tokens_per_second: float | None = None
    chunk_size: ChunkSize | None = None
    jitter: float | Distribution | None = None
    slowdown: float = 1.0
    whole: Literal["as_streamed", "at_once"] = "as_streamed"


def gaps(pace: Pacing, sizes: Sequence[float], random: Random, usage: Usage = UNREAD) -> list[float]:
    """The wait before each beat, the first one's being `ttft`. `sizes` are the beats' tokens; by the answer's
    `usage` goes a `ttft` that depends on the input."""
    if not sizes:
        return []
    gap, jitter = _gap(pace, random), _jitter(pace, random)
    between = [gap(size) + jitter() for size in sizes[1:]]
    first = pace.ttft.seconds(usage) if isinstance(pace.ttft, InputTime) else pace.ttft or 0.0
    slow = pace.slowdown
    return [wait * slow for wait in (first, *between)]


def _gap(pace: Pacing, random: Random) -> Callable[[float], float]:
    """What gives the gap before a beat of so many tokens."""
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


def paced(plan: Plan, waits: Sequence[float], slowdown: float = 1.0) -> Plan:
    """The plan with a wait in front of what says each beat; `waits` as `gaps` gives them.

    What opens the answer leaves with the head. A scripted wait stands in place of its gap's, `slowdown`
    times as long.
    """
    if not any(waits) and slowdown == 1.0:
        return plan
    steps: list[Step] = []
    said = 0
    replaced = False
    for step in plan.steps:
        if type(step) is EventStep:
            beat = step.chunk_index
            if beat > said and step.kind == "say":
                gap = 0.0 if replaced else sum(waits[said:beat])
                if gap > 0.0:
                    steps.append(WaitStep(gap, said))
                said, replaced = beat, False
        elif type(step) is WaitStep and step.scripted:
            replaced = True
            step = replace(step, seconds=step.seconds * slowdown)
        steps.append(step)
    return replace(plan, steps=tuple(steps))


def paced_whole(plan: Plan, total: float) -> Plan:
    """The plan with one wait of `total` seconds before its body."""
    return replace(plan, steps=(WaitStep(total, 0), *plan.steps)) if total > 0.0 else plan
