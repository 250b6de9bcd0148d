"""When each piece is said: the arithmetic of pace, and the waits that it puts into a plan.

A gap is what lies between two chunks; before the first stands `ttft` (time to first token). All times are
seconds, counted from one deadline to the next, so that no delay of the machine adds up.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.input_time import InputTime
from mockllm.core.plan import Data, Plan, Step, Wait
from mockllm.core.quantities import ChunkSize, Distribution
from mockllm.core.reply import Usage

UNREAD: Final = Usage(0, 0)
"""Of an answer for which nothing was read."""


class Pace(Struct, frozen=True):
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


def gaps(pace: Pace, sizes: Sequence[float], random: Random, usage: Usage = UNREAD) -> list[float]:
    """The wait before each beat, the first one's being `ttft`. `sizes` are the beats' tokens; by the answer's
    `usage` goes a `ttft` that depends on the input."""
    if not sizes:
        return []
    between = [_gap(pace, size, random) + _jitter(pace, random) for size in sizes[1:]]
    first = pace.ttft.seconds(usage) if isinstance(pace.ttft, InputTime) else pace.ttft or 0.0
    return [wait * pace.slowdown for wait in (first, *between)]


def _gap(pace: Pace, size: float, random: Random) -> float:
    if pace.tokens_per_second:
        return size / pace.tokens_per_second
    if pace.itl is None:
        return 0.0
    return pace.itl.draw(random) if isinstance(pace.itl, Distribution) else pace.itl


def _jitter(pace: Pace, random: Random) -> float:
    if not pace.jitter:
        return 0.0
    return (
        pace.jitter.draw(random) if isinstance(pace.jitter, Distribution) else random.uniform(0, pace.jitter)
    )


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
        if isinstance(step, Wait) and step.scripted:
            replaced = True
            steps.append(replace(step, seconds=step.seconds * slowdown))
            continue
        if isinstance(step, Data) and step.kind == "say" and step.beat > said:
            gap = 0.0 if replaced else sum(waits[said : step.beat])
            if gap > 0.0:
                steps.append(Wait(gap, said))
            said = step.beat
            replaced = False
        steps.append(step)
    return replace(plan, steps=tuple(steps))


def paced_whole(plan: Plan, total: float) -> Plan:
    """The plan with one wait of `total` seconds before its body."""
    return replace(plan, steps=(Wait(total, 0), *plan.steps)) if total > 0.0 else plan
