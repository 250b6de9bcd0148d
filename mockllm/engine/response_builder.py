"""Builds the response to one request after the decision: `build` has a branch for each outcome. The planner
makes the plan of a rule's response."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final, cast

from msgspec.structs import replace

from mockllm.core.budget import BudgetExceeded
from mockllm.core.failure import Failure
from mockllm.core.json.codec import dumps
from mockllm.core.prompt_cache.policy import NOTHING_CACHED, CachedTokens
from mockllm.core.randomness import UNUSED_RANDOMNESS, Randomness
from mockllm.core.rendering.framing import seconds_until_end_or_silence
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import GeneratedToolCall
from mockllm.core.request.request import Request
from mockllm.core.selection.decision import AdmissionResult, SelectedCandidate
from mockllm.core.templates.template import TemplateFailure
from mockllm.core.values.types import EvaluationContext
from mockllm.core.webhook import Webhook
from mockllm.dialects.decoded_response import read_called_tools
from mockllm.dialects.dialect import ReplyDialect, ResponseIdentity, UnmatchedDialect, own_response_of
from mockllm.dialects.provider_facts import limit_failure
from mockllm.dialects.router import RouteMatch
from mockllm.engine.decided_request import NO_RESPONSE_OF_RULE, DecidedRequest, template_scope_of
from mockllm.engine.effective_settings import EffectiveSettings
from mockllm.engine.invalid_note import invalid_note
from mockllm.engine.near_misses import (
    FAVICON,
    UnmatchedError,
    template_failure,
    unknown_path_error,
    unmatched_error,
)
from mockllm.engine.plan_context import PlanContext, with_all_headers_per_response
from mockllm.engine.planned_response import PlannedResponse, delay_notes, without_headers
from mockllm.engine.plans_without_reply import CallTakesNoReply
from mockllm.engine.proxy_plans import ProxyRefused, check_proxy
from mockllm.engine.replay import UnreplayableRecording
from mockllm.engine.response_cache import MAX_KEY_TEXT, cache_key, key_with_text_or_tool
from mockllm.engine.rule_header import NO_RULE, with_rule_header
from mockllm.engine.websocket_handshake import NO_WEBSOCKET, SERVED_HANDSHAKE_API, unserved_handshake_failure
from mockllm.scenario.catalog import CatalogItem, CompiledResponse
from mockllm.scenario.schema_replies import choose_tool

BOUND_NAMES: Final[Mapping[str | None, str]] = {
    "tokens": "tokens",
    "input_tokens": "input tokens",
    "output_tokens": "output tokens",
    "concurrent": "responses in flight",
}
"""The names of the bounds that refuse a request; a bound without one counts requests."""


class ResponseBuilder(DecidedRequest):
    """Builds the response to one request by its decision. The base class has the decided request: nearly every method
    here reads several of its parts."""

    __slots__ = ()

    def build(self) -> PlannedResponse:
        """Return the planned response by the outcome of the decision. An error of a template becomes one of the
        dialect."""
        decision = self.decision
        try:
            if decision.outcome == "rule":
                assert decision.selected_rule is not None
                return self._rule_response(decision.selected_rule)
            if decision.outcome == "modifier":
                return self._modifier_error_response()
            if decision.outcome == "limited" or decision.outcome == "overloaded":
                assert decision.admission is not None
                return self._admission_error(decision.admission)
            if decision.outcome == "invalid":
                rule = decision.selected_rule
                validation = rule.candidate.validation if rule else self.inputs.validation_without_rule
                failure = self.assessment.failure(validation) or Failure("model_not_found")
                note = invalid_note(failure, self.dialect, self.request)
                return self._response_without_rule(failure, None, note=note)
            planned = self._no_rule_response()
            return (
                planned
                if planned.unmatched
                else planned.with_request_notes(self.request, self.inputs.validation_without_rule)
            )
        except TemplateFailure as failure:
            return self._error_without_settings(template_failure(failure, self.dialect.name))

    def _rule_response(self, selected: SelectedCandidate) -> PlannedResponse:
        item = self.planner.catalog.items[selected.candidate.item_index]
        selector = item.selector
        assert selector is not None
        index = 0
        if selector.mode != "one":
            randomness = UNUSED_RANDOMNESS
            if selector.mode == "choose":
                tries = (
                    0 if selector.sticky else selected.tries
                )  # a sticky choice has one draw for each scope
                randomness = Randomness(self.seed, item.id, selected.candidate.scope, tries)
            picked = selector.pick(selected.earlier_responses, randomness)
            if picked is None:
                return self._unmatched_error(
                    unmatched_error(
                        self.planner.catalog, self.request, self.decision, self.planner.unmatched_status, item
                    )
                )
            index = picked
        planned = self._selected_response(item, selected, selector.responses[index], index)
        return planned.with_request_notes(self.request, item.validation)

    def _modifier_error_response(self) -> PlannedResponse:
        """Respond with the first error among the modifiers, in the order of their settings' precedence."""
        selected, item = next(
            (selected, item)
            for selected, item in zip(self.decision.selected_modifiers, self.modifier_items, strict=True)
            if item.error is not None
        )
        assert item.error is not None
        return self._selected_response(item, selected, item.error, NO_RESPONSE_OF_RULE)

    def _admission_error(self, admission: AdmissionResult) -> PlannedResponse:
        """Respond to a request that a modifier's limit or load refuses. `limit_result` is that of the limit;
        None if a load refuses."""
        assert admission.refused_by is not None
        request, limit_result = self.request, admission.limit_result
        item = self.planner.catalog.items[admission.refused_by.item_index]
        if limit_result is None:
            return self._response_without_rule(
                Failure("overloaded"), item.id, note=f"overloaded: no capacity ({item.file_and_line})"
            )
        scale, retry_after = self.reported_time_scale, limit_result.retry_after
        limit_result, limit_status = limit_result.scaled(scale), admission.limit_status.scaled(scale)
        again = "" if retry_after is None else f", retry after {retry_after:g}s"
        note = f"limited: too many {BOUND_NAMES.get(limit_result.bound, 'requests')}{again} ({item.file_and_line})"
        failure = limit_failure(
            request.provider, limit_result, limit_status, admission.tokens, request.model, request.now
        )
        return self._response_without_rule(failure, item.id, note=note)

    def _no_rule_response(self) -> PlannedResponse:
        """Respond without a rule: by the dialect itself where it can, else with an error that names near misses."""
        catalog, status = self.planner.catalog, self.planner.unmatched_status
        websocket_failure = (
            None if self.request.api == SERVED_HANDSHAKE_API else unserved_handshake_failure(self.request)
        )
        if websocket_failure is not None:
            return self._response_without_rule(websocket_failure, None, note=NO_WEBSOCKET)
        if not isinstance(self.routing, RouteMatch):
            return self._unmatched_error(
                unknown_path_error(catalog, self.request, self.decision, self.routing, status)
            )
        own_response = own_response_of(self.dialect, catalog.models)
        if own_response is None and not self.request.makes_media:
            return self._unmatched_error(unmatched_error(catalog, self.request, self.decision, status))
        name = f"{self.dialect.name}:{self.dialect.api}"
        if catalog.known_models_only and self.assessment.has_unknown_model():
            return self._response_without_rule(Failure("model_not_found"), name)
        if own_response is None:
            context = self.plan_context_without_rule()
            return self._planned_response(self.planner.plan(context), name, context)
        try:
            self.planner.check_planning_effort(self.request, deferrable=self.deferrable)
        except BudgetExceeded as exceeded:
            return self._response_without_rule(Failure("bad_request", message=str(exceeded)), name)
        failure_or_plan = own_response(self.request, self.identity())
        if failure_or_plan is None:  # the protocol leaves this call to the rules
            return self._unmatched_error(unmatched_error(catalog, self.request, self.decision, status))
        return self._response_without_rule(failure_or_plan, name)

    def _unmatched_error(self, unmatched: UnmatchedError) -> PlannedResponse:
        failure, dialect = unmatched.failure, self.dialect
        if hasattr(dialect, "unmatched_failure"):
            path = self.request.path
            is_named = any(path in item.paths for item in self.planner.catalog.items)
            failure = cast(UnmatchedDialect, dialect).unmatched_failure(
                failure, self.request, rule_names_path=is_named
            )
        planned = self._response_without_rule(failure, None, unmatched=self.request.path != FAVICON)
        return replace(planned, near_misses=unmatched.near_misses) if planned.unmatched else planned

    def _selected_response(
        self, item: CatalogItem, selected: SelectedCandidate, compiled: CompiledResponse, response_index: int
    ) -> PlannedResponse:
        """Return the response of a rule or a modifier's error, with all settings that apply."""
        effective = self.effective_settings(selected.candidate.item_index, compiled, response_index)
        caching, prompt_cache_settings = self.planner.prompt_caching, effective.merged.prompt_cache
        prompt_cache_result = caching.look_up(
            self.request,
            self.dialect,
            prompt_cache_settings,
            self.inputs.scenario_time,
            deferrable=self.deferrable,
        )
        cached_tokens = NOTHING_CACHED if prompt_cache_result is None else prompt_cache_result.tokens
        try:
            planned = self._cached_or_rendered(item, selected, compiled, effective, cached_tokens)
        except BudgetExceeded as exceeded:
            planned = self._error_without_settings(Failure("bad_request", message=str(exceeded)))
        if prompt_cache_result is not None:
            return caching.write_to_cache(prompt_cache_result, planned, is_preview=self.is_preview)
        if self.is_preview:
            return caching.with_note_of_unused_cache(
                planned, self.request, self.dialect, prompt_cache_settings
            )
        return planned

    def _cached_or_rendered(
        self,
        item: CatalogItem,
        selected: SelectedCandidate,
        compiled: CompiledResponse,
        effective: EffectiveSettings,
        cached_tokens: CachedTokens,
    ) -> PlannedResponse:
        """Return the response, from the response cache if it is there. A setting's header replaces a limit's."""
        request, admission = self.request, self.decision.admission
        cached_by, text_or_tool, tool_call = effective.cached_by, "", None
        if not request.generates or request.background or (admission is not None and admission.changes_pace):
            cached_by = None
        if cached_by == "text":
            evaluation = EvaluationContext(template_scope_of(item, request), self.randomness(item, selected))
            compiled, text_or_tool = compiled.with_text(evaluation)
        elif cached_by == "tool_call":
            tool_call = self._generated_tool_call(effective, self.randomness(item, selected))
            text_or_tool = "" if tool_call is None else tool_call.tool
            if tool_call is None or not tool_call.fits_placeholders:
                cached_by = None
        plan_response = partial(
            self._planned_without_cache, item, selected, compiled, effective, cached_tokens
        )
        if cached_by is None or len(text_or_tool) > MAX_KEY_TEXT:
            return plan_response(self.identity(), request, tool_call, admission)
        key, cache = cache_key(effective, self.dialect, compiled, request), self.planner.response_cache
        if cached_tokens is not NOTHING_CACHED:
            key = (key, cached_tokens)
        key = key_with_text_or_tool(key, text_or_tool)
        planned = cache.find(key, self.ids().id_seed, request, tool_call)
        if planned is None:
            read_stored_parts = getattr(self.dialect, "stored_parts", None)
            planned = cache.render_and_cache(
                key, self.identity(), request, plan_response, read_stored_parts, len(text_or_tool), tool_call
            )
        if admission is None:
            return planned
        headers = without_headers(self.limit_headers(admission), effective.header_names)
        return planned.with_admission(headers, admission.wait)

    def _generated_tool_call(
        self, effective: EffectiveSettings, randomness: Randomness
    ) -> GeneratedToolCall | None:
        """Return the tool call of the response; None where the request lets the model call no tool. Raise
        BudgetExceeded, and with `deferrable` PlanningTooLong."""
        tool = choose_tool(self.request)
        if isinstance(tool, str):  # the reason why no tool is called
            return None
        return self.planner.generate_tool_call(
            tool, self.request, randomness, effective, deferrable=self.deferrable
        )

    def _planned_without_cache(
        self,
        item: CatalogItem,
        selected: SelectedCandidate,
        compiled: CompiledResponse,
        effective: EffectiveSettings,
        cached_tokens: CachedTokens,
        identity: ResponseIdentity,
        request: Request,
        tool_call: GeneratedToolCall | None,
        admission: AdmissionResult | None = None,
    ) -> PlannedResponse:
        """Plan a response without the response cache. `tool_call` is its generated tool call, if it exists
        already."""
        if compiled.request_independent:
            request = request.without_body()
        template_scope, randomness = template_scope_of(item, self.request), self.randomness(item, selected)
        context = self.plan_context(
            request, compiled, effective, template_scope, randomness, identity, admission
        )
        context.cached_tokens, context.generated_tool_call = cached_tokens, tool_call
        try:
            check_proxy(item, compiled, self.planner.proxy_hosts)
            plan = self.planner.plan(context)
        except ProxyRefused as error:
            failure = Failure("permission", message=f"{item.id} ({item.file_and_line}): {error}")
            return self._error_without_settings(failure)
        except (CallTakesNoReply, UnreplayableRecording) as error:
            failure = Failure("bad_request", message=f"{item.id} ({item.file_and_line}): {error}")
            return self._error_without_settings(unserved_handshake_failure(self.request) or failure)
        planned = self._planned_response(plan, item.id, context, responder_key=item.key)
        return (
            _with_tool_calls(planned, plan, context)
            if context.tool_call_count and not context.prerendering
            else planned
        )

    def _response_without_rule(
        self,
        failure_or_plan: Failure | Plan,
        responder_id: str | None,
        *,
        unmatched: bool = False,
        note: str | None = None,
    ) -> PlannedResponse:
        """Return the response of a failure, or of a dialect's own plan, with the settings of modifiers."""
        context = self.plan_context_without_rule()
        if isinstance(failure_or_plan, Plan):
            failure, plan = None, failure_or_plan
        else:
            failure, plan = failure_or_plan, self._scaled_error(failure_or_plan, context.identity)
        if self.decision.outcome == "limited":
            plan = with_all_headers_per_response(plan)
        plan = self.planner.apply_settings(plan, context)
        context.error = None if failure is None else failure.type
        notes = (note, None if failure is None else failure.note)
        context.notes += [text for text in notes if text]
        return self._planned_response(plan, responder_id, context, unmatched=unmatched)

    def _scaled_error(self, failure: Failure, identity: ResponseIdentity) -> Plan:
        """Return the plan of a failure, with the reported times scaled. The wait of a limit's refusal is already
        scaled."""
        scaled = (
            replace(failure, time_scale=self.reported_time_scale)
            if self.reported_time_scale != 1.0
            else failure
        )
        return self.dialect.error(scaled, self.request, identity)

    def _error_without_settings(self, failure: Failure) -> PlannedResponse:
        """Return the error response of a failure, without any settings: they may be what failed."""
        plan = self.dialect.error(failure, self.request, self.identity())
        plan = with_rule_header(plan, self.expected_responder_id())
        if self.decision.admission is not None:
            headers = self.limit_headers(self.decision.admission)
            plan = replace(plan, head=plan.head.with_per_response_headers(headers))
        modifiers = tuple(item.id for item in self.modifier_items)
        return PlannedResponse(plan, None, modifiers, (failure.short_message,), error=failure.type)

    def _planned_response(
        self,
        plan: Plan,
        responder_id: str | None,
        context: PlanContext,
        *,
        responder_key: str | None = None,
        unmatched: bool = False,
    ) -> PlannedResponse:
        """Return the response that has this plan, and what the context has collected for log and journal. The header
        `x-mockllm-rule` names what responds, or the rule that would respond if the request were valid."""
        context.notes += delay_notes(context.admission_wait)
        if context.continuous_batch_times is not None:
            context.notes.append(context.continuous_batch_times.note(context.request.input_tokens))
        return PlannedResponse(
            with_rule_header(plan, responder_id or (NO_RULE if unmatched else self.expected_responder_id())),
            responder_id,
            context.settings.modifier_ids,
            tuple(context.notes),
            unmatched,
            context.error,
            tuple(context.faults),
            literal_tool_names=context.compiled.literal_tool_names,
            webhooks=tuple(_webhooks_of(plan, context, responder_id or "")) if context.webhook_specs else (),
            faults_by_step=tuple(context.faults_by_step.items()),
            responder_key=responder_key,
        )


def _webhooks_of(plan: Plan, context: PlanContext, rule: str) -> Iterator[Webhook]:
    """Yield the requests that the server sends when a response has ended (`then_post`), at their times."""
    ends = context.request.monotonic + seconds_until_end_or_silence(plan)
    for number, spec in enumerate(context.webhook_specs):
        id = context.identity.ids.make("post_", 24, f"post.{number}")
        payload = spec.body.encode() if isinstance(spec.body, str) else dumps(spec.body)
        # without a subject, it replaces no other webhook, and none replaces it
        yield Webhook(ends + spec.after, str(spec.to), spec.secret or "", id, payload, subject="", rule=rule)


def _with_tool_calls(planned: PlannedResponse, plan: Plan, context: PlanContext) -> PlannedResponse:
    """Return the response with the id and the tool of each of its tool calls. A tool result that a client sends later
    names only the id. The encoder collects these pairs. Where it has not collected all, or faults or `extras` have
    changed the calls, the pairs are decoded from the plan."""
    dialect = cast(ReplyDialect, context.dialect)
    if not dialect.capabilities.tool_call_ids:
        return planned
    collected = context.identity.tool_calls
    if (
        collected
        and len(collected) == context.tool_call_count
        and not context.faults
        and not context.settings.merged.extras
    ):
        return replace(planned, tool_calls=tuple(collected.values()))
    called_tools = read_called_tools(plan, context.tool_call_count, dialect.decode)
    return planned if called_tools is None else replace(planned, tool_calls=tuple(called_tools.items()))
