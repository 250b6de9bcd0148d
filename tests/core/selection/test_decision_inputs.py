"""What a decision computes of its request on demand, and what is computed before another process decides."""

from __future__ import annotations

import pytest

from mockllm.core.limits.limit_data import NO_COST, Cost, Limit
from mockllm.core.load.continuous_batch import NO_WORK, BatchCapacity, PromptWork
from mockllm.core.load.load import Load
from mockllm.core.selection.decision import Candidate, DecisionInputs, Validation
from mockllm.core.selection.guards import Guard


def rule(guard: Guard | None = None, validation: Validation = "strict") -> Candidate:
    return Candidate(0, "rule", "rule", "", guard, validation)


def modifier(limit: Limit | None = None, load: Load | None = None) -> Candidate:
    return Candidate(1, "modifier", "modifier", "", None, limit=limit, load=load)


@pytest.mark.parametrize(
    ("rules", "modifiers", "computed"),
    [
        ([rule()], [], ["strict"]),
        ([rule(validation="off")], [], ["off"]),
        ([rule(Guard(), "off"), rule(Guard(), "lenient")], [], ["off", "lenient", "strict"]),
        ([], [], ["strict"]),
        ([rule()], [modifier(Limit("fixed-window", requests=1))], ["strict"]),
        ([rule()], [modifier(Limit("fixed-window", tokens=1))], ["strict", "cost"]),
        ([rule()], [modifier(load=Load(concurrency=1))], ["strict"]),
        ([rule()], [modifier(load=Load(batch=BatchCapacity()))], ["strict", "work"]),
    ],
)
def test_all_that_a_decision_may_need_is_computed(
    rules: list[Candidate], modifiers: list[Candidate], computed: list[str]
) -> None:
    seen: list[str] = []

    def fails(validation: Validation) -> bool:
        seen.append(validation)
        return False

    def cost() -> Cost:
        seen.append("cost")
        return NO_COST

    def work() -> PromptWork:
        seen.append("work")
        return NO_WORK

    DecisionInputs(
        "", 0, rules, modifiers, fails, compute_cost=cost, compute_continuous_batch_work=work
    ).read_all_of_request()
    assert seen == computed
