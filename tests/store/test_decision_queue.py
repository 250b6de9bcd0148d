"""The requests of one iteration: which calls they are sent in, and who gets which result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import pytest
from msgspec.msgpack import decode, encode
from msgspec.structs import replace

from mockllm.core.selection.decision import Candidate, DecisionInputs
from mockllm.store.connection import ReplyReceiver, StoreAway, StoreRefused, StoreReply
from mockllm.store.decision_queue import MAX_CANDIDATES, MAX_REQUESTS, DecisionQueue, ResultPosition
from mockllm.store.script_arguments import FEW_DRAWS, ScriptArguments
from mockllm.store.script_result import ScriptResult

RULE = Candidate(0, "a.yaml:1", "a.yaml:1", "", None)
ONE = DecisionInputs("", 7, (RULE,), (), lambda _: False)
SCOPED = replace(ONE, rules=(replace(RULE, scope="api_key:1"),))


def decided(tries: int) -> list[Any]:
    return ["rule", 1_000_000, 4, 1, [], [[0, tries, tries, 0, ""]], [], [], 0]


LACKING = ["draws", 1_000_000, 0, 0, [], [[0, 7, 7, 0, ""]], [], [], 0]


class Caller:
    """Notes what is sent. `later` are the replies to repeated requests."""

    def __init__(self, later: Sequence[StoreReply] = ()) -> None:
        self.calls: list[tuple[ScriptArguments, ReplyReceiver]] = []
        self.repeated: list[ScriptArguments] = []
        self.flushed = 0
        self._later = list(later)

    def decide(self, request: ScriptArguments, receiver: ReplyReceiver) -> None:
        if request.session == "broken":
            raise ZeroDivisionError("a mistake of ours")
        assert not self.flushed, "all calls are written before they are sent"
        self.calls.append((request, receiver))

    def flush(self) -> None:
        self.flushed += 1

    async def decide_with_retry(self, request: ScriptArguments) -> StoreReply:
        self.repeated.append(request)
        return self._later.pop(0)


class Receiver:
    def __init__(self) -> None:
        self.got: list[tuple[ScriptResult, int | None] | Exception] = []
        self.ended = False

    def done(self) -> bool:
        return self.ended

    def set_result(self, result: ScriptResult, number: int | None) -> None:
        self.got.append((result, number))

    def set_exception(self, error: Exception) -> None:
        self.got.append(error)


class LoopIteration:
    """One iteration, with the places of its requests. Numbers begin at 40."""

    def __init__(self, *, later: Sequence[StoreReply] = ()) -> None:
        self.caller = Caller(later)
        self.taken: list[int] = []
        ids = count()
        self.queue = DecisionQueue(self.caller, lambda: f"id-{next(ids)}", self._take)
        self.receivers: list[Receiver] = []
        self.places: list[ResultPosition] = []

    def _take(self, number: int) -> int:
        self.taken.append(number)
        return 40 + sum(self.taken[:-1])

    def add(self, *requests: DecisionInputs) -> None:
        for inputs in requests:
            receiver = Receiver()
            tries = [0] * len(inputs.rules)
            self.places.append(self.queue.add(receiver, inputs, f"slot-{len(self.places)}", tries, FEW_DRAWS))
            self.receivers.append(receiver)

    def run(
        self, *requests: DecisionInputs, then: Callable[[], object] = lambda: None
    ) -> list[ReplyReceiver]:
        """Add requests in one iteration. Return the receivers of the calls that are sent at its end."""

        async def iteration() -> None:
            self.add(*requests)
            then()
            assert not self.caller.calls
            await asyncio.sleep(0)

        asyncio.run(iteration())
        return [receiver for _, receiver in self.caller.calls]


def test_requests_of_one_session_are_one_call() -> None:
    turn = LoopIteration()
    other = replace(ONE, session="other")
    turn.run(ONE, other, SCOPED, ONE)
    (shared, _), (own, _) = turn.caller.calls
    assert (shared.session, own.session, turn.caller.flushed) == ("", "other", 1)
    assert turn.places == [("id-0", 1), ("id-1", 1), ("id-0", 2), ("id-0", 3)]
    assert len(shared.keys) == 3, "two scopes, and the results"
    assert [row[3] for row in decode(shared.payload())[5]] == ["slot-0", "slot-2", "slot-3"]


def test_each_request_gets_its_result_and_number() -> None:
    turn = LoopIteration()
    (call,) = turn.run(ONE, SCOPED, ONE, ONE)
    call.set_result(encode([decided(3), decided(9), LACKING, decided(4)]))
    got = [receiver.got[0] for receiver in turn.receivers]
    assert got == [(decided(3), 40), (decided(9), None), (LACKING, None), (decided(4), 41)]
    assert turn.taken == [2], "neither a scope's request nor an undecided one has a number of this process"


def test_requests_of_sessions_take_no_numbers() -> None:
    turn = LoopIteration()
    (call,) = turn.run(replace(ONE, session="one"))
    call.set_result(encode([decided(0)]))
    assert turn.taken == []


def test_abandoned_request_gets_no_result() -> None:
    turn = LoopIteration()
    (call,) = turn.run(ONE, ONE)
    turn.receivers[0].ended = True
    call.set_result(encode([decided(0), decided(1)]))
    assert [receiver.got for receiver in turn.receivers] == [[], [(decided(1), 40)]]


def test_refusal_of_a_call_reaches_all_that_wait() -> None:
    turn, error = LoopIteration(), StoreAway("gone")
    (call,) = turn.run(ONE, ONE, ONE)
    turn.receivers[1].ended = True
    call.set_exception(error)
    assert [receiver.got for receiver in turn.receivers] == [[error], [], [error]]


@pytest.mark.parametrize(
    "reply", [b"\xc1", encode([]), encode([decided(0)]), encode([["rule"], ["rule"]]), 7, None, [b"a", 7]]
)
def test_broken_reply_reaches_all(reply: StoreReply) -> None:
    turn = LoopIteration()
    (call,) = turn.run(ONE, ONE)
    call.set_result(reply)
    assert [len(receiver.got) for receiver in turn.receivers] == [1, 1]
    assert all(isinstance(receiver.got[0], StoreRefused) for receiver in turn.receivers)


@pytest.mark.parametrize("reply", [b"\xc1", encode([]), encode([5]), encode(["rule"]), 7, None, [b"a", 7]])
def test_broken_reply_to_a_repeated_request_is_refused(reply: StoreReply) -> None:
    turn = LoopIteration(later=[reply])
    turn.run(ONE)
    with pytest.raises(StoreRefused, match="cannot be read"):
        asyncio.run(turn.queue.repeat(turn.places[0], ONE, "slot-0", [0], FEW_DRAWS))


def test_call_that_cannot_be_sent_fails_alone() -> None:
    turn = LoopIteration()
    calls = turn.run(replace(ONE, session="broken"), ONE, replace(ONE, session="broken"))
    assert (len(calls), turn.caller.flushed) == (1, 1)
    assert [[type(got) for got in receiver.got] for receiver in turn.receivers] == [
        [ZeroDivisionError], [], [ZeroDivisionError],
    ]  # fmt: skip


def test_full_call_is_followed_by_another() -> None:
    turn = LoopIteration()
    turn.run(*[ONE] * (MAX_REQUESTS + 1))
    assert [len(request) for request, _ in turn.caller.calls] == [MAX_REQUESTS, 1]
    turn = LoopIteration()
    many = replace(ONE, rules=(RULE,) * MAX_CANDIDATES)
    turn.run(ONE, many, ONE)
    assert [len(request) for request, _ in turn.caller.calls] == [2, 1]


def test_request_that_fails_leaves_the_others() -> None:
    def check(_: object) -> bool:
        raise ZeroDivisionError("a mistake of ours")

    def fail() -> None:
        with pytest.raises(ZeroDivisionError):
            turn.add(replace(ONE, fails=check))

    turn = LoopIteration()
    turn.run(ONE, then=fail)
    assert [len(request) for request, _ in turn.caller.calls] == [1]
    turn = LoopIteration()
    turn.run(then=fail)
    assert turn.caller.calls == [], "no request is left"


def test_requests_are_sent_early_and_later_ones_at_the_end() -> None:
    def send() -> None:
        turn.queue.send()
        assert [len(request) for request, _ in turn.caller.calls] == [2]
        turn.caller.calls.clear()
        turn.caller.flushed = 0
        turn.add(ONE)

    turn = LoopIteration()
    turn.run(ONE, ONE, then=send)
    assert [(request.id, len(request)) for request, _ in turn.caller.calls] == [("id-1", 1)]


def test_repeated_request_has_the_id_and_place_of_the_first() -> None:
    async def repeat() -> tuple[ScriptResult, int | None]:
        return await turn.queue.repeat(turn.places[1], ONE, "slot-1", [0], FEW_DRAWS)

    turn = LoopIteration(later=[encode([False, decided(5)])])
    turn.run(ONE, ONE)
    assert asyncio.run(repeat()) == (decided(5), 40)
    ((first, _),), (second,) = turn.caller.calls, turn.caller.repeated
    assert first.keys[-1] == second.keys[-1]
    assert [row[0] for row in decode(second.payload())[5]] == [2]
