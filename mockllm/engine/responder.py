"""The response to one request after the decision: by outcome, and the plan that follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from mockllm.core.budget import BudgetExceeded
from mockllm.core.failure import Failure
from mockllm.core.matching.matchers import captures, matched_result
from mockllm.core.prompt_cache.policy import NOTHING_CACHED, CachedTokens
from mockllm.core.randomness import Ids, Randomness
from mockllm.core.rendering.plan import Headers, Plan
from mockllm.core.request.request import Request
from mockllm.core.selection.decision import AdmissionResult, Decision, MatchResult, Selected
from mockllm.core.templates.template import TemplateFailure, TemplateScope
from mockllm.core.values.types import Context
from mockllm.dialects.decoded_response import issued_calls
from mockllm.dialects.dialect import Dialect, ResponseIdentity
from mockllm.dialects.registry import limit_headers, refused
from mockllm.dialects.routes import RouteMatch, Routing
from mockllm.engine.candidates import HANDSHAKE, RequestValidation
from mockllm.engine.effective_settings import EffectiveSettings
from mockllm.engine.near_misses import ICON, Unmatched, no_match, no_websocket, unfit, unknown_path
from mockllm.engine.overrides import Override, changed
from mockllm.engine.plan_context import PlanContext, with_unique_headers
from mockllm.engine.planned_response import PlannedResponse, delay_note, unknown_field_notes
from mockllm.engine.planner import ProxyRefused, ResponsePlanner
from mockllm.engine.plans_without_reply import NotGenerating
from mockllm.engine.posts_after import webhooks_of
from mockllm.engine.replay import UndecodableRecording
from mockllm.engine.request_reader import engine_context
from mockllm.engine.response_cache import MAX_KEY_TEXT, cache_key
from mockllm.engine.rule_header import NO_RULE, reason, with_rule_header
from mockllm.scenario.catalog import CatalogItem, CompiledResponse
from mockllm.scenario.language.reply import ReplySpec
from mockllm.scenario.language.settings import Settings

NO_RESPONSE: Final = CompiledResponse(ReplySpec.model_construct(), Settings.model_construct(), static=True)
"""In place of a rule's response, where no rule responds."""
BOUND_NAMES: Final[Mapping[str | None, str]] = {"tokens": "tokens", "concurrent": "requests under way"}
"""The names of the bounds that refuse a request; a bound without one counts requests."""
NO_WEBSOCKET: Final = "no WebSocket is served"
NO_STEP: Final = -1
"""In place of a step's number: a modifier's own error has no steps."""


class Responder:
    """Makes the response to one request."""

    __slots__ = (
        "counts", "decision", "dialect", "matched", "may_defer", "outcome", "planner", "request", "time_scale",
        "validation",
    )  # fmt: skip

    def __init__(
        self,
        planner: ResponsePlanner,
        request: Request,
        outcome: Routing,
        matched: MatchResult,
        decision: Decision,
        validation: RequestValidation,
        time_scale: float = 1.0,
    ) -> None:
        self.time_scale = time_scale
        self.planner = planner
        self.request = request
        self.outcome = outcome
        self.dialect: Dialect = outcome.dialect
        self.matched = matched
        self.decision = decision
        self.validation = validation
        self.counts = False
        """Whether the response is sent: what follows from it is counted and stored."""
        self.may_defer = False
        """Whether `respond` raises LongReply if the response takes long to plan. It may then be called again."""

    @property
    def modifiers(self) -> Sequence[CatalogItem]:
        """The modifiers that apply."""
        items = self.planner.catalog.items
        return [items[selected.candidate.item] for selected in self.decision.modifiers]

    def respond(self) -> PlannedResponse:
        """Return the response."""
        decision = self.decision
        try:
            if decision.outcome == "rule":
                assert decision.rule is not None
                return self._rule(decision.rule)
            if decision.outcome == "modifier":
                return self._modifier_error()
            if decision.outcome == "limited" or decision.outcome == "overloaded":
                assert decision.bounds is not None
                return self._refused(decision.bounds)
            if decision.outcome == "invalid":
                rule = decision.rule
                validation = rule.candidate.validation if rule else self.matched.unmatched
                failure = self.validation.failure(validation) or Failure("model_not_found")
                return self._builtin(failure, None, note=f"invalid: {reason(failure)}")
            return self._unmatched()
        except TemplateFailure as failure:
            return self._error_without_settings(unfit(failure, self.dialect.name))

    # --- the outcomes --------------------------------------------------------------------------

    def _rule(self, selected: Selected) -> PlannedResponse:
        item = self.planner.catalog.items[selected.candidate.item]
        selector = item.selector
        assert selector is not None
        step = 0
        if selector.mode != "one":
            seeded = Randomness(
                self.seed, item.id, selected.candidate.scope, selector.choice_number(selected.tries)
            )
            picked = selector.pick(selected.responses, seeded)
            if picked is None:
                return self._no_match(
                    no_match(
                        self.planner.catalog, self.request, self.decision, self.planner.miss_status, item
                    )
                )
            step = picked
        planned = self._planned(item, selected, selector.responses[step], step)
        if item.validation == "strict" and (notes := unknown_field_notes(self.request)):
            return planned._replace(notes=(*planned.notes, *notes))
        return planned

    def _modifier_error(self) -> PlannedResponse:
        """Respond with the first error among the modifiers, in the order in which settings win."""
        selected, item = next(
            (selected, item)
            for selected, item in zip(self.decision.modifiers, self.modifiers, strict=True)
            if item.error is not None
        )
        assert item.error is not None
        return self._planned(item, selected, item.error, NO_STEP)

    def _refused(self, bounds: AdmissionResult) -> PlannedResponse:
        """Respond to a request that a modifier's limit or load refuses."""
        assert bounds.by is not None
        request, limit = self.request, bounds.result
        item = self.planner.catalog.items[bounds.by.item]
        if limit is None:
            return self._builtin(Failure("overloaded"), item.id, note=f"overloaded: no room ({item.where})")
        seen, standing = limit.scaled(self.time_scale), bounds.standing.scaled(self.time_scale)
        again = "" if limit.retry_after is None else f", retry after {limit.retry_after:g}s"
        note = f"limited: too many {BOUND_NAMES.get(limit.by, 'requests')}{again} ({item.where})"
        failure = refused(request.provider, seen, standing, bounds.tokens, request.model, request.now)
        return self._builtin(failure, item.id, note=note)

    def _unmatched(self) -> PlannedResponse:
        """Respond without a rule: by the dialect itself where it can, else with an error that names near misses."""
        catalog, status = self.planner.catalog, self.planner.miss_status
        handshake = None if self.request.api == HANDSHAKE else no_websocket(self.request)
        if handshake is not None:
            return self._builtin(handshake, None, note=NO_WEBSOCKET)
        if not isinstance(self.outcome, RouteMatch):
            return self._no_match(unknown_path(catalog, self.request, self.decision, self.outcome, status))
        lookup = getattr(self.dialect, "own_response", None)
        if lookup is None and not self.request.makes_media:
            return self._no_match(no_match(catalog, self.request, self.decision, status))
        name = f"{self.dialect.name}:{self.dialect.api}"
        if catalog.known_models and self.validation.unknown():
            return self._builtin(Failure("model_not_found"), name)
        if lookup is None:
            context = self._context_without_rule()
            return self._finished(self.planner.plan(context), name, context)
        try:
            self.planner.require_components(self.request, may_defer=self.may_defer)
        except BudgetExceeded as exceeded:
            return self._builtin(Failure("bad_request", message=str(exceeded)), name)
        content = lookup(self.request, catalog.models, self._identity())
        if content is None:  # the protocol leaves this call to the rules
            return self._no_match(no_match(catalog, self.request, self.decision, status))
        return self._builtin(content, name)

    def _no_match(self, unmatched: Unmatched) -> PlannedResponse:
        own = getattr(self.dialect, "unmatched", None)
        failure = unmatched.failure if own is None else own(unmatched.failure)
        planned = self._builtin(failure, None, missed=self.request.path != ICON)
        return planned._replace(near_misses=unmatched.near_misses) if planned.missed else planned

    # --- plans ---------------------------------------------------------------------------------

    def _planned(
        self, item: CatalogItem, selected: Selected, response: CompiledResponse, step: int
    ) -> PlannedResponse:
        """Return the response of a rule or a modifier's error, with all settings that apply."""
        settings = self._settings(selected.candidate.item, response, step)
        caching, overrides = self.planner.prompt_caching, settings.sending.cache
        lookup = caching.look_up(self.request, self.dialect, overrides, self.matched.now)
        cached = NOTHING_CACHED if lookup is None else lookup.tokens
        planned = self._from_cache_or_rendered(item, selected, response, settings, cached)
        if lookup is not None:
            return caching.finished(lookup, planned, counts=self.counts)
        return planned if self.counts else caching.explained(planned, self.request, self.dialect, overrides)

    def _from_cache_or_rendered(
        self,
        item: CatalogItem,
        selected: Selected,
        response: CompiledResponse,
        settings: EffectiveSettings,
        cached: CachedTokens,
    ) -> PlannedResponse:
        """Return the response, of the response cache where that has it. A setting's header replaces a limit's."""
        request, bounds = self.request, self.decision.bounds
        cacheable, text = settings.cacheable, ""
        if settings.cacheable_by_text:
            response, text = response.with_text(Context(self._scope(item), self._randomness(item, selected)))
            cacheable = len(text) <= MAX_KEY_TEXT
        cacheable = cacheable and request.generates and not request.background
        if not (cacheable and (bounds is None or bounds.as_planned)):
            return self._rendered(
                item, selected, response, settings, self._identity(), request, bounds, cached
            )

        def render(identity: ResponseIdentity, request: Request) -> PlannedResponse:
            return self._rendered(item, selected, response, settings, identity, request, None, cached)

        key = cache_key(settings, self.dialect, response, request)
        if cached is not NOTHING_CACHED:
            key = (key, cached)
        planned = self.planner.cache.response(key, self._identity(), request, render, text)
        if bounds is None:
            return planned
        own = {name.lower() for name, _, _ in settings.sending.headers or ()}
        headers = tuple(pair for pair in self._limit_headers(bounds) if pair[0] not in own)
        return planned.with_bounds(headers, bounds.wait)

    def _rendered(
        self,
        item: CatalogItem,
        selected: Selected,
        response: CompiledResponse,
        settings: EffectiveSettings,
        identity: ResponseIdentity,
        request: Request,
        bounds: AdmissionResult | None,
        cached: CachedTokens,
    ) -> PlannedResponse:
        """Render a response, without the response cache."""
        if response.request_independent:
            request = request.unread()
        scope, randomness = self._scope(item), self._randomness(item, selected)
        context = self._context(request, response, settings, scope, randomness, identity, bounds)
        context.cached = cached
        try:
            self.planner.check_proxy(item, response)
            plan = self.planner.plan(context)
        except BudgetExceeded as exceeded:
            return self._error_without_settings(Failure("bad_request", message=str(exceeded)))
        except ProxyRefused as refused:
            failure = Failure("permission", message=f"{item.id} ({item.where}): {refused}")
            return self._error_without_settings(failure)
        except (NotGenerating, UndecodableRecording) as refusal:
            failure = Failure("bad_request", message=f"{item.id} ({item.where}): {refusal}")
            return self._error_without_settings(no_websocket(self.request) or failure)
        planned = self._finished(plan, item.id, context)
        if not context.calls or context.prerendering:
            return planned
        issued = issued_calls(plan, context.calls, self.dialect.decode)  # type: ignore[attr-defined]  # it generates
        return planned if issued is None else planned._replace(calls=tuple(issued.items()))

    def _builtin(
        self, content: Failure | Plan, rule: str | None, *, missed: bool = False, note: str | None = None
    ) -> PlannedResponse:
        """Return a response that no rule makes, with the settings of the modifiers that apply."""
        context = self._context_without_rule()
        plan = content if isinstance(content, Plan) else self._builtin_error(content, context.identity)
        if self.decision.outcome == "limited":
            plan = with_unique_headers(plan)
        plan = self.planner.decorate(plan, context)
        context.error = content.type if isinstance(content, Failure) else None
        notes = (note, content.note if isinstance(content, Failure) else None)
        context.notes += [text for text in notes if text]
        return self._finished(plan, rule, context, missed=missed)

    def _builtin_error(self, failure: Failure, identity: ResponseIdentity) -> Plan:
        """Return an error of the server's own. The wait of a limit's refusal is scaled already."""
        scaled = replace(failure, time_scale=self.time_scale) if self.time_scale != 1.0 else failure
        return self.dialect.error(scaled, self.request, identity)

    def _limit_headers(self, bounds: AdmissionResult) -> Headers:
        """Return the state of the limits as the client sees it."""
        return limit_headers(self.request.provider, bounds.standing.scaled(self.time_scale), self.request.now)

    def _error_without_settings(self, failure: Failure) -> PlannedResponse:
        """Return a failure without any settings, which may be what failed."""
        plan = self.dialect.error(failure, self.request, self._identity())
        plan = with_rule_header(plan, self._chosen_rule())
        if self.decision.bounds is not None:
            headers = self._limit_headers(self.decision.bounds)
            plan = replace(plan, head=plan.head.with_unique_headers(headers))
        modifiers = tuple(item.id for item in self.modifiers)
        return PlannedResponse(plan, None, modifiers, (reason(failure),), error=failure.type)

    def _finished(
        self, plan: Plan, rule: str | None, context: PlanContext, *, missed: bool = False
    ) -> PlannedResponse:
        context.notes += delay_note(context.admission_wait)
        if context.place is not None:
            context.notes.append(context.place.note(context.request.input_tokens))
        return PlannedResponse(
            with_rule_header(plan, rule or (NO_RULE if missed else self._chosen_rule())),
            rule,
            context.settings.modifiers,
            tuple(context.notes),
            missed,
            context.error,
            tuple(context.faults),
            webhooks=tuple(webhooks_of(plan, context)) if context.posts else (),
        )

    def _context_without_rule(self) -> PlanContext:
        settings = self._settings(None, NO_RESPONSE, NO_STEP)
        randomness = Randomness(self.seed, "", "", self.decision.number)
        scope, identity, bounds = TemplateScope(self.request), self._identity(), self.decision.bounds
        return self._context(self.request, NO_RESPONSE, settings, scope, randomness, identity, bounds)

    def _context(
        self,
        request: Request,
        response: CompiledResponse,
        settings: EffectiveSettings,
        scope: TemplateScope,
        randomness: Randomness,
        identity: ResponseIdentity,
        bounds: AdmissionResult | None,
    ) -> PlanContext:
        context = PlanContext(
            request,
            self.dialect,
            response,
            settings,
            scope,
            randomness,
            identity,
            self._context_of,
            max_wait=self.planner.longest,
            may_defer=self.may_defer,
            time_scale=self.time_scale,
        )
        if bounds is not None:
            context.limit_headers = self._limit_headers(bounds)
            context.admission_wait, context.slowdown = bounds.wait, bounds.slowdown
            context.place = bounds.place
        return context

    def _chosen_rule(self) -> str:
        """Return the id of the rule or modifier that would respond if request and values were valid."""
        if self.decision.outcome == "modifier":
            return next(item.id for item in self.modifiers if item.error is not None)
        bounds, selected = self.decision.bounds, self.decision.rule
        if bounds is not None and bounds.by is not None:
            return self.planner.catalog.items[bounds.by.item].id
        return NO_RULE if selected is None else self.planner.catalog.items[selected.candidate.item].id

    # --- the inputs of a plan ------------------------------------------------------------------

    @property
    def seed(self) -> int:
        """The request's own seed, else that of its session, else the server's."""
        return self.matched.seed

    def _settings(self, item: int | None, response: CompiledResponse, step: int) -> EffectiveSettings:
        """Return the effective settings of a step of an item, with the request's own overrides."""
        modifiers = [selected.candidate.item for selected in self.decision.modifiers]
        settings = self.planner.effective_settings(item, response, step, modifiers)
        override = engine_context(self.request).override
        return changed(settings, override) if type(override) is Override else settings

    def _randomness(self, item: CatalogItem, selected: Selected) -> Randomness:
        return Randomness(self.seed, item.id, selected.candidate.scope, selected.tries)

    def _context_of(self, number: int) -> Context:
        """Return the context of a modifier's templates and draws: its parameters, regex groups and tries."""
        selected = self.decision.modifiers[number]
        item = self.planner.catalog.items[selected.candidate.item]
        return Context(self._scope(item), self._randomness(item, selected), max_wait=self.planner.longest)

    def _scope(self, item: CatalogItem) -> TemplateScope:
        if not item.captures:
            return TemplateScope(self.request, item.params)
        return TemplateScope(
            self.request,
            item.params,
            captures(item.matcher, self.request),
            matched_result(item.matcher, self.request),
        )

    def _identity(self) -> ResponseIdentity:
        selected = self.decision.rule
        scope = selected.candidate.scope if selected is not None else ""
        return ResponseIdentity(Ids(self.seed, scope, self.decision.number), self.request.now)
