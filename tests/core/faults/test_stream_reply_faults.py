"""Stream faults of the reply: an error in the middle, and a missing finish reason."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.faults import FAULTS, Fault, ReplyFaultContext
from mockllm.core.rendering.encoder import chunk_texts_of
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead
from mockllm.core.reply.reply import Choice, Pause, Reply, Text
from mockllm.core.request.request import Request
from tests.core.faults.plans import refusal


def built(name: str, **settings: Any) -> Any:
    return FAULTS[name].model_validate(settings)


TEXT = Reply((Choice((Text(("a", "b", Pause(1.0), "c", "d")),)),))


def shown(reply: Reply, *, streamed: bool = True) -> ReplyFaultContext:
    """With plans of one step for each chunk."""

    def plan(reply: Reply) -> Plan:
        if not streamed:
            return Plan(
                ResponseHead(200, ()), (EventStep(b'"abcd"', 0, "body"),), chunk_texts=chunk_texts_of(reply)
            )
        texts = chunk_texts_of(reply)
        steps = tuple(EventStep(text.encode(), chunk, "chunk") for chunk, (_, text) in enumerate(texts, 1))
        return Plan(ResponseHead(200, ()), steps, Framing.SSE)

    return ReplyFaultContext(Request(method="POST", path="/", headers={}), streamed, Random(0), plan)


@pytest.mark.parametrize(
    ("settings", "content"),
    [
        ({}, ("a", "b")),
        ({"after": {"chunks": 0}}, None),
        ({"after": {"chunks": 3}}, ("a", "b", Pause(1.0), "c")),
        ({"after": {"bytes": 9}}, ("a",)),
        ({"after": {"time": "0s"}}, ("a", "b", Pause(1.0), "c", "d")),
    ],
)
def test_error_event_cuts_stream_at_place(settings: dict[str, Any], content: tuple[Any, ...] | None) -> None:
    changed = built("error_event", **settings).apply_in_context(TEXT, shown(TEXT))
    assert changed.failure == Failure("overloaded")
    assert changed.choices[0].parts == ((Text(content),) if content is not None else ())


@pytest.mark.parametrize(
    ("after", "content"),
    [
        ({"chunks": 1}, ("a",)),
        ({"fraction": 0.5}, ("a", "b")),
        ({"bytes": 2}, ("a", "b", Pause(1.0), "c", "d")),
    ],
)
def test_error_event_replaces_non_streaming_response(after: dict[str, Any], content: tuple[Any, ...]) -> None:
    fault = built("error_event", after=after, type="rate_limit", status=418, message="no")
    changed = fault.apply_in_context(TEXT, shown(TEXT, streamed=False))
    assert changed.failure == Failure("rate_limit", 418, "no")
    assert changed.choices[0].parts == (Text(content),)


def test_error_event_after_own_error_has_reason() -> None:
    broken = replace(TEXT, failure=Failure("timeout"))
    fault = built("error_event", after={"chunks": 4})
    reason = refusal(lambda: fault.apply_in_context(broken, shown(broken)))
    assert reason == "the reply itself ends with an error there"
    earlier = built("error_event").apply_in_context(broken, shown(broken))
    assert earlier.failure == Failure("overloaded")
    late = built("error_event", after={"chunks": 5})
    assert refusal(lambda: late.apply_in_context(TEXT, shown(TEXT))) == "the response has only 4 chunks"


def test_no_finish_removes_the_finish_reason() -> None:
    changed = built("no_finish").apply_in_context(TEXT, shown(TEXT))
    assert changed == replace(TEXT, unfinished=True)
    assert not changed.has_finish_reason
    broken = replace(TEXT, failure=Failure("timeout"))
    reason = refusal(lambda: built("no_finish").apply_in_context(broken, shown(broken)))
    assert reason == "the reply itself ends with an error"


@pytest.mark.parametrize("kind", FAULTS.values(), ids=FAULTS)
def test_fault_needs_the_kind_of_its_place(kind: type[Fault]) -> None:
    fault = kind()
    if not (kind.needs_stream or kind.needs_reply):
        assert fault.needs == "any"
        if "after" in kind.model_fields:
            assert kind.model_validate({"after": {"chunks": 1}}).needs == "reply"
            assert kind.model_validate({"after": {"events": 1}}).needs == "stream"
