"""The fast path: serves a cached response to requests whose matched rules leave nothing to decide.

The request matches one rule without a guard and modifiers without one. The fast path then saves the objects that a
decision needs. Responses and counts are the same as without it: what it cannot serve goes the usual way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mockllm.core.randomness import Ids
from mockllm.core.request.request import Request
from mockllm.core.selection.decision import Candidate
from mockllm.dialects.dialect import Dialect
from mockllm.engine.effective_settings import EffectiveSettings
from mockllm.engine.planned_response import PlannedResponse, unknown_field_notes
from mockllm.engine.response_cache import CachedResponse, ResponseCache, cache_key
from mockllm.scenario.catalog import CatalogItem, CompiledResponse
from mockllm.state.sessions import Sessions


class FastPath:
    """What the requests of one match mask have in common."""

    __slots__ = (
        "_cache",
        "_checked",
        "_keys",
        "_response",
        "_settings",
        "_shared",
        "_state",
        "_stem",
        "_strict",
    )

    def __init__(
        self,
        item: CatalogItem,
        response: CompiledResponse,
        settings: EffectiveSettings,
        keys: Sequence[str],
        cache: ResponseCache,
        state: Sessions,
        seed: int,
    ) -> None:
        self._response = response
        self._settings = settings
        self._keys = keys
        self._cache = cache.entries
        self._state = state
        self._shared = state.shared
        self._stem = Ids.stem(seed, "")
        self._checked = item.validation != "off"
        self._strict = item.validation == "strict"

    def respond(self, request: Request, dialect: Dialect) -> PlannedResponse | None:
        """Return the response and count it; None, and count nothing, if the request is invalid or not cached."""
        if not request.generates:
            return None
        if self._checked and (dialect.check if self._strict else dialect.check_readable)(request) is not None:
            return None
        cached = self._cache.get(cache_key(self._settings, dialect, self._response, request))
        if type(cached) is not CachedResponse or not cached.fits(request):
            return None
        session = request.session
        if session is None:
            number = self._shared.tally("", self._keys)
        else:
            number = self._state.tally(session, self._keys)
        planned = cached.fill_unchanged(b"%b%d|" % (self._stem, number), request)
        if self._strict and request.unknown:
            return planned._replace(notes=(*planned.notes, *unknown_field_notes(request)), cached_from=None)
        return planned


def build_fast_path(
    items: Sequence[CatalogItem],
    rules: Sequence[Candidate],
    modifiers: Sequence[Candidate],
    settings_of: Callable[[CompiledResponse], EffectiveSettings],
    cache: ResponseCache,
    state: Sessions,
    seed: int,
) -> FastPath | None:
    """Return the fast path of these candidates; None where something is left to decide, or nothing is cacheable."""
    if len(rules) != 1 or not all(candidate.decided for candidate in (*rules, *modifiers)):
        return None
    item = items[rules[0].item]
    if item.answers is None or item.answers.mode != "one" or item.known_models:
        return None
    response = item.answers.responses[0]
    settings = settings_of(response)
    keys = tuple(candidate.key for candidate in (*modifiers, *rules))
    return FastPath(item, response, settings, keys, cache, state, seed) if settings.cacheable else None
