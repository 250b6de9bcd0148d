"""Answers that are the same each time but for ids, time and input tokens, kept as stencils (core.stencil).

What is asked for once is made anew; from its second time on it is kept. The keep is an engine's own and dies
with its catalog.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Final, NamedTuple, TypeAlias

from msgspec import Struct

from mockllm.core.rendering.placeholders import SECOND, TOKENS, NotedIds
from mockllm.core.rendering.plan import Plan
from mockllm.core.rendering.prerendered_response import Stencil, cut, groups
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import Dialect, Stamp
from mockllm.engine.bounded_cache import Bounded
from mockllm.engine.effective_settings import Way
from mockllm.engine.planned_response import Answer
from mockllm.scenario.catalog import Saying

KEPT: Final = 64 * 1024 * 1024
"""Bytes of stencils that are kept."""
SEEN: Final = 10_000
"""How many answers are remembered to have been asked for once, or to be never the same."""

Render: TypeAlias = Callable[[Stamp, Request], Answer]


class Holes(NamedTuple):
    """What a stencil leaves open beside ids."""

    time: bool
    tokens: bool


ALL: Final = Holes(time=True, tokens=True)
WAYS: Final = (ALL, Holes(time=False, tokens=True), Holes(time=False, tokens=False))
"""Tried in this order: some protocols write the time as a date, which is no hole."""


class Kept(Struct, frozen=True):
    """A stencil, the answer around it, and the second and the tokens that it stands for where they are no
    holes."""

    stencil: Stencil
    holes: Holes
    counts: bool
    second: int
    tokens: int
    answer: Answer

    def fits(self, request: Request) -> bool:
        """Whether it stands for this time and these tokens."""
        holes = self.holes
        return (holes.time or self.second == int(request.now)) and (
            holes.tokens or self.tokens == request.input_tokens
        )

    def filled(self, root: bytes, request: Request) -> Answer:
        """The answer to this request, with ids of this root."""
        return self.answer.filled_with(root, self._said(root, request))

    def alike(self, root: bytes, request: Request) -> Answer:
        """The same, to be remembered by what it is like: nothing else of it may be changed."""
        return self.answer.filled_with(root, self._said(root, request), self.answer)

    def _said(self, root: bytes, request: Request) -> Sequence[bytes]:
        return self.stencil.fill(root, int(request.now), request.input_tokens if self.counts else 0)


def asked_for(way: Way, dialect: Dialect, saying: Saying, request: Request) -> Hashable:
    """What a generated answer is kept under: all that it depends on beside its ids, its time and the request's
    input tokens."""
    if saying.blind:
        return way, dialect, request.query_string  # where some protocols say how an answer is to be written
    stream = way.sending.stream
    return (
        way,
        dialect,
        request.stream if stream is None else stream,
        request.model,
        request.sampling,
        dialect.variant(request),  # type: ignore[attr-defined]
    )


class Keep:
    """All that is kept of one catalog, the oldest first."""

    def __init__(self) -> None:
        self.kept: Bounded[Kept] = Bounded(KEPT)
        """See `find`."""
        self._seen: Bounded[bool] = Bounded(SEEN)
        """Whether what was asked for once may be kept."""

    def find(self, key: Hashable, request: Request) -> Kept | None:
        """What is kept under a key (see `asked_for`) and stands for this request."""
        kept = self.kept.get(key)
        return kept if kept is not None and (kept.holes is ALL or kept.fits(request)) else None

    def make(self, key: Hashable, stamp: Stamp, request: Request, render: Render) -> Answer:
        """What `render` gives, where nothing was found; kept, if it may be, from the second time on."""
        made = render(stamp, request)
        kept = self.kept.get(key)
        if kept is not None:
            self._put(key, _cut(kept.holes, stamp, request, render))
            return made
        may = self._seen.get(key)
        if may is None:
            self._seen.put(key, made.error is None and not made.faults)
        elif may:
            self._begin(key, made, stamp, request, render)
        return made

    def _begin(self, key: Hashable, made: Answer, stamp: Stamp, request: Request, render: Render) -> None:
        """Keeps what has as many holes as give the same bytes."""
        for holes in WAYS:
            kept = _cut(holes, stamp, request, render)
            if _same(kept.filled(stamp.ids.root, request).plan, made.plan):
                self._put(key, kept)
                return
        self._seen.put(key, False)

    def _put(self, key: Hashable, kept: Kept) -> None:
        self.kept.put(key, kept, kept.stencil.size)


def _cut(holes: Holes, stamp: Stamp, request: Request, render: Render) -> Kept:
    ids = NotedIds()
    now = float(SECOND) if holes.time else stamp.now
    asked = request.with_input_tokens(TOKENS) if holes.tokens else request
    answer = render(Stamp(ids, now), asked)
    stencil = cut(answer.plan, ids)
    tokens = 0 if holes.tokens else request.input_tokens
    made = answer._replace(made=stencil, calls=tuple((_number(id, ids), tool) for id, tool in answer.calls))
    return Kept(stencil, holes, stencil.counts, int(stamp.now), tokens, made)


def _number(id: str | int, ids: NotedIds) -> str | int:
    """The number of an id among those that were made; one that the scenario gave is itself."""
    return list(ids.asked).index(id) if id in ids.asked else id


def _same(one: Plan, other: Plan) -> bool:
    """Whether two plans send the same at the same times; in which order their headers stand is one."""
    return _sends(one) == _sends(other)


def _sends(plan: Plan) -> tuple[object, ...]:
    return plan.head.status, sorted(plan.head.headers), list(groups(plan)), plan.framing, plan.delay
