"""The items of a realtime response that is being sent: when the conversation has them, and what is left of them."""

from __future__ import annotations

from typing import Any, cast

import pytest

from mockllm.core.json.typed_values import read_object
from tests.dialects.openai.realtime.test_realtime_session import QUIET, RULES, SOUND, RealtimeSocket

RESPONSE = "response.create"


def running(text: str, rules: str = RULES) -> tuple[RealtimeSocket, list[str]]:
    """Return a session whose response to a text runs, and the ids of the items of the response."""
    opened = RealtimeSocket(rules=rules)
    opened.held.add(RESPONSE)
    opened.add(text, own={"id": "user1"})
    opened.respond()
    opened.held.clear()
    planned = [read_object(payload) for _, payload in cast(Any, opened.session)._running._messages]
    return opened, [
        event["item"]["id"] for event in planned if event.get("type") == "conversation.item.added"
    ]


def end(opened: RealtimeSocket, sent: float | None = None) -> list[Any]:
    """End the running response, after all or after so many seconds."""
    opened.running.clear()
    return opened._perform(opened.session.ended(RESPONSE, sent))


def items(opened: RealtimeSocket) -> list[Any]:
    return list(cast(Any, opened.session)._conversation.items)


def retrieve(opened: RealtimeSocket, id: str, after: float = 0.0) -> Any:
    """Return an item; None for an unknown one."""
    return opened.send({"type": "conversation.item.retrieve", "item_id": id}, after)[0].get("item")


def test_item_is_known_from_its_announcement() -> None:
    opened, (first, second) = running("mixed")
    assert retrieve(opened, first, -0.5) is None
    item = retrieve(opened, first, 0.5)
    assert (item["status"], item["content"]) == ("in_progress", [])
    assert retrieve(opened, second, 0.5) is None
    assert retrieve(opened, first, 1.5)["content"][0]["transcript"] == "No."
    assert retrieve(opened, second, 1.5)["status"] == "in_progress"
    end(opened)
    assert [item["id"] for item in items(opened)] == ["user1", first, second]
    assert [item["status"] for item in items(opened)] == ["completed"] * 3


@pytest.mark.parametrize("sent", [None, 1.5])
def test_item_of_the_user_is_behind_the_announced_one(sent: float | None) -> None:
    opened, (first, second) = running("mixed")
    item = {"type": "message", "id": "user2"}
    added = opened.send({"type": "conversation.item.create", "item": item}, after=0.5)
    assert added[0]["previous_item_id"] == first
    end(opened, sent)
    # the second one was announced behind the first one
    assert [item["id"] for item in items(opened)] == ["user1", first, second, "user2"]


def test_item_in_a_delay_is_behind_that_of_the_user() -> None:
    opened, (first,) = running("a", "rules: [{reply: Hi., delay: 1s}]")
    (added, _) = opened.add("b", own={"id": "user2"})
    assert added["previous_item_id"] == "user1"
    end(opened)
    assert [item["id"] for item in items(opened)] == ["user1", first, "user2"]


def test_place_may_be_behind_an_announced_item() -> None:
    opened, (first, second) = running("mixed")
    for id, after in ((first, 0.5), (second, 1.5)):
        changes = {"type": "conversation.item.create", "item": {"type": "message"}, "previous_item_id": id}
        assert opened.send(changes, after - 1.0)[0]["type"] == "error"
        assert opened.send(changes, after)[0]["type"] == "conversation.item.added"


@pytest.mark.parametrize("sent", [None, 1.5])
def test_item_deleted_while_it_is_sent_stays_deleted(sent: float | None) -> None:
    opened, (first, second) = running("mixed")
    opened.send({"type": "conversation.item.delete", "item_id": first}, after=0.5)
    end(opened, sent)
    assert [item["id"] for item in items(opened)] == ["user1", second]


@pytest.mark.parametrize("sent", [None, 0.5])
def test_item_truncated_while_it_is_sent_stays_short(sent: float | None) -> None:
    opened, (first, *_) = running("mixed")
    truncated = {"type": "conversation.item.truncate", "item_id": first, "content_index": 0}
    (event,) = opened.send({**truncated, "audio_end_ms": 120}, after=0.5)
    assert event["type"] == "conversation.item.truncated"
    end(opened, sent)
    assert retrieve(opened, first)["content"][0]["transcript"] == "No"


def test_speech_in_one_message_is_behind_what_it_interrupts() -> None:
    opened, (first, _) = running("mixed")
    opened.hear(SOUND + QUIET, after=0.5)
    assert [item["id"] for item in items(opened)][:2] == ["user1", first]


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ("reply: One., faults: [no_finish]", "completed"),
        ("reply: {chunks: [One., {error: server_error}]}", "incomplete"),
        ("reply: {chunks: [One., two]}, faults: [{malformed: {at: {chunk: 2}}}]", "incomplete"),
    ],
)
def test_item_of_a_cut_response_has_what_was_sent(rule: str, status: str) -> None:
    opened, (first,) = running("a", f"rules: [{{{rule}}}]")
    end(opened)
    item = retrieve(opened, first)
    assert (item["status"], item["content"][0]["transcript"]) == (status, "One.")


@pytest.mark.parametrize(
    ("event", "known"),
    [
        ("{type: response.done, response: {output: [{}, {id: own}]}}", ["own"]),
        ("{type: conversation.item.added, item: {id: own}}", ["own"]),
        ("{type: conversation.item.added, item: {}}", []),
        ("{type: conversation.item.done, item: {id: own}}", []),
        ("{type: response.output_item.done}", []),
    ],
)
def test_items_of_written_events_are_those_with_ids(event: str, known: list[str]) -> None:
    opened = RealtimeSocket(rules=f"rules: [{{http: {{body: {event}}}}}]")
    for _ in range(2):
        opened.respond()
    assert [item["id"] for item in items(opened)] == known
