"""One request after it was settled: which of the four outcomes it is, and the plan that follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from msgspec.structs import replace

from mockllm.core.budget import BudgetExceeded
from mockllm.core.failure import Failure
from mockllm.core.matching.hints import cut
from mockllm.core.matching.matchers import captures, matched_result
from mockllm.core.randomness import Ids, Randomness
from mockllm.core.rendering.plan import Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.core.selection.decision import AdmissionResult, Decision, MatchResult, Selected
from mockllm.core.templates.template import TemplateFailure, TemplateScope
from mockllm.core.values.types import Context
from mockllm.dialects.dialect import Dialect, ResponseIdentity
from mockllm.dialects.registry import limit_headers, refused
from mockllm.dialects.routes import RouteMatch, Routing
from mockllm.engine.candidates import RequestValidation
from mockllm.engine.catalog_runtime import CatalogRuntime
from mockllm.engine.effective_settings import EffectiveSettings
from mockllm.engine.embedding import NotGenerating
from mockllm.engine.near_misses import ICON, no_match_failure, unfit, unknown_path_failure
from mockllm.engine.overrides import Override, changed
from mockllm.engine.planned_response import PlannedResponse, unknown_fields
from mockllm.engine.planner import PlanContext
from mockllm.engine.replay import UndecodableRecording
from mockllm.engine.request_context import engine_context
from mockllm.engine.response_cache import cache_key
from mockllm.scenario.catalog import CatalogItem, CompiledResponse
from mockllm.scenario.language.reply import ReplySpec
from mockllm.scenario.language.settings import Settings

UNSAID = CompiledResponse(ReplySpec.model_construct(), Settings.model_construct(), static=True)
"""What stands where no rule says anything."""
RULE = "x-mockllm-rule"
NOBODY = "none"
"""In place of a rule's id, where no rule matched."""
REASON = 200
"""Characters of a failure's message that are noted."""
WHAT: Final[Mapping[str | None, str]] = {"tokens": "tokens", "concurrent": "requests under way"}
"""What there is too much of, by the bound that refuses."""
ALONE = -1
"""In place of a step's number: a modifier's own error has no steps."""


class Responder:
    """See above."""

    __slots__ = ("claim", "dialect", "outcome", "request", "settled", "verdicts", "workshop")

    def __init__(
        self,
        workshop: CatalogRuntime,
        request: Request,
        outcome: Routing,
        claim: MatchResult,
        settled: Decision,
        verdicts: RequestValidation,
    ) -> None:
        self.workshop = workshop
        self.request = request
        self.outcome = outcome
        self.dialect: Dialect = outcome.dialect
        self.claim = claim
        self.settled = settled
        self.verdicts = verdicts

    @property
    def applied(self) -> Sequence[int]:
        """The numbers of the modifiers that apply."""
        return [turn.candidate.item for turn in self.settled.modifiers]

    @property
    def modifiers(self) -> Sequence[CatalogItem]:
        """Those that apply."""
        items = self.workshop.catalog.items
        return [items[number] for number in self.applied]

    def answer(self) -> PlannedResponse:
        settled = self.settled
        try:
            if settled.outcome == "rule":
                assert settled.rule is not None
                return self.respond_with_rule(settled.rule)
            if settled.outcome == "modifier":
                return self.respond_with_error()
            if settled.outcome == "limited" or settled.outcome == "overloaded":
                assert settled.bounds is not None
                return self.respond_limited(settled.bounds)
            if settled.outcome == "invalid":
                failure = self.verdicts.failure(
                    settled.rule.candidate.validation if settled.rule else "strict"
                ) or Failure("model_not_found")
                return self.builtin_response(failure, None, note=f"invalid: {reason(failure)}")
            return self.respond_unmatched()
        except TemplateFailure as failure:
            return self.error_without_settings(unfit(failure, self.dialect.name))

    # --- the outcomes --------------------------------------------------------------------------

    def respond_with_rule(self, turn: Selected) -> PlannedResponse:
        item = self.workshop.catalog.items[turn.candidate.item]
        answers = item.answers
        assert answers is not None
        step = 0 if answers.mode == "one" else answers.pick(turn.responses, self.randomness(item, turn))
        if step is None:
            return self.builtin_response(
                no_match_failure(self.workshop.catalog, self.request, self.settled, ended=item),
                None,
                missed=True,
            )
        answer = self.render_cached(item, turn, answers.responses[step], step)
        if item.validation == "strict" and (notes := unknown_fields(self.request)):
            return answer._replace(notes=(*answer.notes, *notes))
        return answer

    def respond_with_error(self) -> PlannedResponse:
        """The first that has an error, in the order in which settings win."""
        turn, item = next(
            (turn, item)
            for turn, item in zip(self.settled.modifiers, self.modifiers, strict=True)
            if item.error is not None
        )
        assert item.error is not None
        return self.render_cached(item, turn, item.error, ALONE)

    def respond_limited(self, bounds: AdmissionResult) -> PlannedResponse:
        """A modifier's limit or load turns the request away."""
        assert bounds.by is not None
        request, verdict = self.request, bounds.result
        item = self.workshop.catalog.items[bounds.by.item]
        if verdict is None:
            return self.builtin_response(
                Failure("overloaded"), item.id, note=f"overloaded: no room ({item.where})"
            )
        facts = (request.provider, verdict, bounds.standing, bounds.tokens, request.model, request.now)
        again = "" if verdict.retry_after is None else f", retry after {verdict.retry_after:g}s"
        note = f"limited: too many {WHAT.get(verdict.by, 'requests')}{again} ({item.where})"
        return self.builtin_response(refused(*facts), item.id, note=note)

    def respond_unmatched(self) -> PlannedResponse:
        """No rule answers: the dialect itself does where it can; else a 404 that says how near it was."""
        if not isinstance(self.outcome, RouteMatch):
            failure = unknown_path_failure(
                self.workshop.catalog, self.request, self.settled, self.outcome.failure
            )
            return self.builtin_response(failure, None, missed=self.request.path != ICON)
        lookup = getattr(self.dialect, "answer", None)
        if lookup is None:
            return self.builtin_response(
                no_match_failure(self.workshop.catalog, self.request, self.settled), None, missed=True
            )
        catalog = self.workshop.catalog
        if catalog.known_models and self.verdicts.unknown():
            return self.builtin_response(
                Failure("model_not_found"), f"{self.dialect.name}:{self.dialect.api}"
            )
        found = lookup(self.request, catalog.models, self.identity())
        return self.builtin_response(found, f"{self.dialect.name}:{self.dialect.api}")

    # --- plans ---------------------------------------------------------------------------------

    def render_cached(
        self, item: CatalogItem, turn: Selected, saying: CompiledResponse, step: int
    ) -> PlannedResponse:
        """What a rule or a modifier's error says, with all settings that apply."""
        request, bounds = self.request, self.settled.bounds
        way = self.settings(turn.candidate.item, saying, step)
        if not (way.cacheable and request.generates and (bounds is None or bounds.slowdown == 1.0)):
            return self.render(item, turn, saying, way, self.identity(), request, bounds)
        answer = self.from_cache(item, turn, saying, way)
        return answer if bounds is None else self.within(bounds, answer, way)

    def from_cache(
        self, item: CatalogItem, turn: Selected, saying: CompiledResponse, way: EffectiveSettings
    ) -> PlannedResponse:
        """An answer that is the same each time, from what is kept of it; without what limits tell."""
        keep, request = self.workshop.keep, self.request
        key, stamp = cache_key(way, self.dialect, saying, request), self.identity()
        kept = keep.find(key, request)
        if kept is not None:
            return kept.filled(stamp.ids.root, request)

        def render(stamp: ResponseIdentity, request: Request) -> PlannedResponse:
            return self.render(item, turn, saying, way, stamp, request, None)

        return keep.make(key, stamp, request, render)

    def within(
        self, bounds: AdmissionResult, answer: PlannedResponse, way: EffectiveSettings
    ) -> PlannedResponse:
        """The answer with what limits tell, but for headers that a setting has; held back as they want it."""
        own = {name.lower() for name, _, _ in way.sending.headers}
        told = limit_headers(self.request.provider, bounds.standing, self.request.now)
        if not (told or bounds.wait):
            return answer
        plan = answer.plan
        head = plan.head.with_unique_headers(tuple(pair for pair in told if pair[0] not in own))
        plan = replace(plan, head=head, delay=plan.delay + bounds.wait)
        return answer.with_plan(plan, *held(bounds.wait))

    def render(
        self,
        item: CatalogItem,
        turn: Selected,
        saying: CompiledResponse,
        way: EffectiveSettings,
        stamp: ResponseIdentity,
        request: Request,
        bounds: AdmissionResult | None,
    ) -> PlannedResponse:
        """What is said, made anew."""
        if saying.request_independent:
            request = request.unread()
        facts = (request, saying, way, self.scope(item), self.randomness(item, turn), stamp)
        speaking = self.speaking(*facts, bounds)
        try:
            plan = self.workshop.planner.plan(speaking)
        except BudgetExceeded as exceeded:
            return self.error_without_settings(Failure("bad_request", message=str(exceeded)))
        except (NotGenerating, UndecodableRecording) as refusal:
            return self.error_without_settings(
                Failure("bad_request", message=f"{item.id} ({item.where}): {refusal}")
            )
        answer = self.finish(plan, item.id, speaking)
        if not speaking.calls:
            return answer
        heard = self.dialect.decode(plan)  # type: ignore[attr-defined]  # a reply has calls, so it generates
        return answer if heard is None else answer._replace(calls=tuple(heard.issued.items()))

    def builtin_response(
        self, what: Failure | Plan, rule: str | None, *, missed: bool = False, note: str | None = None
    ) -> PlannedResponse:
        """What no rule says: a failure or a lookup, with the settings of the modifiers that apply."""
        stamp = self.identity()
        plan = self.dialect.error(what, self.request, stamp) if isinstance(what, Failure) else what
        if self.settled.outcome == "limited":
            plan = _apart(plan)
        way = self.settings(None, UNSAID, ALONE)
        chance = Randomness(self.seed, "", "", self.settled.number)
        facts = (self.request, UNSAID, way, TemplateScope(self.request), chance, stamp)
        speaking = self.speaking(*facts, self.settled.bounds)
        plan = self.workshop.planner.decorate(plan, speaking)
        speaking.error = what.type if isinstance(what, Failure) else None
        speaking.notes += [note] if note else []
        return self.finish(plan, rule, speaking, missed=missed)

    def error_without_settings(self, failure: Failure) -> PlannedResponse:
        """A failure without any settings: they may be what failed."""
        plan = named(self.dialect.error(failure, self.request, self.identity()), self.chosen())
        if self.settled.bounds is not None:
            told = limit_headers(self.request.provider, self.settled.bounds.standing, self.request.now)
            plan = replace(plan, head=plan.head.with_unique_headers(told))
        modifiers = tuple(item.id for item in self.modifiers)
        return PlannedResponse(plan, None, modifiers, (reason(failure),), error=failure.type)

    def finish(
        self, plan: Plan, rule: str | None, speaking: PlanContext, *, missed: bool = False
    ) -> PlannedResponse:
        speaking.notes += held(speaking.held)
        return PlannedResponse(
            named(plan, rule or (NOBODY if missed else self.chosen())),
            rule,
            speaking.settings.modifiers,
            tuple(speaking.notes),
            missed,
            speaking.error,
            tuple(speaking.faults),
        )

    def speaking(
        self,
        request: Request,
        saying: CompiledResponse,
        way: EffectiveSettings,
        scope: TemplateScope,
        chance: Randomness,
        stamp: ResponseIdentity,
        bounds: AdmissionResult | None,
    ) -> PlanContext:
        facts = (request, self.dialect, saying, way, scope, chance, stamp, self.of_modifier)
        if bounds is None:
            return PlanContext(*facts, max_wait=self.workshop.longest)
        told = limit_headers(request.provider, bounds.standing, request.now)
        return PlanContext(
            *facts,
            max_wait=self.workshop.longest,
            told=told,
            held=bounds.wait,
            slowdown=bounds.slowdown,
        )

    def chosen(self) -> str:
        """The id of what would have answered, were the request and its values as they should be."""
        if self.settled.outcome == "modifier":
            return next(item.id for item in self.modifiers if item.error is not None)
        bounds, turn = self.settled.bounds, self.settled.rule
        if bounds is not None and bounds.by is not None:
            return self.workshop.catalog.items[bounds.by.item].id
        return NOBODY if turn is None else self.workshop.catalog.items[turn.candidate.item].id

    # --- what plans are made of ----------------------------------------------------------------

    @property
    def seed(self) -> int:
        """The request's own, else that of its session, else the server's."""
        return self.claim.seed

    def settings(self, item: int | None, saying: CompiledResponse, step: int) -> EffectiveSettings:
        """How a step of an item is sent: all settings that apply, and the request's own."""
        found = self.workshop.effective_settings(item, saying, step, self.applied)
        override = engine_context(self.request).override
        return changed(found, override) if type(override) is Override else found

    def randomness(self, item: CatalogItem, turn: Selected) -> Randomness:
        return Randomness(self.seed, item.id, turn.candidate.scope, turn.tries)

    def of_modifier(self, number: int) -> Context:
        """What the templates and draws of a modifier look at: its own parameters, regex groups and tries."""
        turn = self.settled.modifiers[number]
        item = self.workshop.catalog.items[turn.candidate.item]
        return Context(self.scope(item), self.randomness(item, turn), max_wait=self.workshop.longest)

    def scope(self, item: CatalogItem) -> TemplateScope:
        if not item.captures:
            return TemplateScope(self.request, item.params)
        return TemplateScope(
            self.request,
            item.params,
            captures(item.matcher, self.request),
            matched_result(item.matcher, self.request),
        )

    def identity(self) -> ResponseIdentity:
        turn = self.settled.rule
        scope = turn.candidate.scope if turn is not None else ""
        return ResponseIdentity(Ids(self.seed, scope, self.settled.number), self.request.now)


def named(plan: Plan, id: str) -> Plan:
    """The plan with the id of whose it is in a header."""
    head = ResponseHead(
        plan.head.status, (*plan.head.fixed, (RULE, header_text(id))), plan.head.unique_headers
    )
    return Plan(head, plan.steps, plan.framing, plan.delay, plan.delivery)


def held(seconds: float) -> Sequence[str]:
    """A note of what limits and loads held back."""
    return (f"held back {seconds:.4g}s by a limit or load",) if seconds else ()


def _apart(plan: Plan) -> Plan:
    """The plan with headers that no other answer has: what a limit tells differs each time."""
    head = plan.head
    return Plan(
        ResponseHead(head.status, (), head.headers), plan.steps, plan.framing, plan.delay, plan.delivery
    )


def reason(failure: Failure) -> str:
    """What a failure says, short enough for a note."""
    return cut(failure.message or failure.type, REASON)


def header_text(id: str) -> str:
    """An id as a header can carry it: what is not printable ASCII is percent-encoded."""
    return id if id.isascii() else quote(id, safe=" !\"#$&'()*+,-./:;<=>?@[]^_`{|}~")
