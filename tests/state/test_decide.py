"""Previews: the decision on the next request, which changes nothing of the counters."""

from __future__ import annotations

import pickle
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.limits.limit_data import Cost, Limit
from mockllm.core.load.continuous_batch import BatchCapacity, KvCache, PromptWork
from mockllm.core.load.load import Load
from mockllm.core.selection.decision import Candidate, DecisionInputs, InFlightSlot
from mockllm.core.selection.guards import Guard, TimeWindow
from mockllm.state.counters import Counters
from mockllm.state.decide import decide
from mockllm.state.scope_memory_bound import ScopeMemoryBound

RULE = Candidate(0, "r", "r", "", None)
BATCH = BatchCapacity(slots=1, queue=9, prefill_rate=10.0, itl=((1, 1.0),), kv_cache=KvCache(64))
WORK = PromptWork(48, 1, ((b"first", 16), (b"second", 32)))


def modifier(key: str, **more: Any) -> Candidate:
    return Candidate(1, key, key, more.pop("scope", ""), more.pop("guard", None), **more)


def decision_inputs(scope: str = "", *modifiers: Candidate, now: float = 0.0) -> DecisionInputs:
    rules = [replace(RULE, scope=scope)]
    return DecisionInputs(
        "",
        0,
        rules,
        modifiers,
        lambda validation: False,
        scenario_time=now,
        compute_cost=lambda: Cost(3),
        compute_continuous_batch_work=lambda: WORK,
    )


def next_counts(counters: Counters, *scopes: str) -> list[int]:
    """Return the responses of the rule so far in each scope."""
    responses = []
    for scope in scopes:
        selected = decide(counters, decision_inputs(scope)).selected_rule
        assert selected is not None
        responses.append(selected.earlier_responses)
    return responses


def preview(counters: Counters, *scopes: str) -> None:
    for scope in scopes:
        decide(counters, decision_inputs(scope), count=False)


def test_preview_of_new_scopes_removes_no_scope() -> None:
    counters = Counters(capacity=4)
    for _ in range(3):
        next_counts(counters, "a", "b")
    preview(counters, *"cdefgh")
    assert next_counts(counters, "a", "b") == [3, 3]


def test_preview_of_scope_does_not_count_as_its_use() -> None:
    previewed, other = Counters(capacity=4), Counters(capacity=4)
    for counters in (previewed, other):
        next_counts(counters, *"ab")
    next_counts(previewed, "c")
    next_counts(other, "c")
    preview(previewed, "a")
    for counters in (previewed, other):
        next_counts(counters, *"cde")
    assert next_counts(previewed, "a") == next_counts(other, "a") == [0]


EVERYTHING = [
    modifier("guarded", guard=Guard(times=9, during=TimeWindow(0.0, 90.0)), sets={"a": 1}),
    modifier("requiring", guard=Guard(requires={"a": 1}), scope="tenant"),
    modifier("limited", limit=Limit("sliding-window", requests=9, tokens=99, window=1.0, concurrent=9)),
    modifier("load", load=Load(concurrency=1, max_inflight=9, queue=9)),
    modifier("batch", load=Load(batch=BATCH)),
]
WITH_ERROR = [*EVERYTHING, modifier("error", has_error=True)]


@pytest.mark.parametrize("modifiers", [EVERYTHING, WITH_ERROR], ids=["admitted", "error"])
@pytest.mark.parametrize("requests", [0, 1, 3])
def test_preview_leaves_counters_as_they_are(requests: int, modifiers: list[Candidate]) -> None:
    counters = Counters()
    for earlier in range(requests):
        decide(counters, decision_inputs("user", *EVERYTHING, now=float(earlier)))
        counters.count_in_global_scope(("limited", "load"))
    before = pickle.dumps(counters)
    for now in (1.0, 500.0):  # everything has ended by 500
        decide(counters, decision_inputs("user", *modifiers, now=now), count=False)
        decide(counters, decision_inputs("other", *modifiers, now=now), count=False)
    assert pickle.dumps(counters) == before


def test_preview_adds_nothing_to_the_memory_of_all_scopes() -> None:
    memory_bound = ScopeMemoryBound()
    counters = Counters(memory_bound=memory_bound)
    counters.count_in_global_scope(("r",))
    preview(counters, "", "a")
    assert memory_bound.used == 0, "no request has added the size of the global scope yet"
    decide(counters, decision_inputs())
    assert memory_bound.used == sum(each.size for each in counters.scopes())


@pytest.mark.parametrize("seed", range(5))
def test_preview_is_decision_on_next_request_but_for_slot(seed: int) -> None:
    random, counters, now = Random(seed), Counters(), 0.0
    slots: list[InFlightSlot] = []
    for _ in range(200):
        now += random.choice((0.0, 0.4, 3.0))
        modifiers = [each for each in WITH_ERROR if random.random() < 0.6]
        inputs = decision_inputs(random.choice("abcdefgh"), *modifiers, now=now)
        seen = decide(counters, inputs, count=False)
        decision = decide(counters, inputs)
        assert seen == replace(decision, slot=None)
        if decision.slot is not None:
            slots.append(decision.slot)
        if slots and random.random() < 0.5:
            slots.pop(0).release()
        if random.random() < 0.3:
            counters.count_in_global_scope(("limited", "load"))
