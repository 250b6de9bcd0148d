"""The search: its order, what it leaves out, and its pairs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from mockllm.core.hunting.disturbance import Schedule
from mockllm.core.hunting.disturbance_types import DISTURBANCES
from mockllm.core.hunting.judgement import BrokenRule, Judgement, Policy
from mockllm.core.hunting.outcome import RunOutcome
from mockllm.core.hunting.search import HuntSearch, targets
from tests.core.hunting.runs import BASE, REQUESTED

HELD = Judgement("held")
FAILED = Judgement("failed", BrokenRule("same_result", "x"))


def exhausted(search: HuntSearch, results: dict[str, Judgement] | None = None, **more: Any) -> list[Any]:
    """All schedules with their phases; a run of a kind has the judgement of that kind, else it holds."""
    found = []
    while taken := search.take():
        phase, schedule = taken
        found.append((phase, schedule))
        judgement = next((results[each.kind] for each in schedule if results and each.kind in results), HELD)
        search.record(schedule, judgement, outcome(schedule, **more))
    return found


def outcome(schedule: Schedule, *, retried: bool = False) -> RunOutcome:
    extra = (replace(REQUESTED, status=500),) if retried else ()
    return replace(BASE, stdout=schedule[0].kind, exchanges=(*BASE.exchanges, *extra))


def test_search_tries_variations_then_faults_then_pairs() -> None:
    search = HuntSearch(BASE, Policy())
    phases = [phase for phase, _ in exhausted(search)]
    assert len(phases) > 50
    assert list(dict.fromkeys(phases)) == ["variations", "faults", "pairs"]
    assert search.take() is None


def test_search_waits_for_open_runs_before_pairs() -> None:
    search = HuntSearch(BASE, Policy())
    taken = []
    while (one := search.take()) is not None:
        taken.append(one[1])
    for schedule in taken:
        search.record(schedule, HELD, BASE)
    pair = search.take()
    assert pair is not None
    assert pair[0] == "pairs"


def test_search_leaves_out_what_does_not_fit() -> None:
    whole = replace(BASE, exchanges=(replace(REQUESTED, stream=False),))
    kinds = {schedule[0].kind for _, schedule in exhausted(HuntSearch(whole, Policy()))}
    assert "crlf" not in kinds
    assert "bad_arguments" not in kinds
    calls = replace(BASE, exchanges=(replace(REQUESTED, calls=2),))
    kinds = {schedule[0].kind for _, schedule in exhausted(HuntSearch(calls, Policy()))}
    assert {"bad_arguments", "interleaved_calls"} <= kinds


def test_search_ignores_what_the_user_ignores() -> None:
    search = HuntSearch(BASE, Policy(expectations={"crlf": "ignore", "cut": "same"}))
    found = exhausted(search)
    assert all(schedule[0].kind != "crlf" for _, schedule in found)
    assert ("variations", "cut") in [(phase, schedule[0].kind) for phase, schedule in found]


def test_search_tries_no_more_of_a_finding() -> None:
    found = exhausted(HuntSearch(BASE, Policy()), {"reset": FAILED, "crlf": Judgement("no effect")})
    assert sum(each.kind == "reset" for _, schedule in found for each in schedule) == 1
    assert sum(each.kind == "crlf" for _, schedule in found for each in schedule) == 1


def test_search_tries_no_pair_of_a_failed_pair() -> None:
    search = HuntSearch(BASE, Policy())
    kinds: list[tuple[str, ...]] = []
    while taken := search.take():
        schedule = taken[1]
        judgement = FAILED if len(schedule) == 2 else HELD
        if len(schedule) == 2:
            kinds.append(tuple(sorted(each.kind for each in schedule)))
        search.record(schedule, judgement, outcome(schedule))
    assert len(kinds) == len(set(kinds))


def test_pairs_on_one_request_are_of_a_client_that_retries() -> None:
    def refused(found: list[Any]) -> list[Schedule]:
        refusing = ("rate_limit", "overloaded", "server_error", "no_response")
        return [
            schedule
            for phase, schedule in found
            if phase == "pairs" and all(each.kind in refusing for each in schedule)
        ]

    assert refused(exhausted(HuntSearch(BASE, Policy()))) == []
    pairs = refused(exhausted(HuntSearch(BASE, Policy()), retried=True))
    assert pairs
    assert all(other.skip > one.skip for one, other in pairs)


SEARCHED = """
from tests.core.hunting.test_search import BASE, HuntSearch, Policy, exhausted
print(exhausted(HuntSearch(BASE, Policy()), retried=True))
"""


def test_search_is_the_same_in_each_process() -> None:
    """Python hashes texts with another seed in each process, so that sets have other orders."""
    root = Path(__file__).parents[3]
    orders = {
        subprocess.run(
            [sys.executable, "-c", SEARCHED],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=root,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(orders) == 1
    assert b"pairs" in orders.pop()


def test_pairs_of_variations_are_of_two_families() -> None:
    for phase, schedule in exhausted(HuntSearch(BASE, Policy())):
        rows = [DISTURBANCES[each.kind] for each in schedule]
        if phase == "pairs" and all(row.variation for row in rows):
            assert rows[0].family != rows[1].family


def test_pairs_on_two_requests_are_of_a_client_that_retries() -> None:
    two = replace(BASE, exchanges=(REQUESTED, replace(REQUESTED, turn=2)))
    pairs = [schedule for phase, schedule in exhausted(HuntSearch(two, Policy())) if phase == "pairs"]
    faults = [pair for pair in pairs if not any(DISTURBANCES[each.kind].variation for each in pair)]
    assert all(one.skip >= other.skip for one, other in faults)


def test_search_is_the_same_for_the_same_seed() -> None:
    one, other = (exhausted(HuntSearch(BASE, Policy(), seed=3)) for _ in range(2))
    assert one == other
    assert one != exhausted(HuntSearch(BASE, Policy(), seed=4))


def test_targets_of_several_calls_are_matched() -> None:
    claude = replace(REQUESTED, provider="anthropic", api="messages")
    bare = replace(REQUESTED, provider=None, api=None)
    found = targets(replace(BASE, exchanges=(REQUESTED, claude, REQUESTED, bare)))
    assert [(dict(each.match), each.skip) for each in found] == [
        ({"provider": "openai", "api": "chat"}, 0),
        ({"provider": "anthropic", "api": "messages"}, 0),
        ({"provider": "openai", "api": "chat"}, 1),
        ({}, 0),
    ]


def test_targets_of_many_requests_are_a_few() -> None:
    found = targets(replace(BASE, exchanges=(REQUESTED,) * 50))
    assert [each.skip for each in found] == [0, 10, 20, 29, 39, 49]


def test_rows_of_pairs_take_turns() -> None:
    search = HuntSearch(BASE, Policy())
    pairs = []
    while taken := search.take():
        phase, schedule = taken
        found = outcome(schedule)
        if schedule[0].kind == "silence":  # what it shows, nothing else does
            found = replace(found, code=3, stderr="the provider is silent")
        pairs += [schedule] if phase == "pairs" else []
        search.record(schedule, HELD, found)
    first = [each.kind for pair in pairs[:20] for each in pair]
    assert 0 < first.count("silence") < 10
    assert len(set(first)) > 10
