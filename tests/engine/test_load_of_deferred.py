"""A load whose responses take long to plan: who waits for them is decided when their plans are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mockllm.core.json.codec import dumps
from mockllm.engine import DeferredResponse, Engine, PlannedResponse
from mockllm.engine.planner import LONG_TEXT
from tests.engine.test_deferred_response import body
from tests.language.virtual_server import VirtualServer

QUEUE: Mapping[str, Any] = {"max_inflight": 1, "queue": 2}
BATCH: Mapping[str, Any] = {"batch": {"slots": 1, "itl": "0.1ms"}}
LOADS = pytest.mark.parametrize("load", [QUEUE, BATCH], ids=["queue", "batch"])


def busy(load: Mapping[str, Any]) -> Engine:
    rules = [
        {"match": {"model": "long"}, "reply": "a " * LONG_TEXT, "pace": {"itl": "0.1ms"}},
        {"match": {"model": "endless"}, "reply": "a " * LONG_TEXT, "faults": ["silence"]},
        {"reply": "a b c", "pace": {"itl": "1s"}},
    ]
    document = {"rules": rules, "modifiers": [{"name": "machine", "load": load}]}
    return VirtualServer(dumps(document).decode()).engine


def begin(engine: Engine, model: str, at: float) -> DeferredResponse:
    response = sent(engine, model, at)
    assert isinstance(response, DeferredResponse)
    return response


def sent(engine: Engine, model: str, at: float, *, deferrable: bool = True) -> object:
    sent = {"model": model, "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    request = engine.read("POST", "/v1/chat/completions", "", {}, dumps(sent), "", at)
    return engine.begin_response(request, deferrable=deferrable)


def go_on(response: DeferredResponse) -> object:
    """What the event loop gets when the thread has reached the response."""
    return response.work_in_thread()()


def planned(response: object) -> PlannedResponse:
    assert isinstance(response, PlannedResponse)
    return response


@LOADS
def test_result_is_that_of_planning_at_once(load: Mapping[str, Any]) -> None:
    at_once, later = busy(load), busy(load)
    arrivals = [("long", 0.0), ("short", 0.0), ("long", 0.02), ("short", 0.03)]
    expected = [planned(sent(at_once, *each, deferrable=False)) for each in arrivals]
    assert [each.status for each in expected[:3]] == [200, 200, 200]
    waiting: list[tuple[int, object]] = [(i, begin(later, *each)) for i, each in enumerate(arrivals)]
    got: dict[int, PlannedResponse] = {}
    while waiting:
        index, response = waiting.pop(0)
        assert isinstance(response, DeferredResponse)
        result = go_on(response)
        if isinstance(result, DeferredResponse):
            waiting.append((index, result))
        else:
            got[index] = planned(result)
    for index, response in enumerate(expected):
        assert got[index].status == response.status
        assert got[index].notes == response.notes
        assert got[index].plan.steps == response.plan.steps
        assert body(got[index]) == body(response)


@LOADS
def test_request_waits_until_long_response_is_planned(load: Mapping[str, Any]) -> None:
    engine = busy(load)
    first, second = begin(engine, "long", 0.0), begin(engine, "short", 0.02)
    assert isinstance(go_on(second), DeferredResponse)
    assert planned(go_on(first)).status == 200
    assert planned(go_on(second)).status == 200


def test_later_request_does_not_overtake_a_waiting_one() -> None:
    engine = busy(QUEUE)
    first, second = begin(engine, "long", 0.0), begin(engine, "short", 0.02)
    assert planned(go_on(first)).status == 200
    third = begin(engine, "short", 0.03)
    assert isinstance(go_on(third), DeferredResponse)
    assert planned(go_on(second)).status == 200
    assert planned(go_on(third)).status == 200


def test_waiting_request_whose_client_left_does_not_block() -> None:
    engine = busy(QUEUE)
    first, second, third = [begin(engine, model, 0.0) for model in ("long", "short", "short")]
    assert planned(go_on(first)).status == 200
    assert second.slot is not None
    second.slot.expect_end(1.0)  # as of any slot; it changes nothing
    second.slot.release()
    second.slot.release()
    assert planned(go_on(third)).status == 200


def test_client_of_unplanned_response_leaves() -> None:
    engine = busy(QUEUE)
    first, second = begin(engine, "long", 0.0), begin(engine, "short", 0.5)
    assert first.slot is not None
    first.slot.release()
    assert not any("delay" in note for note in planned(go_on(second)).notes)


@pytest.mark.parametrize("limited", [True, False])
def test_failed_plan_frees_its_place(limited: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    engine = (
        busy(QUEUE)
        if limited
        else VirtualServer(dumps({"rules": [{"reply": "a " * LONG_TEXT}]}).decode()).engine
    )
    first = begin(engine, "long", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr(engine._planner, "plan", fails)
        complete = first.work_in_thread()
    with pytest.raises(ZeroDivisionError):
        complete()
    if limited:
        assert planned(sent(engine, "short", 0.0)).status == 200


def test_response_without_end_is_planned_and_refuses() -> None:
    engine = busy(QUEUE)
    first, second = begin(engine, "endless", 0.0), begin(engine, "short", 0.02)
    assert planned(go_on(first)).status == 200
    assert planned(go_on(second)).status == 503


@pytest.mark.parametrize(
    ("load", "status"),
    [({"max_inflight": 1}, 503), ({"max_inflight": 2, "queue": 1}, 200), ({"concurrency": 1}, 200)],
)
def test_load_that_needs_no_end_decides_at_once(load: Mapping[str, Any], status: int) -> None:
    engine = busy(load)
    begin(engine, "long", 0.0)
    assert planned(sent(engine, "short", 0.02)).status == status
