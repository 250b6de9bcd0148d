"""Candidates and decisions as data. The state makes a decision from `DecisionInputs` in one atomic step.

Each rule or modifier has two counts in each scope. *Tries*: how often it matched and was reached. A rule has none
where the request is invalid, or where a modifier refuses it or responds. They select the random values of `chance`
and `choose`. A sticky `choose` has one draw for each scope. *Eligible tries*: those that its window, its states and
`chance` allow; `times`, `skip` and `every` depend on them. Those that lead to a response select the step of a
`sequence`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from mockllm.core.limits.limit_data import NO_COST, Cost, Limit, LimitResult, LimitStatus
from mockllm.core.load.continuous_batch import NO_WORK, ContinuousBatchTimes, PromptWork
from mockllm.core.load.load import Load
from mockllm.core.selection.guards import Guard, GuardReason, StateValue

Validation: TypeAlias = Literal["exact", "strict", "lenient", "off"]
"""`strict` has all checks of the provider except that of unknown fields, which `exact` adds. `lenient` checks only
that the body can be read, `off` nothing."""
AcceptedModels: TypeAlias = Literal["any", "strict"]
"""The models that a rule responds to: any, or known ones only."""


class Candidate(Struct, frozen=True):
    """A rule or modifier whose matcher matches the request, or the rule that a header names. `item_index` is its
    index in the catalog. `key` (id and digest) and `scope` select its counts. `random_key`, its id alone, is hashed
    into its random values, so that editing a response does not change them."""

    item_index: int
    key: str
    random_key: str
    scope: str
    guard: Guard | None
    validation: Validation = "strict"
    has_error: bool = False
    """Whether it is a modifier whose error replaces the response."""
    known_models_only: bool = False
    """Whether it responds to known models only (`models: strict`)."""
    sets: Mapping[str, StateValue] | None = None
    """The named states that it sets: a rule when it responds, a modifier when it applies."""
    limit: Limit | None = None
    load: Load | None = None
    max_responses: int | None = None
    """How many responses it has, if it has an end (a sequence with `then: error`): after them its requests are
    unmatched. Those set no state, and `EngineState.totals` counts no response for them."""
    needs_counts: bool = True
    """Whether its counts choose a response or belong to a scope of their own, or it has a guard, states, a limit or a
    load. For any other rule, the tries only select its random values."""

    @property
    def is_unconditional(self) -> bool:
        """Whether its match alone decides: without a guard, an error, states, a limit or a load."""
        return self.guard is None and not (self.has_error or self.sets or self.limit or self.load)


class DecisionInputs(Struct, frozen=True):
    """What a decision depends on: the candidates of a request, and more.

    - `rules`: the candidates in order, up to and including the first without a guard
    - `modifiers`: all that matched
    - `fails(validation)`: whether the request fails this validation
    - `has_unknown_model()`: whether the request's model is unknown
    - `compute_cost()`: what the request takes of a limit
    - `scenario_time`: the request's time in seconds on the clock of its scenario (`ScenarioClock`)
    """

    session: str
    seed: int
    rules: Sequence[Candidate]
    modifiers: Sequence[Candidate]
    fails: Callable[[Validation], bool]
    has_unknown_model: Callable[[], bool] = lambda: False
    scenario_time: float = 0.0
    compute_cost: Callable[[], Cost] = lambda: NO_COST
    validation_without_rule: Validation = "strict"
    """The validation where no rule is selected."""
    compute_continuous_batch_work: Callable[[], PromptWork] = lambda: NO_WORK
    """Returns the tokens that a continuous batch has to process for the request."""
    time_scale: float = 1.0
    """The factor on all times of scenarios."""

    def read_all_of_request(self) -> None:
        """Read all that a decision may read of the request: its validity, its cost for limits, its work in a batch. A
        missing object interrupts this."""
        for rule in self.rules:
            self.fails_validation(rule)
        if not self.rules or self.rules[-1].guard is not None:  # it may be that no rule is selected
            self.fails_validation(None)
        if any(modifier.limit is not None and modifier.limit.counts_tokens for modifier in self.modifiers):
            self.compute_cost()
        if any(modifier.load is not None and modifier.load.batch is not None for modifier in self.modifiers):
            self.compute_continuous_batch_work()

    def fails_validation(self, selected_rule: Candidate | None) -> bool:
        """Return whether the rule's validation or its `models: strict` refuses the request. `selected_rule` is None
        where no rule is selected."""
        if selected_rule is None:
            return self.fails(self.validation_without_rule)
        return self.fails(selected_rule.validation) or (
            selected_rule.known_models_only and self.has_unknown_model()
        )


class SelectedCandidate(Struct, frozen=True):
    """A candidate that its guard does not block, with its tries and responses before this request. After the end of a
    sequence, `earlier_responses` also counts the tries that found it ended."""

    candidate: Candidate
    tries: int
    earlier_responses: int


class AdmissionResult(Struct, frozen=True):
    """The admission of a request by limits and loads. `limit_status` is the present state of the limits.

    `refused_by` is the candidate that refused the request, with its `limit_result` (None if it is a load).
    Otherwise the response is delayed for `wait` seconds, and its pace's `slowdown` is multiplied by this one.
    `tokens` is what the request takes of a limit. `continuous_batch_times` has its times in the continuous batch
    of a load.
    """

    limit_status: LimitStatus = LimitStatus()
    wait: float = 0.0
    slowdown: float = 1.0
    refused_by: Candidate | None = None
    limit_result: LimitResult | None = None
    tokens: int = 0
    continuous_batch_times: ContinuousBatchTimes | None = None

    @property
    def changes_pace(self) -> bool:
        """Whether a load changes the waits of the response."""
        return self.slowdown != 1.0 or self.continuous_batch_times is not None


class InFlightSlot(Protocol):
    """A response in flight, as limits (`concurrent`) and loads count it. The slot is released when the
    response has ended, in any way. A second `release` has no effect."""

    def expect_end(self, until: float) -> None:
        """Set the planned end of the response, on the clock of `DecisionInputs.scenario_time`."""

    def release(self) -> None:
        """Release the slot in the limits and loads."""


DecisionOutcome: TypeAlias = Literal["rule", "modifier", "limited", "overloaded", "invalid", "no_rule"]


class Decision(Struct, frozen=True):
    """The selected rule, its modifiers and their counts, or what refuses the request.

    `outcome` is one of these:

    - `rule`: the selected rule responds; if its sequence has ended, the request is unmatched
    - `modifier`: the error of a modifier responds
    - `limited`: the limit of a modifier refuses the request
    - `overloaded`: the load of a modifier refuses it
    - `invalid`: the request fails the validation, or its model is unknown to a rule for known models only
    - `no_rule`: no rule is selected. The dialect itself may still respond; else the request is unmatched

    `blocked_rules` matched, each with the reason that blocked it. `request_number` is that of the request,
    from 0, in the scope of the selected rule; without one, in the global scope. `admission` is set if limits or loads
    apply. `slot` is set if one of them counts responses in flight.
    """

    outcome: DecisionOutcome
    selected_rule: SelectedCandidate | None
    selected_modifiers: Sequence[SelectedCandidate]
    request_number: int
    blocked_rules: Sequence[tuple[Candidate, GuardReason]] = ()
    admission: AdmissionResult | None = None
    slot: InFlightSlot | None = None
    blocked_modifiers: Sequence[tuple[Candidate, GuardReason]] = ()
    """The modifiers that matched and were blocked, each with the reason."""
