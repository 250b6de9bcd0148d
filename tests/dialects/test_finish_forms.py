"""Each form of the finish reason, in every protocol that has the place."""

from __future__ import annotations

import pytest

from tests.dialects.event_layouts import (
    FINISH,
    TEXT,
    TEXTS,
    played,
    text_at,
)
from tests.wire_events import WireEvents, wire_events


@pytest.mark.parametrize("call", FINISH)
def test_finish_in_every_event(call: str) -> None:
    found = played(call, "finish", at="every")
    if call == "bedrock-converse":
        assert "one event only has a place for it" in found.notes
        return
    path = "message.stop_reason" if "delta." in FINISH[call] else FINISH[call]
    reasons = set(found.column(path)) | set(found.column(FINISH[call]))
    assert len(reasons) == 1
    assert reasons <= {"stop", "completed", "end_turn", "STOP"}


@pytest.mark.parametrize("call", FINISH)
def test_finish_in_first_event(call: str) -> None:
    found = played(call, "finish", at="first")
    if call == "bedrock-converse":
        assert "one event only has a place for it" in found.notes
        return
    path = "message.stop_reason" if "delta." in FINISH[call] else FINISH[call]
    assert found.column(path)[0] in {"stop", "completed", "end_turn", "STOP"}
    later = [*found.column(path)[1:], *(found.column(FINISH[call]) if path != FINISH[call] else ())]
    assert not set(later) & {"stop", "completed", "end_turn", "STOP"}


@pytest.mark.parametrize("call", FINISH)
def test_finish_comes_twice(call: str) -> None:
    found = played(call, "finish", at="twice")
    assert len([reason for reason in found.column(FINISH[call]) if reason not in (None, "in_progress")]) == 2


@pytest.mark.parametrize("call", FINISH)
def test_finish_that_never_comes_is_no_finish(call: str) -> None:
    found = played(call, "finish", at="never")
    assert found.body == played(call, "no_finish").body
    assert not set(found.column(FINISH[call])) - {None, "in_progress"}


@pytest.mark.parametrize("call", FINISH)
def test_finish_in_last_chunk(call: str) -> None:
    found = played(call, "finish", at="last_chunk")
    reasons = {
        "anthropic-messages": "no chunk has a place for it",
        "bedrock-invoke": "no chunk has a place for it",
        "bedrock-converse": "no chunk has a place for it",
        "openai-responses": "no chunk has a place for it",
    }
    if call in reasons:
        assert reasons[call] in found.notes
        return
    (event,) = [event for event in found.json if event and text_at(event, TEXTS[call]) == "two"]
    assert WireEvents([], [event], b"", "", 200, {}).column(FINISH[call]) not in ([], [None])


def test_finish_that_is_in_last_chunk_is_reported() -> None:
    found = wire_events(
        "gemini-generate",
        {"reply": TEXT, "faults": [{"finish": {"at": "last_chunk"}}]},
        model="gemini-2.5-flash",
    )
    assert "finish not applied: the last chunk has it already" in found.notes
    found = wire_events(
        "gemini-generate", {"reply": TEXT, "faults": [{"finish": {"at": "never"}}]}, model="gemini-2.5-flash"
    )
    assert found.column("candidates.0.finishReason") == []
    assert len(found.json) == 2


def test_finish_of_single_chunk_is_there_already() -> None:
    found = wire_events(
        "gemini-generate", {"reply": "one", "faults": [{"finish": {"at": "first"}}]}, model="gemini-2.5-flash"
    )
    assert "one event only has a place for it" in found.notes
    twice = [{"finish": {"at": "every"}}, {"finish": {"at": "every"}}]
    assert (
        "the finish reason is there already"
        in wire_events("openai-chat", {"reply": TEXT, "faults": twice}).notes
    )


def test_stream_without_finish_has_none_to_move() -> None:
    found = wire_events("openai-chat", {"reply": TEXT, "faults": ["no_finish", "finish"]})
    assert "finish not applied: the response has no finish reason" in found.notes


def test_each_choice_has_its_own_finish() -> None:
    reply = {"choices": [{"text": "a"}, {"text": "b", "finish_reason": "length"}]}
    found = wire_events("openai-chat", {"reply": reply, "faults": [{"finish": {"at": "last_chunk"}}]})
    choices = found.column("choices.0")
    reasons = {(choice["index"], choice["delta"]["content"]): choice["finish_reason"] for choice in choices}
    assert reasons == {(0, ""): None, (0, "a"): "stop", (1, ""): None, (1, "b"): "length"}
