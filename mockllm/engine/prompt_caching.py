"""Looks up what a provider's prompt cache has of a request, and writes what the response adds to it."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from mockllm.core.budget import PlanningTooLong
from mockllm.core.prompt_cache.broken_prefix import broken_prefix, sent_prompt
from mockllm.core.prompt_cache.form import KEY_FIELD, PromptForm
from mockllm.core.prompt_cache.lookup import look_up
from mockllm.core.prompt_cache.policy import AutomaticPrefixCache, CachePolicy, PromptCacheSettings
from mockllm.core.prompt_cache.prefix import DIGEST_SIZE, prompt_prefixes
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import Dialect
from mockllm.dialects.listing import LISTED_BY_NAME
from mockllm.engine.engine_request import EngineRequest
from mockllm.engine.planned_response import PlannedResponse
from mockllm.engine.prompt_cache_result import PromptCacheResult
from mockllm.state.engine_state import EngineState

if TYPE_CHECKING:
    from mockllm.core.verdicts.observed_request import ObservedPrompt

MIN_BYTES: Final = 1024
"""Bytes of a body. No prompt of a shorter one is looked up, unless a scenario sets the minimum: most small requests
cost nothing more."""
MANY_BLOCKS: Final = 2_000
"""Blocks of a prompt, or rather the objects of its body. To look up more takes more than about 30 ms."""


def min_prompt_bytes(settings: PromptCacheSettings) -> int:
    """Return the bytes of the shortest body whose prompt is looked up. A minimum of tokens is as many bytes here:
    no token is shorter than a byte."""
    return MIN_BYTES if settings.minimum is None else settings.minimum


def prompt_form_and_policy(
    request: Request, dialect: Dialect, settings: PromptCacheSettings
) -> tuple[PromptForm, CachePolicy] | str:
    """Return the form of a request's prompt and how its provider caches it. Return the reason where nothing is
    looked up; the reason is empty for a short body."""
    if len(request.raw) < min_prompt_bytes(settings):
        return ""
    form: PromptForm | None = getattr(dialect, "prompt_form", None)
    if form is None or request.background:
        return "no prompt cache is known of this call"
    provider = LISTED_BY_NAME.get(request.provider or "")
    policy_of = None if provider is None else provider.provider_object.prompt_cache_policy
    policy = None if policy_of is None else policy_of(request)
    if policy is None:
        return "the provider has no cache for this model"
    minimum = policy.minimum if settings.minimum is None else settings.minimum
    if request.input_tokens < minimum:
        return f"{request.input_tokens} tokens, and the minimum is {minimum}"
    # a AutomaticPrefixCache needs no breakpoints
    if (
        type(policy) is AutomaticPrefixCache
        or request.occurrences(form.breakpoint_bytes)
        or form.lifetime_of_final_breakpoint(request.fields)
    ):
        return form, policy
    return "no block has a breakpoint"


class PromptCaching:
    """The prompt caches of all sessions, for one engine."""

    def __init__(self, state: EngineState) -> None:
        self._state = state

    def look_up(
        self,
        request: EngineRequest,
        dialect: Dialect,
        settings: PromptCacheSettings | None,
        scenario_time: float,
        *,
        deferrable: bool,
    ) -> PromptCacheResult | None:
        """Return what the cache has of a request; None where nothing is looked up. With `deferrable` raise
        PlanningTooLong where it takes long."""
        if settings is None:
            return None
        if request.prompt_cache_result is not None:
            return request.prompt_cache_result
        raw = request.raw
        if deferrable and len(raw) > MANY_BLOCKS and raw.count(b"{") > MANY_BLOCKS:
            raise PlanningTooLong
        cache = prompt_form_and_policy(request, dialect, settings)
        if isinstance(cache, str):
            return None
        form, policy = cache
        caches, number = self._state.prompt_caches, self._state.session_number(request.session or "")
        prefixes, cache_scope = prompt_prefixes(request, form), _cache_scope(request, number)
        ends = list(prefixes.ends_in_scope(cache_scope))
        found = look_up(ends, request.input_tokens, policy, settings, caches.known(scenario_time))
        conversation = cache_scope + _hashed(request.conversation_start[1])
        before = caches.last_prompt(conversation)
        broken = None if before is None else broken_prefix(before, request, form, prefixes)
        request.prompt_cache_result = PromptCacheResult(prefixes, conversation, found, broken, scenario_time)
        return request.prompt_cache_result

    def with_note_of_unused_cache(
        self,
        planned: PlannedResponse,
        request: Request,
        dialect: Dialect,
        settings: PromptCacheSettings | None,
    ) -> PlannedResponse:
        """Return a response that is not sent, with a note why nothing was looked up."""
        cache = None if settings is None else prompt_form_and_policy(request, dialect, settings)
        if not cache or not isinstance(cache, str):
            return planned
        return replace(planned, notes=(*planned.notes, f"prompt cache not used: {cache}"), cached_from=None)

    def write_to_cache(
        self, prompt_cache_result: PromptCacheResult, planned: PlannedResponse, *, is_preview: bool
    ) -> PlannedResponse:
        """Write what a response adds to the cache, unless it is a preview. Return the response with a note of
        what the cache had."""
        if not is_preview and planned.error is None:
            self._state.prompt_caches.write(
                prompt_cache_result.found.writes, prompt_cache_result.scenario_time
            )
            self._state.prompt_caches.remember_prompt(
                prompt_cache_result.conversation,
                sent_prompt(prompt_cache_result.prefixes, prompt_cache_result.found.readable_tokens),
            )
        if not is_preview and not prompt_cache_result.noted:
            return planned
        return replace(planned, notes=(*planned.notes, prompt_cache_result.reason), cached_from=None)


def observed_prompt(request: Request) -> ObservedPrompt | None:
    """Return the prompt of a request as a provider would cache it; None where it would not."""
    from mockllm.core.verdicts.observed_request import ObservedPrompt  # a start does not need it

    assert isinstance(request, EngineRequest), "an engine has read it"
    cache = prompt_form_and_policy(request, request.routing.dialect, PromptCacheSettings())
    if isinstance(cache, str):
        return None
    form, policy = cache
    prefixes = prompt_prefixes(request, form)
    ends = list(prefixes.ends_in_scope(b""))
    found = look_up(ends, request.input_tokens, policy, PromptCacheSettings(), lambda key: False)
    return ObservedPrompt(form, prefixes, found) if found.readable_tokens else None


def _cache_scope(request: Request, number: int) -> bytes:
    """Return the hash of what separates caches: session, provider, key, model, and the client's own cache key."""
    client_key = request.fields.get(KEY_FIELD)
    parts = (
        request.session or "",
        str(number),
        request.provider or "",
        request.api_key or "",
        request.model or "",
    )
    return _hashed("\0".join((*parts, client_key if type(client_key) is str else "")))


def _hashed(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_SIZE).digest()
