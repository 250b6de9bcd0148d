"""Responses of realtime and Live sessions as they are decoded, for traces and the verdicts on clients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from mockllm.core.json.codec import dumps
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead
from mockllm.dialects.decoded_response import DecodedResponse, DecodedToolCall
from mockllm.dialects.gemini.live import decoder as live
from mockllm.dialects.openai.realtime import decoder as realtime
from tests.dialects.test_socket_faults import REPLIES, WIRES, respond

DECODERS: Final[dict[str, Callable[[Plan], DecodedResponse | None]]] = {
    "realtime text": realtime.decode,
    "live": live.decode,
}
wires = pytest.mark.parametrize("wire", DECODERS)


def decoded(wire: str, reply: dict[str, Any]) -> DecodedResponse:
    plan, _ = respond(wire, reply, [])
    found = DECODERS[wire](plan)
    assert found is not None
    return found


def of_events(*messages: Any) -> Plan:
    steps = tuple(EventStep(dumps(message), 0, "chunk") for message in messages)
    return Plan(ResponseHead(200, ()), steps, Framing.WEBSOCKET)


@wires
def test_text_and_usage_of_socket_are_decoded(wire: str) -> None:
    found = decoded(wire, {**REPLIES["text"], "usage": {"output_tokens": 7, "cached_tokens": 2}})
    assert (found.text, found.finish, found.error) == ("one two three four", "stop", None)
    assert found.chunks == ("one ", "two ", "three ", "four")
    assert found.usage is not None
    assert (found.usage.output, found.usage.cache_read) == (7, 2)


@wires
def test_call_of_socket_is_decoded(wire: str) -> None:
    found = decoded(wire, REPLIES["call"])
    assert found.calls == (DecodedToolCall("look", {"a": 1, "b": "two"}),)
    assert (found.text, found.finish) == (None, "tool_calls")
    assert list(found.tools_by_call_id.values()) == ["look"]


def test_speech_of_realtime_session_has_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    method, path, body = WIRES["realtime text"]
    speaking = {**body, "realtime": {"output_modalities": ["audio"]}}
    monkeypatch.setitem(WIRES, "realtime text", (method, path, speaking))
    assert decoded("realtime text", REPLIES["text"]).text == "one two three four"


def test_end_of_realtime_response_is_decoded() -> None:
    short = decoded("realtime text", {"text": "One", "finish_reason": "length"})
    assert short.finish == "length"
    broken = decoded("realtime text", {"chunks": ["One", {"error": "server_error"}]})
    assert (broken.text, broken.finish, broken.error["type"]) == ("One", None, "server_error")


def test_end_of_live_turn_is_decoded() -> None:
    rejected = {"serverContent": {"turnComplete": True, "turnCompleteReason": "RESPONSE_REJECTED"}}
    transcript = {"serverContent": {"outputTranscription": {"text": "Hi."}}}
    thought = {"serverContent": {"modelTurn": {"parts": [{"text": "Hm.", "thought": True}, 7]}}}
    found = live.decode(of_events(thought, transcript, rejected))
    assert found is not None
    assert (found.thinking, found.text, found.finish) == ("Hm.", "Hi.", "content_filter")


@wires
@pytest.mark.parametrize(
    "message",
    [
        [],
        {"setupComplete": {}},
        {"type": "session.created"},
        {"toolCall": {"functionCalls": 7}},
        {"type": "response.output_item.added", "output_index": 0, "item": 7},
    ],
)
def test_other_messages_are_no_response(wire: str, message: Any) -> None:
    assert DECODERS[wire](of_events(message)) is None


def test_odd_parts_of_messages_are_skipped() -> None:
    found = live.decode(of_events({"toolCall": {"functionCalls": [7, {"name": "f"}]}}))
    assert found is not None
    assert found.calls == (DecodedToolCall("f", {}),)
    ended = realtime.decode(of_events({"type": "response.done", "response": {"status": "cancelled"}}))
    assert ended is not None
    assert (ended.finish, ended.usage) == (None, None)
