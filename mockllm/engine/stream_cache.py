"""Streams whose events are the same each time while their times, faults or limits are not, kept as scores
(core.score).

Apart from whole answers that are the same each time (engine.keeping). As there, what is asked for once is made
anew, from its second time on it is kept, and what a score gives is compared before it is relied on.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from mockllm.core.rendering.encoder import Said
from mockllm.core.rendering.placeholders import SECOND, TOKENS, NotedIds
from mockllm.core.rendering.plan import Plan
from mockllm.core.rendering.prerendered_stream import Score, noted
from mockllm.core.reply.reply import Part, Piece, Text, spoken
from mockllm.core.reply.truncation import count
from mockllm.core.request.request import Request
from mockllm.core.tokens import estimate, split
from mockllm.dialects.dialect import Stamp
from mockllm.engine.bounded_cache import Bounded

KEPT: Final = 32 * 1024 * 1024
"""Bytes of scores that are kept."""
SEEN: Final = 10_000
"""How many streams are remembered to have been asked for once, or to have no score."""


class Stream(Struct, frozen=True):
    """A stream without times: its plan, and what its beats say, for pace. `sizes`: see `sizes`, where known."""

    plan: Plan
    beats: Sequence[Said]
    sizes: Sequence[float] | None = None


class Kept(Struct, frozen=True):
    """See `Stream`."""

    score: Score
    beats: Sequence[Said]
    sizes: Sequence[float]


Render: TypeAlias = Callable[[Stamp, Request], Stream]


class Scores:
    """All that are kept of one catalog, the oldest first."""

    def __init__(self) -> None:
        self._kept: Bounded[Kept] = Bounded(KEPT)
        self._seen: Bounded[bool] = Bounded(SEEN)
        """Whether what was asked for once may have a score."""

    def stream(self, key: Hashable, stamp: Stamp, request: Request, render: Render) -> Stream:
        """What `render` gives, or its score. `key`: all that it depends on but ids, time and input tokens."""
        if isinstance(stamp.ids, NotedIds):  # for a stencil of the whole answer, which must see them made
            return render(stamp, request)
        kept = self._kept.get(key)
        if kept is not None:
            return Stream(_played(kept.score, stamp, request), kept.beats, kept.sizes)
        stream = render(stamp, request)
        may = self._seen.get(key)
        if may is None:
            self._seen.put(key, True)
        elif may:
            self._begin(key, stream, stamp, request, render)
        return stream

    def _begin(self, key: Hashable, stream: Stream, stamp: Stamp, request: Request, render: Render) -> None:
        ids = NotedIds()
        score = noted(render(Stamp(ids, float(SECOND)), request.with_input_tokens(TOKENS)).plan, ids)
        if _facts(_played(score, stamp, request)) != _facts(stream.plan):
            self._seen.put(key, False)
        else:
            self._kept.put(key, Kept(score, stream.beats, sizes(stream.beats)), score.size)


def _played(score: Score, stamp: Stamp, request: Request) -> Plan:
    return score.plan(stamp.ids.root, int(stamp.now), request.input_tokens if score.counts else 0)


def _facts(plan: Plan) -> tuple[object, ...]:
    """All of a plan; in which order the headers stand is one."""
    rest = (plan.steps, plan.framing, plan.delay, plan.delivery, plan.spoken)
    return plan.head.status, sorted(plan.head.headers), *rest


def sizes(beats: Sequence[Said]) -> Sequence[float]:
    """The tokens of each beat: of those of its part a share, for pieces that are each counted by themselves come
    to more. What a script says chunk by chunk is counted so."""
    shares: dict[int, float] = {}
    found: list[float] = []
    for each in beats:
        if type(each.part) is Text and each.part.scripted:
            found.append(estimate(each.text))
            continue
        key = id(each.part)
        if key not in shares:
            shares[key] = _share(each.part)
        found.append(len(split(each.text)) * shares[key])
    return found


def _share(part: Part | None) -> float:
    """How many tokens of a part lie in each that its pieces come to."""
    pieces: tuple[Piece, ...] = getattr(part, "pieces", ())
    found = sum(len(split(piece)) for piece in pieces if type(piece) is str)
    if not found:
        return 0.0
    made = part.tokens if type(part) is Text else None
    return (count(spoken(pieces)) if made is None else made) / found
