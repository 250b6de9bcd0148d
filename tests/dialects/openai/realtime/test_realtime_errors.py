"""Errors of a scenario in the responses of a realtime session."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.dialects.openai.realtime import client_events
from tests.dialects.openai.realtime.test_realtime_session import RealtimeSocket


@pytest.mark.parametrize(
    "reply", ["error: {E}", "reply: {chunks: [One, {error: {E}}]}"], ids=["whole", "cut"]
)
def test_failed_response_has_fields_of_scenario(reply: str) -> None:
    error = "{type: overloaded, fields: {own_field: 1}}"
    response = RealtimeSocket(rules=f"rules: [{{{reply.replace('{E}', error)}}}]").say("a")
    assert response["status_details"]["error"]["own_field"] == 1


def test_more_audio_than_an_event_may_have_is_an_error() -> None:
    opened = RealtimeSocket()
    (event,) = opened.hear("A" * (20 * 2**20 + 4))
    expected = (
        "Invalid 'audio': string too long. Expected a string with maximum length 20971520, "
        "but got a string with length 20971524 instead."
    )
    assert event["error"]["message"] == expected
    assert (event["error"]["code"], event["error"]["param"]) == ("string_above_max_length", "audio")
    (error,) = opened.send({"type": "input_audio_buffer.commit"})
    assert error["error"]["message"].endswith("buffer only has 0.00ms of audio.")


def test_event_may_have_all_the_audio_of_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_events, "MAX_AUDIO_TEXT", 12)
    opened = RealtimeSocket()
    assert opened.hear("A" * 12) == []
    assert len(opened.hear("A" * 16)) == 1


def test_item_behind_an_unknown_item_is_an_error() -> None:
    opened = RealtimeSocket()
    (event,) = opened.add("a", own={"id": "mine"}, previous_item_id="nosuch", event_id="e1")
    assert event["error"]["message"] == (
        "Error adding item: the previous item with id 'nosuch' does not exist."
    )
    assert event["error"]["code"] == "item_create_invalid_previous_item_id"
    assert event["error"]["event_id"] == "e1"
    (found,) = opened.send({"type": "conversation.item.retrieve", "item_id": "mine"})
    assert found["error"]["code"] == "item_not_found"


def test_item_with_an_id_that_is_taken_is_an_error() -> None:
    opened = RealtimeSocket()
    opened.add("first", own={"id": "mine"})
    for place in ({}, {"previous_item_id": "mine"}, {"previous_item_id": "root"}):
        (event,) = opened.add("second", own={"id": "mine"}, event_id="e1", **place)
        assert event["error"] == {
            "type": "invalid_request_error",
            "code": "item_create_duplicate_item_id",
            "message": "Error adding item: an item with id 'mine' already exists.",
            "param": None,
            "event_id": "e1",
        }
    (found,) = opened.send({"type": "conversation.item.retrieve", "item_id": "mine"})
    assert found["item"]["content"][0]["text"] == "first"
    opened.send({"type": "conversation.item.delete", "item_id": "mine"})
    assert opened.add("third", own={"id": "mine"})[0]["type"] == "conversation.item.added"


@pytest.mark.parametrize(
    ("session", "message", "code"),
    [
        ({}, "Missing required parameter: 'session'.", "missing_required_parameter"),
        (
            {"session": 7},
            "Invalid type for 'session': expected an object, but got an integer instead.",
            "invalid_type",
        ),
    ],
)
def test_update_without_settings_is_an_error(session: Any, message: str, code: str) -> None:
    opened = RealtimeSocket()
    (event,) = opened.send({"type": "session.update", **session})
    assert event["error"]["message"] == message
    assert (event["error"]["code"], event["error"]["param"]) == (code, "session")


@pytest.mark.parametrize("modalities", [["text", "audio"], ["audio", "text"]])
def test_text_and_audio_at_once_are_an_error(modalities: list[str]) -> None:
    opened = RealtimeSocket()
    for kind, holder in (("session.update", "session"), ("response.create", "response")):
        (event,) = opened.send({"type": kind, holder: {"output_modalities": modalities}})
        assert event["error"]["message"] == (
            f"Invalid modalities: {modalities}. Supported combinations are: ['text'] and ['audio']."
        )
        expected = ("invalid_value", f"{holder}.output_modalities")
        assert (event["error"]["code"], event["error"]["param"]) == expected
    assert opened.say("a")["output_modalities"] == ["audio"]


@pytest.mark.parametrize("conversation", ["none", "auto"])
def test_only_items_of_the_conversation_are_announced(conversation: str) -> None:
    opened = RealtimeSocket()
    opened.add("a")
    events = opened.respond(conversation=conversation)
    added = conversation == "auto"
    for name in ("added", "done"):
        of_response = [event for event in events if event["type"] == f"response.output_item.{name}"]
        of_conversation = [event for event in events if event["type"] == f"conversation.item.{name}"]
        assert (len(of_response), len(of_conversation)) == (1, int(added))
    (found,) = opened.send(
        {"type": "conversation.item.retrieve", "item_id": events[-1]["response"]["output"][0]["id"]}
    )
    assert ("item" in found) == added


@pytest.mark.parametrize("after", [0.0, -1.0])
@pytest.mark.parametrize("action", ["reply: Hi.", "error: server_error"])
def test_response_cancelled_in_its_delay_begins_and_ends(action: str, after: float) -> None:
    opened = RealtimeSocket(rules=f"rules: [{{match: {{user: a}}, {action}, delay: 1s}}, {{reply: Done.}}]")
    opened.held.add("response.create")
    opened.add("a")
    opened.respond()
    opened.held.clear()
    created, done = opened.send({"type": "response.cancel"}, after)
    assert (created["type"], done["type"]) == ("response.created", "response.done")
    assert created["response"]["id"] == done["response"]["id"]
    assert (done["response"]["status"], done["response"]["output"]) == ("cancelled", [])
    assert opened.say("b")["status"] == "completed"


@pytest.mark.parametrize("sent", [None, 3.0])
@pytest.mark.parametrize(
    "fault", ["malformed", "merged_events", "{malformed: {at: {chunk: 1}, data: '[]', then: go_on}}"]
)
def test_broken_event_leaves_the_session_usable(fault: str, sent: float | None) -> None:
    rule = f"{{match: {{user: a}}, reply: {{chunks: [One, two, three]}}, faults: [{fault}]}}"
    opened = RealtimeSocket(rules=f"rules: [{rule}, {{reply: Done.}}]")
    opened.configure(audio={"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}})
    opened.held.add("response.create")
    opened.add("a")
    opened.respond()
    opened.held.clear()
    ends = opened._perform(opened.session.ended("response.create", sent))
    assert [end["response"]["status"] for end in ends] == ["cancelled"] * (sent is not None)
    assert opened.say("b")["output"][0]["content"][0]["transcript"] == "Done."
