"""The script in the store decides as the counters in memory do, for any rules and any order of requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from math import inf
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mockllm.core.limits.limit_data import Cost, Limit
from mockllm.core.load.load import Load
from mockllm.core.selection.decision import Candidate, Decision, DecisionInputs
from mockllm.core.selection.guards import Guard, TimeWindow
from mockllm.state.engine_state import EngineState
from mockllm.store.script_arguments import MANY_DRAWS, CandidateEncoder, ScriptArguments
from mockllm.store.script_result import MissingDraws, ScriptResult, lacks_number, read_result, read_results
from mockllm.store.store_scripts import StoreScripts
from tests.examples import examples
from tests.store.redis_server import redis_server

SCRIPTS = StoreScripts()
START = 1_000_000.0
"""The time of the first request, in seconds."""


class NoSlot:
    def expect_end(self, until: float) -> None: ...

    def release(self) -> None: ...


@pytest.fixture(scope="module")
def client() -> Iterator[redis.Redis]:
    with redis_server() as server, redis.Redis(unix_socket_path=str(server.socket)) as connected:
        yield connected


class StoreCounters:
    """Decides in the store, as one process does."""

    def __init__(self, client: redis.Redis) -> None:
        client.flushall()
        self._client = client
        client.function_load(SCRIPTS.library, replace=True)
        self._encoder = CandidateEncoder()
        self._numbers = count()
        self._ids = count()

    def decide(self, together: Sequence[DecisionInputs]) -> list[tuple[DecisionInputs, Decision]]:
        """Decide requests of one session at one time in one call. Return the decisions in the order in which they
        were made: a request whose draws are missing is decided in a later call."""
        open_ = [(inputs, [0] * (len(inputs.modifiers) + len(inputs.rules))) for inputs in together]
        draws, decided = 2, []
        for _ in range(10):
            request = self.request(together[0].session)
            for inputs, tries in open_:
                request.add(inputs, f"{next(self._ids)}", tries, draws=draws)
            results = self.run(request, round(together[0].scenario_time * together[0].time_scale * 1_000_000))
            waiting = []
            for (inputs, tries), result in zip(open_, results, strict=True):
                read = self.read(result, inputs)
                if isinstance(read, Decision):
                    decided.append((inputs, read))
                else:
                    waiting.append((inputs, [*read, *tries[len(read) :]]))
            if not waiting:
                return decided
            open_, draws = waiting, MANY_DRAWS
        raise AssertionError("the draws never fit")

    def request(self, session: str, id: str | None = None) -> ScriptArguments:
        return ScriptArguments(self._encoder, session, f"{next(self._ids)}" if id is None else id)

    def read(self, result: ScriptResult, inputs: DecisionInputs) -> Decision | list[int]:
        """Return the decision, or the tries whose draws are missing."""
        read = read_result(
            result,
            inputs,
            next(self._numbers) if lacks_number(result, inputs) else None,
            lambda _, __: NoSlot(),
        )
        return list(read.tries) if isinstance(read, MissingDraws) else read.decision

    def run(self, request: ScriptArguments, now: int = 0) -> Sequence[ScriptResult]:
        return read_results(self._call(request.keys, request.payload(now)))

    def _call(self, keys: Sequence[bytes], payload: bytes) -> Any:
        return self._client.fcall(SCRIPTS.function("decide"), len(keys), *keys, payload)


class ScriptCounters(StoreCounters):
    """The same on a server without functions."""

    def __init__(self, client: redis.Redis) -> None:
        super().__init__(client)
        self._script = client.register_script(SCRIPTS.script("decide"))

    def _call(self, keys: Sequence[bytes], payload: bytes) -> Any:
        return self._script(keys=list(keys), args=[payload])


scopes = st.sampled_from(["", "api_key:1", "api_key:2"])
states = st.dictionaries(
    st.sampled_from(["a", "b"]), st.sampled_from([None, True, 1, 1.0, "1", 0.5]), min_size=1, max_size=2
)
windows = st.builds(
    TimeWindow,
    st.sampled_from([0.0, 1.0]),
    st.sampled_from([inf, 2.0, 3.5]),
    st.sampled_from([None, 4.0]),
)
guards = st.builds(
    Guard,
    chance=st.sampled_from([None, 0.0, 0.4, 1.0]),
    times=st.sampled_from([None, 0, 1, 3]),
    skip=st.sampled_from([0, 1]),
    every=st.sampled_from([1, 2]),
    during=st.one_of(st.none(), windows),
    requires=st.one_of(st.none(), states),
)
sizes = st.one_of(st.none(), st.integers(0, 3))
limits = st.builds(
    Limit,
    st.sampled_from(
        [
            "none",
            "fixed-window",
            "sliding-window",
            "token-bucket",
            "leaky-bucket",
            "after-n",
            "random",
            "always",
        ]
    ),
    requests=sizes,
    tokens=st.one_of(st.none(), st.integers(0, 12)),
    input_tokens=st.one_of(st.none(), st.integers(0, 9)),
    output_tokens=st.one_of(st.none(), st.integers(0, 6)),
    concurrent=sizes,
    window=st.sampled_from([0.5, 2.0]),
    burst=sizes,
    queue=sizes,
    probability=st.sampled_from([0.0, 0.5]),
)
loads = st.builds(Load, concurrency=st.sampled_from([None, 1]), max_inflight=st.sampled_from([None, 2]))


def candidates(**more: st.SearchStrategy[Any]) -> st.SearchStrategy[Candidate]:
    return st.builds(
        Candidate,
        item_index=st.just(0),
        key=st.just(""),
        random_key=st.just(""),
        scope=scopes,
        guard=st.one_of(st.none(), guards),
        validation=st.sampled_from(["strict", "off"]),
        sets=st.one_of(st.none(), states),
        **more,
    )


modifiers = st.lists(
    candidates(
        has_error=st.sampled_from([False, False, True]),
        limit=st.one_of(st.none(), limits),
        load=st.one_of(st.none(), st.none(), loads),
    ),
    max_size=3,
)
rules = st.lists(candidates(max_responses=st.sampled_from([None, 2])), max_size=3)
requests = st.lists(
    st.tuples(
        st.integers(0, 7), st.integers(0, 7), st.sampled_from(["", "one"]), st.integers(0, 5), st.booleans(),
        st.sampled_from([0, 0, 250, 999, 1100]), st.booleans(),
    ),
    min_size=1, max_size=25,
)  # fmt: skip


def named(found: Sequence[Candidate], kind: str) -> list[Candidate]:
    return [
        replace(each, key=f"{kind}{number}", random_key=f"{kind}{number}")
        for number, each in enumerate(found)
    ]


def chosen(found: Sequence[Candidate], mask: int) -> list[Candidate]:
    return [each for number, each in enumerate(found) if mask >> number & 1]


def reached(found: Sequence[Candidate]) -> list[Candidate]:
    """The rules up to the first without a guard, as the engine passes them on."""
    free = next((number for number, each in enumerate(found) if each.guard is None), len(found))
    return list(found[: free + 1])


def comparable(decision: Decision) -> Decision:
    return replace(
        decision,
        slot=None,
        selected_modifiers=list(decision.selected_modifiers),
        blocked_rules=list(decision.blocked_rules),
        blocked_modifiers=list(decision.blocked_modifiers),
    )


@pytest.mark.parametrize("kind", [StoreCounters, ScriptCounters])
@settings(
    max_examples=examples(500),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(modifiers=modifiers, rules=rules, requests=requests)
def test_script_decides_as_counters_in_memory(
    client: redis.Redis,
    kind: type[StoreCounters],
    modifiers: list[Candidate],
    rules: list[Candidate],
    requests: list[Any],
) -> None:
    memory, store = EngineState(), kind(client)
    limited, listed = named(modifiers, "m"), named(rules, "r")
    now = START
    calls: list[list[DecisionInputs]] = []
    for some, others, session, tokens, invalid, passed, joined in requests:
        joins = joined and bool(calls)
        now += 0 if joins else passed / 1000
        inputs = DecisionInputs(
            calls[-1][0].session if joins else session, 7, reached(chosen(listed, others)), chosen(limited, some),
            refusing(invalid), scenario_time=now, compute_cost=partial(Cost, tokens, 0.0, tokens // 3),
        )  # fmt: skip
        if joins:
            calls[-1].append(inputs)
        else:
            calls.append([inputs])
    for together in calls:
        for inputs, decision in store.decide(together):
            assert comparable(decision) == comparable(memory.decide(inputs))


def refusing(invalid: bool) -> Callable[[Any], bool]:
    return lambda validation: invalid and validation == "strict"


RULE = Candidate(0, "r", "r", "", None)
ONE = DecisionInputs("one", 7, (RULE,), (), refusing(invalid=False), scenario_time=START)


def tries_of(store: StoreCounters, id: str, *places: int) -> list[int | None]:
    """Call with requests at these places of a call. Return the tries that each result has found; None for a place
    without a result."""
    request = store.request("one", id)
    for place in places:
        request.add(ONE, "", (0,), index_in_call=place)
    return [result[5][0][1] if result else None for result in store.run(request)]


def test_repeated_request_counts_once(client: redis.Redis) -> None:
    store = StoreCounters(client)
    assert [tries_of(store, id, 1) for id in ("a", "a", "b", "b", "a", "c")] == [[0], [0], [1], [1], [0], [2]]


def test_results_are_stored_as_long_as_requests_may_be_repeated(client: redis.Redis) -> None:
    store = StoreCounters(client)
    request = ScriptArguments(CandidateEncoder(), "one", "a", remembered=500.0)
    request.add(ONE, "", (0,))
    store.run(request)
    assert client.ttl(request.keys[-1]) > 490


def test_call_that_comes_after_its_repetition_counts_once(client: redis.Redis) -> None:
    store = StoreCounters(client)
    assert tries_of(store, "a", 2) == [None, 0]
    assert tries_of(store, "a", 1, 2, 3) == [1, 0, 2]
    assert tries_of(store, "a", 1) == [1, 0, 2]
    assert tries_of(store, "b", 1) == [3]


def test_request_without_its_draws_is_decided_when_it_has_them(client: redis.Redis) -> None:
    store = StoreCounters(client)
    rule = replace(RULE, guard=Guard(chance=0.5))
    inputs = replace(ONE, rules=(rule,))

    def outcomes(tries: int) -> list[str]:
        request = store.request("one", "a")
        request.add(inputs, "", (tries,), draws=1)
        request.add(ONE, "", (0,))
        return [result[0] for result in store.run(request)]

    assert outcomes(5) == ["draws", "rule"]
    assert outcomes(1)[0] in ("rule", "no_rule"), "the other request was the first try"
    assert tries_of(store, "b", 1) == [2]


@pytest.mark.parametrize("tokens", [1 << 53, 1 << 63, (1 << 64) + 8])
def test_request_of_more_tokens_than_fit_in_a_number_is_refused(client: redis.Redis, tokens: int) -> None:
    limit = replace(RULE, key="m", limit=Limit("token-bucket", tokens=1_000))
    inputs = replace(ONE, modifiers=(limit,), compute_cost=partial(Cost, tokens, 0.0, tokens))
    memory, store = EngineState(), StoreCounters(client)
    for request in (inputs, replace(inputs, compute_cost=partial(Cost, 10, 0.0, 10)), inputs):
        ((_, decision),) = store.decide([request])
        expected = memory.decide(request)
        assert decision.outcome == expected.outcome
        assert decision.admission is not None
        assert expected.admission is not None
        assert decision.admission.limit_status == expected.admission.limit_status


def test_input_counts_beside_a_huge_output(client: redis.Redis) -> None:
    """What a request takes of a limit on its input does not depend on its `max_tokens`."""
    limit = Limit("sliding-window", input_tokens=100, output_tokens=1_000)
    output = (1 << 53) + 1
    inputs = replace(
        ONE,
        modifiers=(replace(RULE, key="m", limit=limit),),
        compute_cost=partial(Cost, output + 8, 0.0, output),
    )
    ((_, decision),) = StoreCounters(client).decide([inputs])
    expected = EngineState().decide(inputs)
    assert decision.admission is not None
    assert expected.admission is not None
    assert decision.admission.limit_status == expected.admission.limit_status


def test_sliding_window_is_empty_when_its_log_has_expired(client: redis.Redis) -> None:
    """The store removes the log of a limit that was not used for longer than its window."""
    modifier = replace(RULE, key="m", limit=Limit("sliding-window", requests=2, tokens=50, window=1.0))
    memory, store = EngineState(), StoreCounters(client)
    early = replace(ONE, modifiers=(modifier,), compute_cost=partial(Cost, 10))
    late = replace(early, scenario_time=START + 5.0)
    for inputs in (early, late, late, late):
        ((_, decision),) = store.decide([inputs])
        expected = memory.decide(inputs)
        assert decision.outcome == expected.outcome
        assert decision.admission is not None
        assert expected.admission is not None
        assert decision.admission.limit_status == expected.admission.limit_status
        if inputs is early:
            client.delete(*client.scan_iter(_type="list"))


def test_log_that_outlives_its_session_counts_no_more(client: redis.Redis) -> None:
    modifier = replace(RULE, key="m", limit=Limit("sliding-window", requests=2, window=100.0))
    limited, store = replace(ONE, modifiers=(modifier,)), StoreCounters(client)

    def outcomes(later: float) -> list[str]:
        inputs = replace(limited, scenario_time=START + later)
        return [decision.outcome for _, decision in store.decide([inputs] * 3)]

    assert outcomes(0.0) == ["rule", "rule", "limited"]
    client.delete(*client.scan_iter(_type="hash"), *client.scan_iter(_type="set"))
    assert outcomes(50.0) == ["rule", "rule", "limited"]
    assert outcomes(101.0) == ["limited"] * 3


def test_call_with_more_fields_than_a_command_takes(client: redis.Redis) -> None:
    store = StoreCounters(client)
    rules = tuple(
        replace(RULE, key=f"r{number}", guard=Guard(times=0), sets={"a": number}) for number in range(5_000)
    )
    request = store.request("one")
    request.add(replace(ONE, rules=rules), "", [0] * len(rules))
    (result,) = store.run(request)
    assert (result[0], len(result[5])) == ("no_rule", len(rules))


@pytest.mark.parametrize("first", ["counted", "passing"])
def test_load_counts_only_some_requests_of_a_modifier(client: redis.Redis, first: str) -> None:
    modifier = replace(RULE, key="m", load=Load(max_inflight=1))
    counted = replace(ONE, modifiers=(modifier,))
    passing = replace(ONE, modifiers=(replace(modifier, load=None),))
    order = (counted, passing, counted) if first == "counted" else (passing, counted, counted)
    store = StoreCounters(client)
    outcomes = [decision.outcome for inputs in order for _, decision in store.decide([inputs])]
    assert outcomes == ["rule", "rule", "overloaded"]
