"""One decision in the store: what its replies, its errors and the end of its client lead to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mockllm.core.failure import Failure
from mockllm.core.limits.limit_data import Limit
from mockllm.core.selection.decision import Candidate, Decision, DecisionInputs
from mockllm.store.connection import StoreAway, StoreRefused
from mockllm.store.decision_queue import ResultPosition, ResultReceiver
from mockllm.store.pending_decision import PendingDecision
from mockllm.store.refusals import UNREADABLE
from mockllm.store.script_result import ScriptResult, StoreDecision
from tests.waiting import PATIENCE

RULE = Candidate(0, "a.yaml:1", "a.yaml:1", "", None)
BUSY = Candidate(1, "a.yaml:2", "a.yaml:2", "", None, limit=Limit("fixed-window", concurrent=1))
DECIDED = ["rule", 1_000_000, 4, 1, [], [[0, 3, 3, 0, ""]], [], [], 0]
LIMITED = ["rule", 1_000_000, 4, 1, [[0, 3, 3, 0, ""]], [[0, 3, 3, 0, ""]], [[0, 0, 0, *[False] * 4]], [], 0]
LACKING = ["draws", 1_000_000, 0, 0, [], [[0, 7, 7, 0, ""]], [], [], 0]
AWAY = Failure("unavailable", 503, "The store is away.")


class Queue:
    """Notes what is sent, and to which place. `later` are the results of requests that are repeated."""

    def __init__(self, later: Sequence[ScriptResult | Exception]) -> None:
        self.sent: list[str] = []
        self.tries: list[Sequence[int]] = []
        self.repeated: list[tuple[ResultPosition, str]] = []
        self.flushed = 0
        self._later = list(later)

    def add(
        self, receiver: ResultReceiver, inputs: DecisionInputs, slot: str, tries: Sequence[int], draws: int
    ) -> ResultPosition:
        self.sent.append(slot)
        self.tries.append(tries)
        return ResultPosition("call", len(self.sent))

    def send(self) -> None:
        self.flushed += 1

    async def repeat(
        self, place: ResultPosition, inputs: DecisionInputs, slot: str, tries: Sequence[int], draws: int
    ) -> tuple[ScriptResult, int]:
        self.repeated.append((place, slot))
        result = self._later.pop(0)
        if isinstance(result, Exception):
            raise result
        return result, 9


class Slot:
    released = 0

    def expect_end(self, until: float) -> None: ...

    def release(self) -> None:
        self.released += 1


class Counts:
    """The counts of a process that has made no decision yet."""

    def __init__(
        self, *later: ScriptResult | Exception, on_count: Callable[[], object] = lambda: None
    ) -> None:
        self.queue = Queue(later)
        self.max_store_seconds = PATIENCE
        self._on_count = on_count
        self.counted: list[StoreDecision] = []
        self.slots: list[Slot] = []
        self.failures: list[Exception] = []
        self.ready = 0

    def next_id(self) -> str:
        return "one-1"

    def expected_tries(self, session: str, candidates: Sequence[Candidate]) -> Sequence[int]:
        return [0] * len(candidates)

    def slot(self, inputs: DecisionInputs, id: str, candidates: Sequence[Candidate], at: float = 0.0) -> Slot:
        assert list(candidates) == [BUSY]
        self.slots.append(Slot())
        return self.slots[-1]

    def count(self, inputs: DecisionInputs, result: StoreDecision) -> None:
        self._on_count()
        self.counted.append(result)

    def without_store(self, inputs: DecisionInputs, error: Exception) -> Decision | Failure:
        self.failures.append(error)
        return AWAY

    def begin(self, *modifiers: Candidate) -> PendingDecision:
        def note() -> None:
            self.ready += 1

        return PendingDecision(self, DecisionInputs("", 7, (RULE,), modifiers, lambda _: False), note)


def waited(pending: PendingDecision) -> Decision | Failure:
    return asyncio.run(asyncio.wait_for(pending.wait(), PATIENCE))


def test_reply_makes_the_decision_and_calls_ready() -> None:
    counts = Counts()
    pending = counts.begin()
    assert (pending.decision, counts.ready) == (None, 0)
    pending.set_result(DECIDED, 9)
    assert isinstance(pending.decision, Decision)
    assert (pending.decision.request_number, counts.ready, len(counts.counted)) == (9, 1, 1)
    assert waited(pending) is pending.decision


def test_request_is_sent_again_with_the_missing_draws() -> None:
    counts = Counts()
    pending = counts.begin()
    pending.set_result(LACKING, None)
    assert (pending.decision, counts.ready, pending.done()) == (None, 0, False)
    assert counts.queue.sent == ["one-1", "one-1"]
    assert counts.queue.tries == [[0], [7]]
    pending.set_result(DECIDED, 9)
    assert (counts.ready, len(counts.counted)) == (1, 1)


def test_request_of_a_session_that_is_not_ready_is_sent_again() -> None:
    counts = Counts()
    pending = counts.begin()
    pending.set_result(["draws", 0, 0, 0, [], [], [], [], 0], None)
    assert (pending.decision, counts.ready) == (None, 0)
    assert counts.queue.tries == [[0], [0]]
    pending.set_result(DECIDED, 9)
    assert (counts.ready, len(counts.counted)) == (1, 1)


@pytest.mark.parametrize("error", [StoreAway("gone"), StoreRefused("LOADING the dataset")])
def test_lost_call_is_repeated_and_counts_once(error: Exception) -> None:
    counts = Counts(DECIDED)
    pending = counts.begin()
    pending.set_exception(error)
    assert (pending.decision, counts.ready) == (None, 1)
    assert pending.done(), "a reply that comes after all must not count twice"
    assert waited(pending) is pending.decision
    assert counts.queue.repeated == [(ResultPosition("call", 1), "one-1")]
    assert len(counts.counted) == 1


def test_reply_that_comes_to_a_task_ends_its_wait() -> None:
    async def decide() -> Decision | Failure:
        pending = counts.begin()
        task = asyncio.get_running_loop().create_task(pending.wait())
        await asyncio.sleep(0)
        pending.set_result(DECIDED, 9)
        return await asyncio.wait_for(task, PATIENCE)

    counts = Counts()
    assert isinstance(asyncio.run(decide()), Decision)
    assert counts.ready == 0, "the task was told, not the connection"


@pytest.mark.parametrize(
    ("error", "later"), [(StoreRefused("ERR no"), ()), (StoreAway("gone"), (StoreRefused("ERR no"),))]
)
def test_refused_call_gets_the_failure_and_frees_places(error: Exception, later: Sequence[Exception]) -> None:
    counts = Counts(*later)
    pending = counts.begin(BUSY)
    pending.set_exception(error)
    assert waited(pending) is AWAY
    assert [slot.released for slot in counts.slots] == [1]


MALFORMED: list[list[Any]] = [
    ["rule", 1_000_000, 4, 1, [], [7], [], [], 0],
    ["rule", 1_000_000, 4, 1, [], [["used up"]], [], [], 0],
    ["rule", 1_000_000, 4, 1, [], [[0, "three", 3, 0, ""]], [], [], 0],
    ["rule", 1_000_000, 4, 2, [], [[6, 3, 3, 0, ""]], [], [], 0],
    ["rule", 1_000_000, 4, 0, [], [[6, 3, 3, 0, ""]], [], [], 0],
    ["rule", 1_000_000, 4, 0, [], [[99, 3, 3, 0, ""]], [], [], 0],
    ["draws", 1_000_000, 0, 0, [], [[0, None]], [], [], 0],
    ["rule"],
]


@pytest.mark.parametrize("result", MALFORMED)
def test_malformed_result_gets_the_failure_of_the_store(result: list[Any]) -> None:
    counts = Counts()
    pending = counts.begin()
    pending.set_result(result, 9)
    assert (pending.decision, counts.ready) == (None, 1)
    assert waited(pending) is AWAY
    assert (str(counts.failures[0]), counts.counted) == (UNREADABLE, [])


@pytest.mark.parametrize("result", MALFORMED)
def test_malformed_result_of_a_repeated_request_gets_the_failure(result: list[Any]) -> None:
    counts = Counts(result)
    pending = counts.begin(BUSY)
    pending.set_exception(StoreAway("gone"))
    assert waited(pending) is AWAY
    assert str(counts.failures[0]) == UNREADABLE
    assert [slot.released for slot in counts.slots] == [1]


def test_error_in_the_reply_is_raised_where_it_is_waited_for() -> None:
    def fail() -> None:
        raise ZeroDivisionError("a mistake of ours")

    counts = Counts(DECIDED, on_count=fail)
    pending = counts.begin()
    pending.set_result(DECIDED, 9)
    assert (pending.decision, counts.ready) == (None, 1)
    with pytest.raises(ZeroDivisionError):
        waited(pending)


def test_abandoned_call_ignores_its_reply_and_frees_places() -> None:
    counts = Counts()
    pending = counts.begin(BUSY)
    pending.abandon()
    pending.abandon()
    assert pending.done()
    assert [slot.released for slot in counts.slots] == [1]
    assert counts.queue.flushed == 1, "the request is sent before its places are freed"


def test_abandoned_decision_frees_its_slot_once() -> None:
    counts = Counts()
    pending = counts.begin(BUSY)
    pending.set_result(LIMITED, 9)
    pending.abandon()
    pending.abandon()
    assert [slot.released for slot in counts.slots] == [1]


def test_cancelled_wait_frees_places() -> None:
    async def cancel() -> None:
        task = asyncio.get_running_loop().create_task(counts.begin(BUSY).wait())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    counts = Counts()
    asyncio.run(cancel())
    assert [slot.released for slot in counts.slots] == [1]
