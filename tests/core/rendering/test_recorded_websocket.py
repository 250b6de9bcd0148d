"""A recorded WebSocket as a session: kinds of messages, the place in the recording, times, ends."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import CutStep, EventStep, Framing, Plan, ResponseHead, WaitStep
from mockllm.core.rendering.recorded_websocket import (
    ABNORMAL,
    RecordedMessage,
    RecordedWebSocketSession,
    first_difference,
    message_kind,
    paced_waits,
    recorded_waits,
    turns_of,
)
from mockllm.core.rendering.websocket_frames import read_frames
from mockllm.core.rendering.websocket_session import PlayMessages
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import ObjectLookup


def server(at: float, data: str | bytes, **more: Any) -> RecordedMessage:
    raw = data.encode() if isinstance(data, str) else data
    return RecordedMessage(at, raw, binary=isinstance(data, bytes), **more)


def client(at: float, type: str, **fields: Any) -> RecordedMessage:
    return RecordedMessage(at, json.dumps({"type": type, **fields}).encode(), from_client=True)


TALK = (
    server(0.1, "hello"),
    client(1.0, "update", event_id="e1", voice="a"),
    server(1.5, "updated"),
    client(2.0, "append", audio="AA"),
    client(2.1, "append", audio="BB"),
    server(2.2, "started"),
    client(2.3, "append", audio="CC"),
    client(3.0, "create"),
    server(3.5, "one"),
    server(4.5, b"\1\2"),
    RecordedMessage(5.0, b"Bye.", close=4000),
    RecordedMessage(5.0, b"", from_client=True, close=4000),
)


class Replayed:
    """A client of a recording."""

    def __init__(self, talk: Sequence[RecordedMessage] = TALK, speed: float = 1.0) -> None:
        self.session = RecordedWebSocketSession(turns_of(talk), recorded_waits(speed))

    def send(self, type: str, **fields: Any) -> Any:
        return self.raw(json.dumps({"type": type, **fields}))

    def raw(self, message: str | bytes) -> Any:
        """The one action, or None."""
        actions = self.session.receive(message, 0.0)
        assert len(actions) <= 1
        return actions[0] if actions else None


def texts(action: Any) -> list[bytes]:
    assert isinstance(action, PlayMessages)
    return [frame.payload for frame in read_frames(sent_bytes(action.plan))]


def waits(plan: Plan) -> list[float]:
    return [round(step.seconds, 6) for step in plan.steps if isinstance(step, WaitStep)]


def test_opening_is_what_came_before_the_first_message() -> None:
    (action,) = Replayed().session.opening()
    assert isinstance(action, PlayMessages)
    assert (action.kind, texts(action), waits(action.plan)) == ("open", [b"hello"], [0.1])
    assert list(Replayed(TALK[1:]).session.opening()) == []


def test_message_gets_responses_at_the_recorded_times() -> None:
    replayed = Replayed()
    updated = replayed.send("update", voice="a")
    assert (texts(updated), waits(updated.plan), updated.note) == ([b"updated"], [0.5], None)
    assert updated.kind == "update"
    assert replayed.send("append", audio="x") is None
    created = replayed.send("create")
    assert waits(created.plan) == [0.1, 0.5, 1.0, 0.5]


def test_speed_divides_the_waits() -> None:
    updated = Replayed(speed=2.0).send("update", voice="a")
    assert waits(updated.plan) == [0.25]


def test_end_of_the_provider_closes_with_its_code() -> None:
    replayed = Replayed()
    replayed.send("update", voice="a")
    replayed.send("append", audio="x")
    action = replayed.send("create")
    assert texts(action) == [b"started", b"one", b"\1\2", (4000).to_bytes(2, "big") + b"Bye."]
    assert isinstance(action.plan.steps[-1], CutStep)
    assert action.plan.framing is Framing.WEBSOCKET


def test_reply_to_the_clients_end_is_not_played() -> None:
    ends = [RecordedMessage(0.1, b"", sent, close=1000) for sent in (True, False)]
    replayed = Replayed([client(0.0, "go"), server(0.0, "yes"), *ends])
    assert texts(replayed.send("go")) == [b"yes"]


def test_broken_connection_has_no_close_frame() -> None:
    broken = RecordedMessage(0.0, b"", close=ABNORMAL)
    replayed = Replayed([client(0.0, "go"), server(0.0, "yes"), broken])
    assert [type(step) for step in replayed.send("go").plan.steps] == [EventStep, CutStep]


def test_answer_of_binary_messages_is_binary() -> None:
    replayed = Replayed([client(0.0, "go"), server(0.0, b"\1"), server(0.0, b"\2")])
    assert replayed.send("go").plan.framing is Framing.WEBSOCKET_BINARY


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_audio_in_other_parts_gets_all_responses(count: int) -> None:
    replayed = Replayed()
    replayed.send("update", voice="a")
    actions = [replayed.send("append", audio="x") for _ in range(count)]
    actions.append(replayed.send("create"))
    assert [text for action in actions if action for text in texts(action)][:2] == [b"started", b"one"]


def test_other_content_is_noted() -> None:
    note = Replayed().send("update", event_id="e2", voice="b").note
    assert note == "message 1 (update) differs from the recorded one: voice"
    assert Replayed().send("update", event_id="e2", voice="a").note is None


def test_other_bytes_are_noted() -> None:
    replayed = Replayed([RecordedMessage(0.0, b"\0", True, True), server(0.0, "yes")])
    assert replayed.raw(b"\1").note == "message 1 (binary) differs from the recorded one: its bytes"


@pytest.mark.parametrize(
    ("type", "reason"),
    [
        ("create", "message 1 is create; the recording has update"),
        ("other", "message 1 is other; the recording has update"),
    ],
)
def test_message_out_of_order_closes_with_the_reason(type: str, reason: str) -> None:
    action = Replayed().send(type)
    assert texts(action) == [(1008).to_bytes(2, "big") + reason.encode()]
    assert action.note == reason


def test_message_behind_the_end_closes() -> None:
    replayed = Replayed([client(0.0, "go"), server(0.0, "yes")])
    replayed.send("go")
    assert replayed.send("go").note == "message 2 is go; the recording has no further message"
    silent = Replayed([client(0.0, "go"), client(0.0, "quiet")])
    assert silent.send("other").note == "message 1 is other; the recording has go"
    assert silent.send("go") is None
    assert silent.send("go") is None


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'{"type":"a.b"}', "a.b"),
        (b'{"setup":{"model":"m","tools":[]}}', "setup"),
        (b'{"realtimeInput":{"audio":{}}}', "realtimeInput.audio"),
        (b'{"b":1,"a":2}', "a+b"),
        (b"[1]", "text"),
        (b"{", "text"),
        (b'{"type":"%s"}' % (b"x" * 99), "x" * 60),
    ],
)
def test_kind_is_the_type_or_the_members(data: bytes, kind: str) -> None:
    assert message_kind(data, binary=False) == kind


def test_kind_of_bytes_is_binary() -> None:
    assert message_kind(b"\xff\0", binary=True) == "binary"


@pytest.mark.parametrize(
    ("left", "right", "place"),
    [
        ({"a": 1}, {"a": 1, "event_id": 2}, None),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, "a.b[1]"),
        ({"a": [1]}, {"a": [1, 2]}, "a"),
        ({"a": [1]}, {"a": [1]}, None),
        ({"a": 1}, {}, "a"),
        ({}, {"a": 1}, "a"),
        (1, 2, "its value"),
    ],
)
def test_first_difference_is_a_path(left: Any, right: Any, place: str | None) -> None:
    assert first_difference(left, right) == place


def test_pace_replaces_the_recorded_times() -> None:
    session = RecordedWebSocketSession(turns_of(TALK), paced_waits(lambda answer: [0.0] * len(answer)))
    (action,) = session.opening()
    assert isinstance(action, PlayMessages)
    assert waits(action.plan) == []


def test_session_changes_no_lookup_and_no_plan() -> None:
    session, lookup = Replayed().session, ObjectLookup()
    plan = Plan(ResponseHead(200, ()), ())
    assert session.lookup(lookup) is lookup
    assert session.messages("", Request.__new__(Request), plan) is plan
    assert list(session.ended("", None)) == []
