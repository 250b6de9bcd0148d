"""Answers that are the same each time but for ids, time and input tokens, kept as stencils (core.stencil).

What is asked for once is made anew; from its second time on it is kept. The keep is an engine's own and dies
with its catalog.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Final, NamedTuple, TypeAlias

from msgspec import Struct

from mockllm.core.rendering.placeholders import SECOND, TOKENS, TrackedIds
from mockllm.core.rendering.plan import Plan
from mockllm.core.rendering.prerendered_response import PrerenderedResponse, cut, groups
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import Dialect, ResponseIdentity
from mockllm.engine.bounded_cache import BoundedCache
from mockllm.engine.effective_settings import EffectiveSettings
from mockllm.engine.planned_response import PlannedResponse
from mockllm.scenario.catalog import CompiledResponse

KEPT: Final = 64 * 1024 * 1024
"""Bytes of stencils that are kept."""
SEEN: Final = 10_000
"""How many answers are remembered to have been asked for once, or to be never the same."""

Render: TypeAlias = Callable[[ResponseIdentity, Request], PlannedResponse]


class PlaceholderKinds(NamedTuple):
    """What a stencil leaves open beside ids."""

    time: bool
    tokens: bool


ALL: Final = PlaceholderKinds(time=True, tokens=True)
WAYS: Final = (ALL, PlaceholderKinds(time=False, tokens=True), PlaceholderKinds(time=False, tokens=False))
"""Tried in this order: some protocols write the time as a date, which is no hole."""


class CachedResponse(Struct, frozen=True):
    """A stencil, the answer around it, and the second and the tokens that it stands for where they are no
    holes."""

    rendered: PrerenderedResponse
    placeholders: PlaceholderKinds
    counts: bool
    second: int
    tokens: int
    answer: PlannedResponse

    def fits(self, request: Request) -> bool:
        """Whether it stands for this time and these tokens."""
        holes = self.placeholders
        return (holes.time or self.second == int(request.now)) and (
            holes.tokens or self.tokens == request.input_tokens
        )

    def filled(self, root: bytes, request: Request) -> PlannedResponse:
        """The answer to this request, with ids of this root."""
        return self.answer.filled_with(root, self._said(root, request))

    def filled_from_cache(self, root: bytes, request: Request) -> PlannedResponse:
        """The same, to be remembered by what it is like: nothing else of it may be changed."""
        return self.answer.filled_with(root, self._said(root, request), self.answer)

    def _said(self, root: bytes, request: Request) -> Sequence[bytes]:
        return self.rendered.fill(root, int(request.now), request.input_tokens if self.counts else 0)


def cache_key(
    way: EffectiveSettings, dialect: Dialect, saying: CompiledResponse, request: Request
) -> Hashable:
    """What a generated answer is kept under: all that it depends on beside its ids, its time and the request's
    input tokens."""
    if saying.request_independent:
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


class ResponseCache:
    """All that is kept of one catalog, the oldest first."""

    def __init__(self) -> None:
        self.kept: BoundedCache[CachedResponse] = BoundedCache(KEPT)
        """See `find`."""
        self._seen: BoundedCache[bool] = BoundedCache(SEEN)
        """Whether what was asked for once may be kept."""

    def find(self, key: Hashable, request: Request) -> CachedResponse | None:
        """What is kept under a key (see `asked_for`) and stands for this request."""
        kept = self.kept.get(key)
        return kept if kept is not None and (kept.placeholders is ALL or kept.fits(request)) else None

    def make(
        self, key: Hashable, stamp: ResponseIdentity, request: Request, render: Render
    ) -> PlannedResponse:
        """What `render` gives, where nothing was found; kept, if it may be, from the second time on."""
        made = render(stamp, request)
        kept = self.kept.get(key)
        if kept is not None:
            self._put(key, _cut(kept.placeholders, stamp, request, render))
            return made
        may = self._seen.get(key)
        if may is None:
            self._seen.put(key, made.error is None and not made.faults)
        elif may:
            self._begin(key, made, stamp, request, render)
        return made

    def _begin(
        self, key: Hashable, made: PlannedResponse, stamp: ResponseIdentity, request: Request, render: Render
    ) -> None:
        """Keeps what has as many holes as give the same bytes."""
        for holes in WAYS:
            kept = _cut(holes, stamp, request, render)
            if _same(kept.filled(stamp.ids.root, request).plan, made.plan):
                self._put(key, kept)
                return
        self._seen.put(key, False)

    def _put(self, key: Hashable, kept: CachedResponse) -> None:
        self.kept.put(key, kept, kept.rendered.size)


def _cut(
    holes: PlaceholderKinds, stamp: ResponseIdentity, request: Request, render: Render
) -> CachedResponse:
    ids = TrackedIds()
    now = float(SECOND) if holes.time else stamp.now
    asked = request.with_input_tokens(TOKENS) if holes.tokens else request
    answer = render(ResponseIdentity(ids, now), asked)
    stencil = cut(answer.plan, ids)
    tokens = 0 if holes.tokens else request.input_tokens
    made = answer._replace(made=stencil, calls=tuple((_number(id, ids), tool) for id, tool in answer.calls))
    return CachedResponse(stencil, holes, stencil.counts, int(stamp.now), tokens, made)


def _number(id: str | int, ids: TrackedIds) -> str | int:
    """The number of an id among those that were made; one that the scenario gave is itself."""
    return list(ids.asked).index(id) if id in ids.asked else id


def _same(one: Plan, other: Plan) -> bool:
    """Whether two plans send the same at the same times; in which order their headers stand is one."""
    return _sends(one) == _sends(other)


def _sends(plan: Plan) -> tuple[object, ...]:
    return plan.head.status, sorted(plan.head.headers), list(groups(plan)), plan.framing, plan.delay
