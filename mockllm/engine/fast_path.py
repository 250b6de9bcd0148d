"""The short way of a request whose hits say everything: one rule without a guard, modifiers without one, and an
answer that is kept.

Apart from the long way (claims, state, exchange), which makes the objects that deciding needs; here nothing is
left to decide. Both give the same answers and the same counts: what a lane cannot do, it leaves to the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mockllm.core.randomness import Ids
from mockllm.core.request.request import Request
from mockllm.core.selection.decision import Candidate
from mockllm.dialects.dialect import Dialect
from mockllm.engine.effective_settings import EffectiveSettings
from mockllm.engine.planned_response import PlannedResponse, unknown_fields
from mockllm.engine.response_cache import ALL, ResponseCache, cache_key
from mockllm.scenario.catalog import CatalogItem, CompiledResponse
from mockllm.state import State


class FastPath:
    """What the requests of one set of hits have in common."""

    __slots__ = ("_checked", "_keys", "_saying", "_shared", "_state", "_stem", "_strict", "_way")

    def __init__(
        self,
        item: CatalogItem,
        saying: CompiledResponse,
        way: EffectiveSettings,
        keys: Sequence[str],
        state: State,
        seed: int,
    ) -> None:
        self._saying = saying
        self._way = way
        self._keys = keys
        self._state = state
        self._shared = state.shared
        self._stem = Ids.stem(seed, "")
        self._checked = item.validation != "off"
        self._strict = item.validation == "strict"

    def answer(self, request: Request, dialect: Dialect, keep: ResponseCache) -> PlannedResponse | None:
        """The answer, counted; None (and nothing counted) where the request is invalid or nothing is kept."""
        if not request.generates:
            return None
        if self._checked and (dialect.check if self._strict else dialect.check_readable)(request) is not None:
            return None
        kept = keep.kept.get(cache_key(self._way, dialect, self._saying, request))
        if kept is None or not (kept.placeholders is ALL or kept.fits(request)):
            return None
        session = request.session
        if session is None:
            number = self._shared.tally("", self._keys)
        else:
            number = self._state.tally(session, self._keys)
        answer = kept.filled_from_cache(b"%b%d|" % (self._stem, number), request)
        if self._strict and request.unknown:
            return answer._replace(notes=(*answer.notes, *unknown_fields(request)), cached_from=None)
        return answer


def build_fast_path(
    items: Sequence[CatalogItem],
    rules: Sequence[Candidate],
    modifiers: Sequence[Candidate],
    way: Callable[[CompiledResponse], EffectiveSettings],
    state: State,
    seed: int,
) -> FastPath | None:
    """The lane of these candidates; None where something is left to decide, or an answer is never the same."""
    if len(rules) != 1 or not all(each.decided for each in (*rules, *modifiers)):
        return None
    item = items[rules[0].item]
    if item.answers is None or item.answers.mode != "one" or item.known_models:
        return None
    saying = item.answers.responses[0]
    found = way(saying)
    keys = tuple(each.key for each in (*modifiers, *rules))
    return FastPath(item, saying, found, keys, state, seed) if found.cacheable else None
