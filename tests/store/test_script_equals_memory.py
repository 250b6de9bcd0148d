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

from mockllm.core.limits.limit import Cost, Limit
from mockllm.core.load.load import Load
from mockllm.core.selection.decision import Candidate, Decision, MatchResult
from mockllm.core.selection.guards import Guard, TimeWindow
from mockllm.state.sessions import Sessions
from mockllm.store.script_request import MANY_DRAWS, ScriptRequest, ScriptRequestWriter
from mockllm.store.script_result import MissingDraws, read_result
from mockllm.store.store_link import DecisionScript
from tests.examples import examples
from tests.store.redis_server import redis_server

SCRIPT = DecisionScript()
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
        client.function_load(SCRIPT.library, replace=True)
        self._writer = ScriptRequestWriter()
        self._numbers = count()
        self._ids = count()

    def decide(self, matched: MatchResult) -> Decision:
        tries: Sequence[int] = [0] * (len(matched.modifiers) + len(matched.rules))
        draws = 2
        for _ in range(10):
            sent = self._writer.write(
                matched, f"{next(self._ids)}", tries, draws=draws, now=round(matched.monotonic * 1_000_000)
            )
            data: Any = self._run(sent)
            result = read_result(data, matched, lambda: next(self._numbers), lambda _, __: NoSlot())
            if not isinstance(result, MissingDraws):
                return result.decision
            tries = [*result.tries, *[0] * (len(matched.modifiers) + len(matched.rules) - len(result.tries))]
            draws = MANY_DRAWS
        raise AssertionError("the draws never fit")

    def _run(self, sent: ScriptRequest) -> Any:
        return self._client.fcall(SCRIPT.name, len(sent.keys), *sent.keys, sent.payload)


class ScriptCounters(StoreCounters):
    """The same on a server without functions."""

    def __init__(self, client: redis.Redis) -> None:
        super().__init__(client)
        self._script = client.register_script(SCRIPT.script)

    def _run(self, sent: ScriptRequest) -> Any:
        return self._script(keys=list(sent.keys), args=[sent.payload])


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
        item_number=st.just(0),
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
        error=st.sampled_from([False, False, True]),
        limit=st.one_of(st.none(), limits),
        load=st.one_of(st.none(), st.none(), loads),
    ),
    max_size=3,
)
rules = st.lists(candidates(responses_until_error=st.sampled_from([None, 2])), max_size=3)
requests = st.lists(
    st.tuples(
        st.integers(0, 7), st.integers(0, 7), st.sampled_from(["", "one"]), st.integers(0, 5), st.booleans(),
        st.sampled_from([0, 0, 250, 999, 1100]),
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
        modifiers=list(decision.modifiers),
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
    memory, store = Sessions(), kind(client)
    limited, listed = named(modifiers, "m"), named(rules, "r")
    now = START
    for some, others, session, tokens, invalid, passed in requests:
        now += passed / 1000
        matched = MatchResult(
            session, 7, reached(chosen(listed, others)), chosen(limited, some), refusing(invalid), monotonic=now,
            cost=partial(Cost, tokens, 0.0, tokens // 3),
        )  # fmt: skip
        expected = comparable(memory.decide(matched))
        assert comparable(store.decide(matched)) == expected


def refusing(invalid: bool) -> Callable[[Any], bool]:
    return lambda validation: invalid and validation == "strict"


def test_repeated_call_counts_once(client: redis.Redis) -> None:
    store = StoreCounters(client)
    rule = Candidate(0, "r", "r", "", None)
    matched = MatchResult("one", 7, (rule,), (), refusing(invalid=False), monotonic=START)

    def tries(id: str) -> int:
        sent = ScriptRequestWriter().write(matched, id, (0,))
        result = read_result(store._run(sent), matched, int, lambda _, __: NoSlot())
        assert not isinstance(result, MissingDraws)
        return result.tries[0]

    assert [tries(id) for id in ("a", "a", "b", "b", "a", "c")] == [0, 0, 1, 1, 0, 2]
