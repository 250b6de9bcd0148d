"""The fast path: serves a cached response to requests whose matched rules leave nothing to decide.

The request matches one rule without a guard and modifiers without one. The fast path then saves the objects that a
decision needs. Responses and counts are the same as without it: what it cannot serve goes the usual way.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import inf

from msgspec import Struct

from mockllm.core.prompt_cache.policy import CacheOverrides
from mockllm.core.randomness import Ids
from mockllm.core.request.request import Request
from mockllm.core.selection.decision import Candidate
from mockllm.dialects.dialect import Dialect
from mockllm.engine.effective_settings import EffectiveSettings
from mockllm.engine.planned_response import PlannedResponse, unknown_field_notes
from mockllm.engine.planner import ResponsePlanner
from mockllm.engine.prompt_caching import cache_of, least_bytes
from mockllm.engine.response_cache import CachedResponse, CachedStream, cache_key
from mockllm.scenario.catalog import CompiledResponse
from mockllm.state.sessions import Sessions


class FastPath(Struct, frozen=True):
    """What the requests of one match mask have in common. `keys` are the counters of the rule and the modifiers;
    `stem` begins the id seed."""

    response: CompiledResponse
    settings: EffectiveSettings
    keys: Sequence[str]
    cache: Mapping[Hashable, CachedResponse | CachedStream]
    state: Sessions
    stem: bytes
    checked: bool
    strict: bool
    prompts: CacheOverrides
    least: float
    """The bytes of the shortest body whose prompt is looked up in the prompt cache; infinite where that is off."""

    def respond(self, request: Request, dialect: Dialect) -> PlannedResponse | None:
        """Return the response and count it; None, and count nothing, if the request is invalid or not cached."""
        if not request.generates or request.background:
            return None
        if self.checked and (dialect.check if self.strict else dialect.check_readable)(request) is not None:
            return None
        if len(request.raw) >= self.least and type(cache_of(request, dialect, self.prompts)) is tuple:
            return None
        cached = self.cache.get(cache_key(self.settings, dialect, self.response, request))
        if type(cached) is not CachedResponse or not cached.fits(request):
            return None
        session = request.session
        if session is None:
            number = self.state.shared.count_request("", self.keys)
        else:
            count = self.state.count_request(session, self.keys)
            if count is None:
                return None
            number = count
        planned = cached.fill(b"%b%d|" % (self.stem, number), request, cached.planned)
        if self.strict and request.unknown:
            return planned._replace(notes=(*planned.notes, *unknown_field_notes(request)), cached_from=None)
        return planned


def build_fast_path(
    rules: Sequence[Candidate],
    modifiers: Sequence[Candidate],
    planner: ResponsePlanner,
    state: Sessions,
    seed: int,
) -> FastPath | None:
    """Return the fast path of these candidates; None where something is left to decide, or nothing is cacheable."""
    if len(rules) != 1 or not all(candidate.decided for candidate in (*rules, *modifiers)):
        return None
    number = rules[0].item
    item = planner.catalog.items[number]
    if item.selector is None or item.selector.mode != "one" or item.known_models:
        return None
    response = item.selector.responses[0]
    settings = planner.effective_settings(number, response, 0, [modifier.item for modifier in modifiers])
    if not settings.cacheable:
        return None
    keys = tuple(candidate.key for candidate in (*modifiers, *rules))
    prompts = settings.sending.cache
    least = inf if prompts is None else least_bytes(prompts)
    checks = (item.validation != "off", item.validation == "strict")
    return FastPath(
        response,
        settings,
        keys,
        planner.cache.entries,
        state,
        Ids.stem(seed, ""),
        *checks,
        prompts or CacheOverrides(),
        least,
    )
