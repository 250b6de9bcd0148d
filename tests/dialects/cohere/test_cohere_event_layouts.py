"""Faults of form in the streams of Cohere: the events of /v2/chat that each one changes."""

from __future__ import annotations

from typing import Any

from tests.wire_events import WireEvents, wire_events

CALLS = {
    "tool_calls": [
        {"name": "look", "arguments": {"city": "Oslo"}, "id": "a"},
        {"name": "hear", "arguments": {"city": "Rome"}, "id": "b"},
    ]
}
TEXT = {"chunks": ["one", "two"]}
CALL = "delta.message.tool_calls"
KINDS = [
    "message-start", "content-start", "content-delta", "content-delta", "content-end", "message-end", "[DONE]"
]  # fmt: skip


def played(fault: str, reply: Any = TEXT, **settings: Any) -> WireEvents:
    """The stream with one fault."""
    return wire_events("cohere-chat", {"reply": reply, "faults": [{fault: settings}]})


def kinds(found: WireEvents) -> list[str]:
    return [event["type"] if event else "[DONE]" for event in found.json]


def test_cohere_call_start_alone_has_an_id() -> None:
    assert played("tool_call_chunks", CALLS, id="empty").column(f"{CALL}.id") == ["", ""]
    repeated = played("tool_call_chunks", CALLS, id="repeated")
    assert "only the first event of a call has a place for its id" in repeated.notes


def test_cohere_calls_with_wrong_index_share_one() -> None:
    found = played("tool_call_chunks", CALLS, index="wrong")
    indexed = {event["type"]: event["index"] for event in found.json if event and "index" in event}
    assert indexed == {"tool-call-start": 0, "tool-call-delta": 0, "tool-call-end": 0}
    assert set(played("tool_call_chunks", CALLS, index="missing").column("index")) == set()


def test_cohere_calls_interleaved_alternate() -> None:
    indexes = played("tool_call_chunks", CALLS, interleave=True).column("index")
    assert indexes == [0, 1] * (len(indexes) // 2)


def test_cohere_call_begins_with_placeholder() -> None:
    parts = played("tool_call_chunks", CALLS, placeholder=True).column(f"{CALL}.function.arguments")
    assert (parts[0], parts.count("{}")) == ("{}", 2)


def test_cohere_finish_is_in_message_end_alone() -> None:
    assert kinds(played("finish", at="twice")) == [*KINDS[:-1], "message-end", "[DONE]"]
    assert kinds(played("finish", at="never")) == [*KINDS[:-2], "[DONE]"]
    assert "no chunk has a place for it" in played("finish", at="last_chunk").notes


def test_cohere_usage_has_one_place() -> None:
    found = played("usage", at="every")
    assert "usage not applied: one event only has a place for it" in found.notes
    assert len(found.column("delta.usage")) == 1


def test_cohere_role_is_missing_from_message_start() -> None:
    found = played("role", at="never")
    assert kinds(found) == KINDS
    assert found.column("delta.message.role") == []


def test_cohere_empty_chunk_is_one_of_a_text() -> None:
    null = played("empty_chunk", form="null_text", after={"chunks": 1})
    assert null.column("delta.message.content.text") == ["", "one", None, "two"]
    thought = {"thinking": "Hm.", "text": "Yes."}
    hollow = [event for event in played("empty_chunk", thought, form="no_delta").json if event]
    assert [event for event in hollow if event["type"] == "content-delta" and "delta" not in event] == [
        {"type": "content-delta", "index": 1}
    ]


def played_v1(fault: str, reply: Any = TEXT, **settings: Any) -> WireEvents:
    """The stream of version 1 with one fault."""
    return wire_events("cohere-chat_v1", {"reply": reply, "faults": [{fault: settings}]})


def test_cohere_v1_calls_have_an_index_and_no_id() -> None:
    assert set(played_v1("tool_call_chunks", CALLS).column("tool_call_delta.index")) == set()
    assert set(played_v1("tool_call_chunks", CALLS, index="wrong").column("tool_call_delta.index")) == {0}
    assert "not applied" in played_v1("tool_call_chunks", CALLS, id="empty").notes
    indexes = played_v1("tool_call_chunks", CALLS, interleave=True).column("tool_call_delta.index")
    assert indexes == [0, 1] * (len(indexes) // 2)


def test_cohere_v1_call_begins_with_placeholder() -> None:
    found = played_v1("tool_call_chunks", CALLS, placeholder=True)
    assert found.column("tool_call_delta.parameters").count("{}") == 2


def test_cohere_v1_end_has_finish_and_usage() -> None:
    assert played_v1("finish", at="twice").column("event_type")[-2:] == ["stream-end"] * 2
    assert "stream-end" not in played_v1("finish", at="never").column("event_type")
    assert "one event only has a place for it" in played_v1("usage", at="every").notes


def test_cohere_v1_empty_chunk_is_one_of_a_text() -> None:
    null = played_v1("empty_chunk", form="null_text", after={"chunks": 1})
    assert null.column("text") == ["one", None, "two"]
