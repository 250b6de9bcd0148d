"""What the plan of a response is made from: a request with its decision, and the values that follow from both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mockllm.core.matching.matchers import captures, matched_tool_result
from mockllm.core.randomness import Ids, Randomness
from mockllm.core.rendering.plan import Headers
from mockllm.core.request.request import Request
from mockllm.core.selection.decision import AdmissionResult, Decision, DecisionInputs, SelectedCandidate
from mockllm.core.templates.template import TemplateScope
from mockllm.core.values.types import EvaluationContext
from mockllm.dialects.dialect import Dialect, ResponseIdentity
from mockllm.dialects.provider_facts import limit_headers
from mockllm.dialects.router import Routing
from mockllm.engine.assessment import RequestAssessment
from mockllm.engine.effective_settings import EffectiveSettings
from mockllm.engine.engine_request import EngineRequest
from mockllm.engine.override_headers import Override, overridden
from mockllm.engine.plan_context import PlanContext
from mockllm.engine.planner import ResponsePlanner
from mockllm.engine.rule_header import NO_RULE
from mockllm.scenario.catalog import CatalogItem, CompiledResponse
from mockllm.scenario.language.reply import ReplySpec
from mockllm.scenario.language.settings import Settings

NO_COMPILED_RESPONSE: Final = CompiledResponse(
    ReplySpec.model_construct(), Settings.model_construct(), static=True
)
"""The response from which the settings are made where no rule responds."""
NO_RESPONSE_OF_RULE: Final = -1
"""The index where no response of a rule is selected: for a modifier's own error, and where no rule responds."""


class DecidedRequest:
    """A request with its decision: the values from which the plan of its response is made."""

    __slots__ = (
        "assessment",
        "decision",
        "deferrable",
        "dialect",
        "inputs",
        "is_preview",
        "planner",
        "reported_time_scale",
        "request",
        "routing",
        "seed",
    )

    def __init__(
        self,
        planner: ResponsePlanner,
        request: EngineRequest,
        inputs: DecisionInputs,
        decision: Decision,
        assessment: RequestAssessment,
        reported_time_scale: float = 1.0,
    ) -> None:
        self.reported_time_scale = reported_time_scale
        """The factor on times that the response reports, such as `retry-after` and the resets of rate limits. 1 for a
        client with a scaled clock."""
        self.planner = planner
        self.request = request
        self.routing: Routing = request.routing
        self.dialect: Dialect = request.routing.dialect
        self.inputs = inputs
        self.seed = inputs.seed
        """The request's own seed, else that of its session, else the server's."""
        self.decision = decision
        self.assessment = assessment
        self.is_preview = True
        """Whether the response is not sent: nothing that follows from it is counted or stored."""
        self.deferrable = False
        """Whether `build` raises PlanningTooLong if the plan takes long. It may be called again then."""

    @property
    def modifier_items(self) -> Sequence[CatalogItem]:
        """The modifiers that apply."""
        items = self.planner.catalog.items
        return [items[selected.candidate.item_index] for selected in self.decision.selected_modifiers]

    def effective_settings(
        self, item_index: int | None, compiled: CompiledResponse, response_index: int
    ) -> EffectiveSettings:
        """Return the effective settings of a response of an item, with the request's own overrides."""
        modifiers = self.decision.selected_modifiers
        modifier_indexes = (
            tuple([selected.candidate.item_index for selected in modifiers]) if modifiers else ()
        )
        settings = self.planner.effective_settings(item_index, compiled, response_index, modifier_indexes)
        override = self.request.override_or_failure
        return overridden(settings, override) if type(override) is Override else settings

    def randomness(self, item: CatalogItem, selected: SelectedCandidate) -> Randomness:
        return Randomness(self.seed, item.id, selected.candidate.scope, selected.tries)

    def modifier_context(self, index: int) -> EvaluationContext:
        """Return the context of the templates and draws of the selected modifier with this index. It has the
        regex groups and tries of the modifier, and the parameters of its pack."""
        selected = self.decision.selected_modifiers[index]
        item = self.planner.catalog.items[selected.candidate.item_index]
        return EvaluationContext(
            template_scope_of(item, self.request),
            self.randomness(item, selected),
            max_wait=self.planner.max_wait,
        )

    def ids(self) -> Ids:
        selected = self.decision.selected_rule
        scope = selected.candidate.scope if selected is not None else ""
        return Ids(self.seed, scope, self.decision.request_number)

    def identity(self) -> ResponseIdentity:
        return ResponseIdentity(self.ids(), self.request.now)

    def limit_headers(self, admission: AdmissionResult) -> Headers:
        """Return the state of the limits for the client."""
        return limit_headers(
            self.request.provider, admission.limit_status.scaled(self.reported_time_scale), self.request.now
        )

    def plan_context_without_rule(self) -> PlanContext:
        settings = self.effective_settings(None, NO_COMPILED_RESPONSE, NO_RESPONSE_OF_RULE)
        randomness = Randomness(self.seed, "", "", self.decision.request_number)
        template_scope, admission = TemplateScope(self.request), self.decision.admission
        return self.plan_context(
            self.request,
            NO_COMPILED_RESPONSE,
            settings,
            template_scope,
            randomness,
            self.identity(),
            admission,
        )

    def plan_context(
        self,
        request: Request,
        compiled: CompiledResponse,
        settings: EffectiveSettings,
        template_scope: TemplateScope,
        randomness: Randomness,
        identity: ResponseIdentity,
        admission: AdmissionResult | None,
    ) -> PlanContext:
        context = PlanContext(
            request,
            self.dialect,
            compiled,
            settings,
            template_scope,
            randomness,
            identity,
            self.modifier_context,
            max_wait=self.planner.max_wait,
            deferrable=self.deferrable,
            reported_time_scale=self.reported_time_scale,
        )
        if admission is not None:
            context.limit_headers = self.limit_headers(admission)
            context.admission_wait, context.slowdown = admission.wait, admission.slowdown
            context.continuous_batch_times = admission.continuous_batch_times
        return context

    def expected_responder_id(self) -> str:
        """Return the id of the rule or modifier that would respond if request and values were valid."""
        if self.decision.outcome == "modifier":
            return next(item.id for item in self.modifier_items if item.error is not None)
        admission, selected = self.decision.admission, self.decision.selected_rule
        if admission is not None and admission.refused_by is not None:
            return self.planner.catalog.items[admission.refused_by.item_index].id
        return NO_RULE if selected is None else self.planner.catalog.items[selected.candidate.item_index].id


def template_scope_of(item: CatalogItem, request: Request) -> TemplateScope:
    """Return the names that the templates of an item may read: the request, the parameters of the item's
    pack, and what its match captured."""
    if not item.captures:
        return TemplateScope(request, item.params)
    matcher = item.matcher
    return TemplateScope(
        request, item.params, captures(matcher, request), matched_tool_result(matcher, request)
    )
