"""One request after it was settled: which of the four outcomes it is, and the plan that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from mockllm.core.chance import Chance, Ids
from mockllm.core.claim import Settled, Turn
from mockllm.core.failure import Failure
from mockllm.core.matching import captures, matched_result
from mockllm.core.plan import Head, Plan
from mockllm.core.request import Request
from mockllm.core.template import Scope, TemplateFailure
from mockllm.core.values import Context
from mockllm.dialects.dialect import Dialect, Stamp
from mockllm.dialects.routes import Found, Outcome
from mockllm.engine.answer import Answer
from mockllm.engine.claims import Verdicts
from mockllm.engine.misses import missed, unfit
from mockllm.engine.plans import NotGenerating, Speaking
from mockllm.scenario.catalog import Item, Saying
from mockllm.scenario.combining import NOTHING, Sending
from mockllm.scenario.language.answers import ReplyWord
from mockllm.scenario.language.settings import Settings

if TYPE_CHECKING:
    from mockllm.engine.engine import Engine

UNSAID = Saying(ReplyWord(), Settings(), static=True)
"""What stands where no rule says anything."""
RULE = "x-mockllm-rule"
ALONE = -1
"""In place of a step's number: a modifier's own error has no steps."""


class Exchange:
    """See above."""

    __slots__ = ("dialect", "engine", "modifiers", "outcome", "request", "settled", "verdicts")

    def __init__(
        self, engine: Engine, request: Request, outcome: Outcome, settled: Settled, verdicts: Verdicts
    ) -> None:
        self.engine = engine
        self.request = request
        self.outcome = outcome
        self.dialect: Dialect = outcome.dialect
        self.settled = settled
        self.verdicts = verdicts
        self.modifiers: Sequence[Item] = [engine.catalog.items[turn.candidate.item] for turn in settled.modifiers]

    def answer(self) -> Answer:
        settled = self.settled
        try:
            if settled.outcome == "rule":
                assert settled.rule is not None
                return self.rule(settled.rule)
            if settled.outcome == "modifier":
                return self.modifier()
            if settled.outcome == "invalid":
                failure = self.verdicts.failure(settled.rule.candidate.validation if settled.rule else "strict")
                assert failure is not None
                return self.said(failure, None)
            return self.miss()
        except TemplateFailure as failure:
            return self.bare(unfit(failure))

    # --- the outcomes --------------------------------------------------------------------------

    def rule(self, turn: Turn) -> Answer:
        item = self.engine.catalog.items[turn.candidate.item]
        assert item.answers is not None
        chance = Chance(self.engine.seed, item.id, turn.candidate.scope, turn.tries)
        step = item.answers.pick(turn.given, chance)
        if step is None:
            return self.said(missed(self.engine.catalog, self.request, self.settled, ended=item), None, missed=True)
        return self.say(item, turn, chance, item.answers.sayings[step], step)

    def modifier(self) -> Answer:
        """The first that has an error, in the order in which settings win."""
        turn, item = next(
            (turn, item)
            for turn, item in zip(self.settled.modifiers, self.modifiers, strict=True)
            if item.error is not None
        )
        assert item.error is not None
        chance = Chance(self.engine.seed, item.id, turn.candidate.scope, turn.tries)
        return self.say(item, turn, chance, item.error, ALONE)

    def miss(self) -> Answer:
        """No rule answers: the dialect itself does where it can; else a 404 that says how near it was."""
        if not isinstance(self.outcome, Found):
            return self.said(self.outcome.failure, None, missed=True)
        lookup = getattr(self.dialect, "answer", None)
        if lookup is None:
            return self.said(missed(self.engine.catalog, self.request, self.settled), None, missed=True)
        found = lookup(self.request, self.engine.catalog.models, self.stamp())
        return self.said(found, f"{self.dialect.name}:{self.dialect.api}")

    # --- plans ---------------------------------------------------------------------------------

    def say(self, item: Item, turn: Turn, chance: Chance, saying: Saying, step: int) -> Answer:
        """What a rule or a modifier's error says, with all settings that apply."""
        request = self.request
        if saying.blind:
            request = request.unread()
        speaking = self.speaking(request, saying, self.sending(item, saying, step), self.scope(item), chance)
        try:
            plan = self.engine.planner.plan(speaking)
        except NotGenerating as refusal:
            return self.bare(Failure("bad_request", message=f"{item.id} ({item.where}): {refusal}"))
        return self.done(plan, item.id, speaking)

    def said(self, what: Failure | Plan, rule: str | None, *, missed: bool = False) -> Answer:
        """What no rule says: a failure or a lookup, with the settings of the modifiers that apply."""
        plan = self.dialect.error(what, self.request, self.stamp()) if isinstance(what, Failure) else what
        chance = Chance(self.engine.seed, "", "", self.settled.number)
        sending = self.sending(None, UNSAID, ALONE)
        speaking = self.speaking(self.request, UNSAID, sending, Scope(self.request), chance)
        if self.modifiers:
            plan = self.engine.planner.decorate(plan, speaking)
        speaking.error = what.type if isinstance(what, Failure) else None
        return self.done(plan, rule, speaking, missed=missed)

    def bare(self, failure: Failure) -> Answer:
        """A failure without any settings: they may be what failed."""
        plan = self.dialect.error(failure, self.request, self.stamp())
        return Answer(plan, None, tuple(item.id for item in self.modifiers), error=failure.type)

    def done(self, plan: Plan, rule: str | None, speaking: Speaking, *, missed: bool = False) -> Answer:
        if rule is not None:
            head = Head(plan.head.status, (*plan.head.headers, (RULE, header_text(rule))))
            plan = Plan(head, plan.steps, plan.framing, plan.delay)
        return Answer(
            plan,
            rule,
            tuple(item.id for item in self.modifiers),
            tuple(speaking.notes),
            missed,
            speaking.error,
            tuple(speaking.faults),
        )

    def speaking(self, request: Request, saying: Saying, sending: Sending, scope: Scope, chance: Chance) -> Speaking:
        longest = self.engine.longest
        return Speaking(
            request, self.dialect, saying, sending, scope, chance, self.stamp(), self.of_modifier, longest=longest
        )

    # --- what plans are made of ----------------------------------------------------------------

    def sending(self, item: Item | None, saying: Saying, step: int) -> Sending:
        if item is None and not self.modifiers:
            return NOTHING
        return self.engine.combined(item, saying, step, self.modifiers)

    def of_modifier(self, number: int) -> Context:
        """What the templates and draws of a modifier look at: its own parameters, regex groups and tries."""
        turn, item = self.settled.modifiers[number], self.modifiers[number]
        chance = Chance(self.engine.seed, item.id, turn.candidate.scope, turn.tries)
        return Context(self.scope(item), chance, longest=self.engine.longest)

    def scope(self, item: Item) -> Scope:
        if not item.captures:
            return Scope(self.request, item.params)
        return Scope(
            self.request, item.params, captures(item.matcher, self.request), matched_result(item.matcher, self.request)
        )

    def stamp(self) -> Stamp:
        turn = self.settled.rule
        scope = turn.candidate.scope if turn is not None else ""
        return Stamp(Ids(self.engine.seed, scope, self.settled.number), self.request.now)


def header_text(id: str) -> str:
    """An id as a header can carry it: what is not printable ASCII is percent-encoded."""
    return id if id.isascii() else quote(id, safe=" !\"#$&'()*+,-./:;<=>?@[]^_`{|}~")
