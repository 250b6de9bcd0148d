"""Admission of one request by limits and loads together: it is charged to all of them or, if one refuses, to
none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import NamedTuple

from msgspec.structs import replace

from mockllm.core.limits.limit_data import (
    METERED_BOUNDS,
    NO_COST,
    Cost,
    LimitResult,
    LimitStatus,
    combine,
    tightest_by_bound,
)
from mockllm.core.limits.rate_limiter import RateLimiter
from mockllm.core.load.continuous_batch import ContinuousBatchTimes
from mockllm.core.load.load import LoadEffect, load_effect, load_effect_without_wait
from mockllm.core.load.plan_queue import PlanQueue
from mockllm.core.load.running_batch import RunningBatch
from mockllm.core.randomness import Randomness
from mockllm.core.selection.decision import (
    AdmissionResult,
    Candidate,
    DecisionInputs,
    InFlightSlot,
    SelectedCandidate,
)
from mockllm.state.scope_counts import InFlight, ScopeCounts

BatchTimes = Sequence[tuple[RunningBatch, ContinuousBatchTimes]]


class LocalInFlightSlot:
    """The slots of one response in limiters and loads of this process: an `InFlightSlot`
    (`core.selection.decision`)."""

    __slots__ = ("_limiters", "_loads", "_plan_queues")

    def __init__(
        self,
        limiters: Sequence[RateLimiter],
        loads: Sequence[InFlight],
        batches: Sequence[RunningBatch] = (),
        plan_queues: Sequence[PlanQueue] = (),
    ) -> None:
        """Take the slots in the loads, unplanned. `RateLimiter.charge` has taken those in the limiters, and
        `RunningBatch.add` takes those in the batches."""
        self._limiters = limiters
        self._loads: Sequence[InFlight | RunningBatch] = (*loads, *batches)
        for in_flight in loads:
            in_flight.expect_end(self, inf)
        self._plan_queues = plan_queues
        for queue in plan_queues:
            queue.unplanned.add(self)

    def expect_end(self, until: float) -> None:
        self._end_planning()
        for in_flight in self._loads:
            in_flight.expect_end(self, until)

    def release(self) -> None:
        limiters, loads = self._limiters, self._loads
        self._limiters, self._loads = (), ()
        self._end_planning()
        for limiter in limiters:
            limiter.release()
        for in_flight in loads:
            in_flight.end(self)

    def _end_planning(self) -> None:
        queues, self._plan_queues = self._plan_queues, ()
        for queue in queues:
            queue.unplanned.discard(self)


def admit_request(
    selections: Sequence[tuple[SelectedCandidate, ScopeCounts]],
    inputs: DecisionInputs,
    selected_rule: Candidate | None,
) -> tuple[AdmissionResult, InFlightSlot | None]:
    """Return the result of these modifiers' limits and loads; first all limits, then all loads. If they admit the
    request, charge it to the limits and take its slot. A batch does not run a request that its validation refuses."""
    scenario_time = inputs.scenario_time
    with_limit = [(each, counts) for each, counts in selections if each.candidate.limit is not None]
    limiters = [scope_counts.rate_limiter(selected.candidate) for selected, scope_counts in with_limit]
    cost = inputs.compute_cost() if any(limiter.limit.counts_tokens for limiter in limiters) else NO_COST
    costs = [_with_draw(cost, selected, inputs) for selected, _ in with_limit]
    results = [limiter.check(scenario_time, cost) for limiter, cost in zip(limiters, costs, strict=True)]
    candidates = [selected.candidate for selected, _ in with_limit]
    refused, delay = combined_limit_result(
        candidates, results, lambda: [limiter.status(scenario_time) for limiter in limiters], cost
    )
    if refused is not None:
        return refused, None
    with_load = [
        (each.candidate, scope_counts) for each, scope_counts in selections if each.candidate.load is not None
    ]
    effect = _combined_load_effect(with_load, inputs, delay, selected_rule)
    if effect.refused_by is not None:
        return AdmissionResult(_limit_status(limiters, scenario_time), refused_by=effect.refused_by), None
    for limiter, its_cost in zip(limiters, costs, strict=True):
        limiter.charge(scenario_time, its_cost)
    admitted = AdmissionResult(
        _limit_status(limiters, scenario_time), effect.wait, effect.slowdown,
        tokens=cost.tokens, continuous_batch_times=effect.continuous_batch_times,
    )  # fmt: skip
    concurrent = [limiter for limiter in limiters if limiter.limit.concurrent is not None]
    if not (concurrent or with_load):
        return admitted, None
    return admitted, _take_slot(concurrent, with_load, effect.batch_times, inputs)


def _take_slot(
    concurrent: Sequence[RateLimiter],
    with_load: Sequence[tuple[Candidate, ScopeCounts]],
    batch_times: BatchTimes,
    inputs: DecisionInputs,
) -> InFlightSlot:
    batches = [batch for batch, _ in batch_times]
    slot = LocalInFlightSlot(concurrent, _in_flight(with_load), batches, _plan_queues(with_load))
    for batch, times in batch_times:
        batch.add(slot, times, inputs.compute_continuous_batch_work(), inputs.scenario_time)
    return slot


def _in_flight(with_load: Sequence[tuple[Candidate, ScopeCounts]]) -> Sequence[InFlight]:
    """Return the responses in flight of the loads without a batch."""
    return [
        scope_counts.in_flight(each.key)
        for each, scope_counts in with_load
        if each.load and not each.load.batch
    ]


def _plan_queues(with_load: Sequence[tuple[Candidate, ScopeCounts]]) -> Sequence[PlanQueue]:
    return [scope_counts.plan_queue(each.key) for each, scope_counts in with_load]


class CombinedLoadEffect(NamedTuple):
    """The effect of all loads together on a request: its wait, the factor of its planned waits, and its times
    in their batches. The first batch sets its times. `refused_by` is the candidate whose load refuses the request."""

    wait: float
    slowdown: float = 1.0
    batch_times: BatchTimes = ()
    refused_by: Candidate | None = None

    @property
    def continuous_batch_times(self) -> ContinuousBatchTimes | None:
        return self.batch_times[0][1] if self.batch_times else None


def _combined_load_effect(
    with_load: Sequence[tuple[Candidate, ScopeCounts]],
    inputs: DecisionInputs,
    delay: float,
    selected_rule: Candidate | None,
) -> CombinedLoadEffect:
    """Return the effect of these loads on a request after a delay in seconds. Nothing is taken."""
    wait, slowdown = delay, 1.0
    batch_times: list[tuple[RunningBatch, ContinuousBatchTimes]] = []
    for candidate, scope_counts in with_load:
        if candidate.load is not None and candidate.load.batch is not None:
            batch = scope_counts.batch(candidate)
            times = batch.schedule(inputs.compute_continuous_batch_work(), inputs.scenario_time, delay)
            if times is None:
                return CombinedLoadEffect(wait, refused_by=candidate)
            wait = max(wait, times.wait)
            batch_times.append((batch, times))
            continue
        effect = _load_effect(candidate, scope_counts, inputs.scenario_time, delay)
        if effect is None:
            return CombinedLoadEffect(wait, refused_by=candidate)
        wait = max(wait, delay + effect.wait)
        slowdown *= effect.slowdown
    if batch_times and inputs.fails_validation(selected_rule):
        batch_times = []  # no batch runs it
    return CombinedLoadEffect(wait, slowdown, batch_times)


def combined_limit_result(
    candidates: Sequence[Candidate],
    results: Sequence[LimitResult],
    statuses: Callable[[], Sequence[LimitStatus]],
    cost: Cost,
) -> tuple[AdmissionResult | None, float]:
    """Return the result of a limit that refuses the request, None if all allow it; and the delay."""
    result = combine(results)
    if result.allowed:
        return None, result.delay
    index = results.index(result)
    found = statuses()
    refusing, overall = found[index], tightest_by_bound(found)
    limit_status = LimitStatus(
        *[refusing.bound_status(bound) or overall.bound_status(bound) for bound in METERED_BOUNDS]
    )
    limit, by = candidates[index].limit, result.bound
    tokens = (
        cost.amount_of(by, limit)
        if limit and (by == "input_tokens" or by == "output_tokens")
        else cost.tokens
    )
    return AdmissionResult(
        limit_status, refused_by=candidates[index], limit_result=result, tokens=tokens
    ), 0.0


def uncharged_admission(
    selections: Sequence[tuple[SelectedCandidate, ScopeCounts]], scenario_time: float
) -> AdmissionResult:
    """Return the current limit status, without charging any limit."""
    limiters = [
        scope_counts.rate_limiter(selected.candidate)
        for selected, scope_counts in selections
        if selected.candidate.limit is not None
    ]
    return AdmissionResult(_limit_status(limiters, scenario_time))


def _with_draw(cost: Cost, selected: SelectedCandidate, inputs: DecisionInputs) -> Cost:
    """Return the cost with the draw for the strategy `random`."""
    candidate = selected.candidate
    if candidate.limit is None or candidate.limit.strategy != "random":
        return cost
    random = Randomness(inputs.seed, candidate.random_key, candidate.scope, selected.tries)
    return replace(cost, draw=random.uniform("limit"))


def _limit_status(limiters: Sequence[RateLimiter], scenario_time: float) -> LimitStatus:
    return tightest_by_bound([limiter.status(scenario_time) for limiter in limiters])


def _load_effect(
    candidate: Candidate, scope_counts: ScopeCounts, scenario_time: float, delay: float
) -> LoadEffect | None:
    """Return the effect of a load on a request after a delay in seconds. None if it refuses the request; also where
    that would wait for a response without an end."""
    load, in_flight = candidate.load, scope_counts.in_flight(candidate.key)
    assert load is not None
    effect = None if delay else load_effect_without_wait(load, len(in_flight))
    if effect is None:
        begin = scenario_time + delay
        left = [end for end in in_flight.ends if not delay or end > begin]  # by their plans, after the delay
        effect = load_effect(load, left, begin)
    return None if effect is None or effect.wait == inf else effect


def needs_unknown_end(candidate: Candidate, scope_counts: ScopeCounts) -> bool:
    """Return whether the effect of a load on a request may depend on the end of a response without a plan."""
    load = candidate.load
    if load is None or not scope_counts.plan_queue(candidate.key).unplanned:
        return False
    if load.batch is not None:
        return True
    is_full = (
        load.max_inflight is not None and len(scope_counts.in_flight(candidate.key)) >= load.max_inflight
    )
    return is_full and load.queue > 0
