"""Streams whose events are the same each time while their times, faults or limits are not, kept as scores
(core.score).

Apart from whole answers that are the same each time (engine.keeping). As there, what is asked for once is made
anew, from its second time on it is kept, and what a score gives is compared before it is relied on.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from mockllm.core.rendering.encoder import ChunkEntry
from mockllm.core.rendering.placeholders import SECOND, TOKENS, TrackedIds
from mockllm.core.rendering.plan import Plan
from mockllm.core.rendering.prerendered_stream import PrerenderedStream, noted
from mockllm.core.reply.reply import ContentChunk, Part, Text, joined_text
from mockllm.core.reply.truncation import count
from mockllm.core.request.request import Request
from mockllm.core.tokens import estimate, split
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.engine.bounded_cache import BoundedCache

KEPT: Final = 32 * 1024 * 1024
"""Bytes of scores that are kept."""
SEEN: Final = 10_000
"""How many streams are remembered to have been asked for once, or to have no score."""


class UnpacedStream(Struct, frozen=True):
    """A stream without times: its plan, and what its beats say, for pace. `sizes`: see `sizes`, where known."""

    plan: Plan
    chunk_indexes: Sequence[ChunkEntry]
    sizes: Sequence[float] | None = None


class CachedStream(Struct, frozen=True):
    """See `Stream`."""

    rendered: PrerenderedStream
    chunk_indexes: Sequence[ChunkEntry]
    sizes: Sequence[float]


Render: TypeAlias = Callable[[ResponseIdentity, Request], UnpacedStream]


class StreamCache:
    """All that are kept of one catalog, the oldest first."""

    def __init__(self) -> None:
        self._kept: BoundedCache[CachedStream] = BoundedCache(KEPT)
        self._seen: BoundedCache[bool] = BoundedCache(SEEN)
        """Whether what was asked for once may have a score."""

    def stream(
        self, key: Hashable, stamp: ResponseIdentity, request: Request, render: Render
    ) -> UnpacedStream:
        """What `render` gives, or its score. `key`: all that it depends on but ids, time and input tokens."""
        if isinstance(stamp.ids, TrackedIds):  # for a stencil of the whole answer, which must see them made
            return render(stamp, request)
        kept = self._kept.get(key)
        if kept is not None:
            return UnpacedStream(_played(kept.rendered, stamp, request), kept.chunk_indexes, kept.sizes)
        stream = render(stamp, request)
        may = self._seen.get(key)
        if may is None:
            self._seen.put(key, True)
        elif may:
            self._begin(key, stream, stamp, request, render)
        return stream

    def _begin(
        self, key: Hashable, stream: UnpacedStream, stamp: ResponseIdentity, request: Request, render: Render
    ) -> None:
        ids = TrackedIds()
        score = noted(
            render(ResponseIdentity(ids, float(SECOND)), request.with_input_tokens(TOKENS)).plan, ids
        )
        if _facts(_played(score, stamp, request)) != _facts(stream.plan):
            self._seen.put(key, False)
        else:
            self._kept.put(
                key, CachedStream(score, stream.chunk_indexes, sizes(stream.chunk_indexes)), score.size
            )


def _played(score: PrerenderedStream, stamp: ResponseIdentity, request: Request) -> Plan:
    return score.plan(stamp.ids.root, int(stamp.now), request.input_tokens if score.counts else 0)


def _facts(plan: Plan) -> tuple[object, ...]:
    """All of a plan; in which order the headers stand is one."""
    rest = (plan.steps, plan.framing, plan.delay, plan.delivery, plan.chunk_texts)
    return plan.head.status, sorted(plan.head.headers), *rest


def sizes(beats: Sequence[ChunkEntry]) -> Sequence[float]:
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
    pieces: tuple[ContentChunk, ...] = getattr(part, "chunks", ())
    found = sum(len(split(piece)) for piece in pieces if type(piece) is str)
    if not found:
        return 0.0
    made = part.tokens if type(part) is Text else None
    return (count(joined_text(pieces)) if made is None else made) / found
