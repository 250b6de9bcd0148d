"""The fast path: serves cached responses to requests whose matched rules leave nothing but counts and limits to
decide.

The candidates of the request are one rule and modifiers, without guards, errors, named states and loads. Their limits
neither count responses in flight nor refuse by a draw (`strategy: random`). Where one refuses or delays the request,
a decision is made. The fast path makes no `Decision`, `DecisionInputs` or `RequestAssessment`. With a limit, it makes
a `Cost`, which is what the request takes of the limit, and a `LimitStatus`. Where a decision comes first
(`only_after_decision`), the fast path only makes the response. Responses and counts are the same as without it: the
engine decides what the fast path cannot serve."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.budget import BudgetExceeded, PlanningTooLong
from mockllm.core.prompt_cache.policy import PromptCacheSettings
from mockllm.core.randomness import UNUSED_RANDOMNESS, Ids, Randomness
from mockllm.core.rendering.plan import Headers
from mockllm.core.reply.reply import GeneratedToolCall
from mockllm.core.request.request import Request
from mockllm.core.request.request_keys import scope_of
from mockllm.core.selection.decision import Candidate, Decision, DecisionInputs
from mockllm.core.templates.template import TemplateFailure
from mockllm.core.values.types import EvaluationContext
from mockllm.dialects.provider_facts import limit_headers
from mockllm.engine.assessment import limit_cost, validation_failure
from mockllm.engine.decided_request import template_scope_of
from mockllm.engine.engine_request import EngineRequest
from mockllm.engine.planned_response import PlannedResponse, without_headers
from mockllm.engine.planner import ResponsePlanner
from mockllm.engine.prompt_caching import prompt_form_and_policy
from mockllm.engine.repeated_requests import RepeatedRequest
from mockllm.engine.response_cache import CacheableResponse, CachedResponse, cache_key, key_with_text_or_tool
from mockllm.engine.seed_token import seed_token, unguarded_seed_token
from mockllm.scenario.catalog import CatalogItem, ResponseSelector
from mockllm.scenario.schema_replies import choose_tool
from mockllm.state.engine_state import EngineState


class FastPath(Struct, frozen=True):
    """The data that the requests of one match mask have in common. `count_keys` are the keys of the counts: those of
    the modifiers, then that of the rule. `id_seed_prefix` begins the id seed in the global scope (`per: global`)."""

    rule: CatalogItem
    responses: Sequence[CacheableResponse | None]
    """Those of the rule, in their order; None for one that is not cacheable."""
    selector_by_counts: ResponseSelector | None
    """Selects the response by the counts of the rule's scope. Set for several responses. Also set for a single one
    that needs these counts: with a scope other than global, a template or a generated tool call. None for any
    other."""
    count_keys: Sequence[str]
    planner: ResponsePlanner
    state: EngineState
    seed: int
    id_seed_prefix: bytes
    prompt_cache_settings: PromptCacheSettings
    modifiers_with_limit: Sequence[Candidate]
    """The modifiers with a limit, all in the global scope."""
    min_prompt_bytes: float
    """The bytes of the shortest body whose prompt is looked up in the prompt cache; infinite where that is off."""
    only_after_decision: bool
    """Whether a decision comes first, also for requests without a session: the store makes it, or this process where
    it depends on no count. See `respond_decided`."""

    def respond(self, request: EngineRequest, repeated: RepeatedRequest | None) -> PlannedResponse | None:
        """Return the response and count it. Return None, and count nothing, if the request is invalid, its response
        is not cached, or something is left to decide. `repeated`: what is known of the request."""
        is_accepted = repeated is not None and repeated.accepting_fast_path is self
        if not (is_accepted or self.accepts(request, repeated)):
            return None
        if self.selector_by_counts is not None:
            return self._respond_varying(self.selector_by_counts, request, repeated)
        response = self.responses[0]
        assert response is not None
        cached = self._cached_without_tool_call(response, request, repeated)
        if cached is None:
            return None
        if self.modifiers_with_limit:
            return self._respond_within_limits(response, cached, request)
        # Counters without a session always exist and are never evicted, so they need no lookup by session. A worker
        # has these in shared memory. Its `state.count_in_global_scope` returns None for a session: the store decides.
        number: int | None
        if request.session is None:
            number = self.state.counters_without_session.count_in_global_scope(self.count_keys)
        else:
            number = self.state.count_in_global_scope(request.session, self.count_keys)
            if number is None:
                return None
        id_seed = b"%b%d|" % (self.id_seed_prefix, number)
        unfilled, prerendered = cached.planned, cached.prerendered
        # `CachedResponse.compute_placeholder_values` does the same; calling it would cost more
        input_tokens = request.input_tokens if prerendered.uses_input_tokens else 0
        values = prerendered.compute_placeholder_values(id_seed, request.now, input_tokens)
        # the journal refers to the cached response in place of this one
        planned = replace(unfilled, id_seed=id_seed, placeholder_values=values, cached_from=unfilled)
        validation = self.rule.validation
        # a tool that the reply calls by a fixed name, and the request does not offer, may get a note
        if planned.literal_tool_names or (validation == "strict" and request.undocumented_fields):
            return planned.with_request_notes(request, validation)
        return planned  # most have neither, and need no call

    def accepts(self, request: EngineRequest, repeated: RepeatedRequest | None) -> bool:
        """Return whether a request is valid, and nothing but counts and limits is left to decide."""
        if self.only_after_decision or not request.generates or request.background:
            return False
        validation = self.rule.validation
        if validation == "strict":
            passes_validation = repeated is not None and repeated.passes_validation
            if not passes_validation and request.routing.dialect.check(request) is not None:
                return False
        elif validation != "off" and validation_failure(request.routing.dialect, request, validation):
            return False
        return len(request.raw) < self.min_prompt_bytes or not self._looks_up_prompt(request)

    def precompute(self, request: Request, repeated: RepeatedRequest) -> None:
        """Compute what this fast path needs of the head and the body of a repeated request."""
        assert isinstance(request, EngineRequest), "its class is derived from that of the request"
        _ = request.response_is_stored  # the engine reads it of each request
        dialect, validation, response = request.routing.dialect, self.rule.validation, self.responses[0]
        if validation == "strict":
            repeated.passes_validation = dialect.check(request) is None
        is_valid = repeated.passes_validation or validation == "off"
        if is_valid and self.accepts(request, repeated):
            repeated.accepting_fast_path = self
        if is_valid and response is not None:
            repeated.cacheable_response = response
            repeated.cache_key = cache_key(response.settings, dialect, response.compiled, request)

    def _cached_with_tool_call(
        self, response: CacheableResponse, request: EngineRequest, scope: str, tries: int
    ) -> tuple[CachedResponse, GeneratedToolCall] | None:
        """Return the entry of the response cache for a request, with the tool call that the response has."""
        tool = choose_tool(request)
        if isinstance(tool, str):  # the reason why no tool is called
            return None
        dialect = request.routing.dialect
        key = key_with_text_or_tool(
            cache_key(response.settings, dialect, response.compiled, request), tool.name
        )
        cached = self.planner.response_cache.entries.get(key)
        if type(cached) is not CachedResponse:
            return None
        try:
            randomness = Randomness(self.seed, self.rule.id, scope, tries)
            tool_call = self.planner.generate_tool_call(
                tool, request, randomness, response.settings, deferrable=True
            )
        except (BudgetExceeded, PlanningTooLong):  # more than is allowed, or too long for the event loop
            return None
        return (
            (cached, tool_call) if tool_call.fits_placeholders and cached.fits(request, tool_call) else None
        )

    def _cached_without_tool_call(
        self, response: CacheableResponse, request: EngineRequest, repeated: RepeatedRequest | None
    ) -> CachedResponse | None:
        """Return the entry of the response cache for a request."""
        if repeated is not None and repeated.cacheable_response is response:
            key = repeated.cache_key
        else:
            key = cache_key(response.settings, request.routing.dialect, response.compiled, request)
        if response.settings.cached_by == "text":
            try:
                template_scope = template_scope_of(self.rule, request)
                text = response.compiled.text(EvaluationContext(template_scope, UNUSED_RANDOMNESS))
            except TemplateFailure:
                return None
            key = key_with_text_or_tool(key, text)
        cached = self.planner.response_cache.entries.get(key)
        if type(cached) is not CachedResponse:
            return None
        prerendered = cached.prerendered
        if prerendered.uses_input_tokens:
            _ = request.input_tokens  # before it is counted: this may need an object of the store
        # most responses need no call of `fits`
        if not prerendered.encoder_conditions or cached.fits(request):
            return cached
        return None

    def _respond_within_limits(
        self, response: CacheableResponse, cached: CachedResponse, request: Request
    ) -> PlannedResponse | None:
        """Return the response with the headers of limits. A limit that refuses or delays it needs a decision."""
        if request.session is not None:
            return None
        headers = self._charge(response, request)
        if headers is None:
            return None
        number = self.state.counters_without_session.count_in_global_scope(self.count_keys)
        return self._response_with_values((cached, None), request, "", number, "", headers)

    def _respond_varying(
        self, selector: ResponseSelector, request: EngineRequest, repeated: RepeatedRequest | None
    ) -> PlannedResponse | None:
        """Return the response that the counts in the rule's scope select. A single response comes here if the rule
        has a scope, a template or a generated tool call: its seed token has these counts."""
        if request.session is not None:
            return None
        counters, per = self.state.counters_without_session, self.rule.per
        scope = "" if per == "global" else scope_of(per, request)
        scope_counts = counters.counts_in(scope)
        counts = scope_counts.counts_of(self.count_keys[-1])  # `count_in_rule_scope` changes this list below
        tries, eligible = counts
        # without a guard, each eligible try is a response
        response_index = selector.pick(eligible, UNUSED_RANDOMNESS)
        response = None if response_index is None else self.responses[response_index]
        if response is None:
            return None
        entry = self._cached_response(response, request, repeated, scope, tries)
        if entry is None:
            return None
        headers = self._charge(response, request) if self.modifiers_with_limit else ()
        if headers is None:
            return None
        number = counters.count_in_rule_scope(scope_counts, counts, self.count_keys[:-1])
        token = unguarded_seed_token(self.seed, number, tries, eligible)
        return self._response_with_values(entry, request, scope, number, token, headers)

    def respond_decided(
        self,
        request: EngineRequest,
        repeated: RepeatedRequest | None,
        inputs: DecisionInputs,
        decision: Decision,
    ) -> PlannedResponse | None:
        """Return the response to a request by its decision, which the store or this process has made. Return None if
        the response is not cached, has a slot, or is delayed or slowed by a limit or load. Return None, too, for what
        needs a plan: a session, an error, a background response, or a lookup in the prompt cache."""
        rule, admission = decision.selected_rule, decision.admission
        if rule is None or decision.outcome != "rule" or decision.slot is not None:
            return None
        waits = admission is not None and (admission.wait or admission.changes_pace)
        if waits or request.session is not None or not request.generates or request.background:
            return None
        if len(request.raw) >= self.min_prompt_bytes and self._looks_up_prompt(request):
            return None
        selector, scope = self.selector_by_counts, rule.candidate.scope
        response_index = 0 if selector is None else selector.pick(rule.earlier_responses, UNUSED_RANDOMNESS)
        response = None if response_index is None else self.responses[response_index]
        if response is None:
            return None
        entry = self._cached_response(response, request, repeated, scope, rule.tries)
        if entry is None:
            return None
        headers: Headers = ()
        if admission is not None:
            of_limits = limit_headers(request.provider, admission.limit_status, request.now)
            headers = without_headers(of_limits, response.settings.header_names)
        token = seed_token(self.seed, inputs, decision)
        return self._response_with_values(entry, request, scope, decision.request_number, token, headers)

    def _cached_response(
        self,
        response: CacheableResponse,
        request: EngineRequest,
        repeated: RepeatedRequest | None,
        scope: str,
        tries: int,
    ) -> tuple[CachedResponse, GeneratedToolCall | None] | None:
        """Return the entry of the response cache, which a template's text or a generated tool call selects, and the
        tool call."""
        if response.compiled.generates_tool_call:
            return self._cached_with_tool_call(response, request, scope, tries)
        cached = self._cached_without_tool_call(response, request, repeated)
        return None if cached is None else (cached, None)

    def _response_with_values(
        self,
        entry: tuple[CachedResponse, GeneratedToolCall | None],
        request: Request,
        scope: str,
        number: int,
        token: str,
        headers: Headers,
    ) -> PlannedResponse:
        """Fill an entry of the response cache for this request. `number` is the number of the request in the rule's
        scope. `token` is its seed token; if it is empty, readers derive it from the id seed
        (`seed_token.token_of`)."""
        cached, tool_call = entry
        prefix = Ids.id_seed_prefix(self.seed, scope) if scope else self.id_seed_prefix
        id_seed = b"%b%d|" % (prefix, number)
        planned = replace(
            cached.planned,
            limit_headers=headers,
            seed_token=token,
            id_seed=id_seed,
            placeholder_values=cached.compute_placeholder_values(id_seed, request, tool_call),
        )
        if tool_call is not None and tool_call.notes:
            planned = replace(planned, notes=(*tool_call.notes, *planned.notes))
        return planned.with_request_notes(request, self.rule.validation)

    def _looks_up_prompt(self, request: EngineRequest) -> bool:
        """Return whether the prompt of a request is looked up in the prompt cache."""
        dialect = request.routing.dialect
        # a text is the reason why it is not
        return not isinstance(prompt_form_and_policy(request, dialect, self.prompt_cache_settings), str)

    def _charge(self, response: CacheableResponse, request: Request) -> Headers | None:
        """Charge a request to the limits, and return their headers; None, and charge nothing, where a limit refuses
        or delays it."""
        limit_status = self.state.counters_without_session.charge(
            self.modifiers_with_limit, request.monotonic, limit_cost(request)
        )
        if limit_status is None:
            return None
        headers = limit_headers(request.provider, limit_status, request.now)
        return without_headers(headers, response.settings.header_names)
