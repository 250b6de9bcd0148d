"""What clients, faults and the store read of the responses of Mistral's conversations."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead
from mockllm.core.reply.reply import Choice, Media, NativePart, Reply, Text, Thinking, Usage
from mockllm.dialects.decoded_response import DecodedToolCall
from mockllm.dialects.mistral.conversations.decoder import decode
from mockllm.dialects.mistral.conversations.event_layout import CONVERSATION_LAYOUT
from mockllm.dialects.mistral.conversations.outputs import supported_reply
from mockllm.dialects.mistral.conversations.request import MistralConversationRequest
from mockllm.dialects.mistral.conversations.sent_response import sent_response
from tests.dialects.mistral.conversing import LOOK, RULES, Conversing

HEAD = ResponseHead(200, ())
STARTED: Json = {"type": "conversation.response.started", "conversation_id": "conv_1"}
DONE: Json = {"type": "conversation.response.done", "usage": {"prompt_tokens": 3, "completion_tokens": 2}}
ERRORS: dict[str, Json] = {
    "event": {"type": "conversation.response.error", "message": "No.", "code": 1},
    "object": {"object": "error", "message": "No."},
    "gateway": {"detail": "No."},
}


def stream(*payloads: Json) -> Plan:
    steps = tuple(EventStep(dumps(payload), 0, "chunk", None) for payload in payloads)
    return Plan(HEAD, steps, Framing.SSE)


def body(value: Json) -> Plan:
    return Plan(HEAD, (EventStep(dumps(value), 0, "body"),))


def delta(place: Json, content: Json) -> dict[str, Json]:
    return {"type": "message.output.delta", "output_index": place, "id": "msg_1", "content": content}


def call(place: Json, arguments: Json) -> dict[str, Json]:
    named: Json = {"name": "look", "tool_call_id": "c1", "arguments": arguments}
    return {"type": "function.call.delta", "output_index": place, "id": "fc_1", **named}


def thinking(text: Json) -> Json:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


# --- decoding ------------------------------------------------------------------------------------


@pytest.mark.parametrize("streamed", [True, False])
def test_reply_is_decoded(streamed: bool) -> None:
    fields = {"model": "m", "inputs": "hi", "tools": LOOK, "stream": streamed}
    decoded = decode(Conversing().respond("conversations", fields).planned.plan)
    assert decoded is not None
    assert (decoded.text, decoded.thinking, decoded.finish) == ("I look.", "Hm.", None)
    assert decoded.calls == (DecodedToolCall("look", {"a": 1}), DecodedToolCall("look", {}))
    assert set(decoded.tools_by_call_id.values()) == {"look"}
    assert (decoded.usage or Usage(0, 0)).input > 0
    assert (decoded.chunks is None) is not streamed


@pytest.mark.parametrize("form", ERRORS)
def test_error_is_decoded_with_its_message(form: str) -> None:
    decoded = decode(body(ERRORS[form]))
    assert decoded is not None
    assert decoded.error["message"] == "No."


@pytest.mark.parametrize("value", [{}, [], {"object": "list"}, {"object": "error"}, 7])
def test_other_body_is_not_decoded(value: Json) -> None:
    assert decode(body(value)) is None


def test_odd_members_are_not_decoded() -> None:
    outputs: Json = [
        {"type": "message.output", "content": [{"type": "tool_file"}, 7]},
        {"type": "function.call", "name": 7},
        {"type": "function.call", "name": "look", "arguments": {"a": 1}},
        {"type": "tool.execution"},
        7,
    ]
    decoded = decode(body({"object": "conversation.response", "outputs": outputs, "usage": None}))
    assert decoded is not None
    assert (decoded.text, decoded.usage, decoded.calls) == (None, None, (DecodedToolCall("look", {"a": 1}),))


# --- faults --------------------------------------------------------------------------------------


def test_layout_finds_calls_usage_roles_and_texts() -> None:
    text, called = delta(0, "hi"), call(1, "{}")
    (place,) = CONVERSATION_LAYOUT.calls(called, set())
    assert (place.number, place.index, place.id) == (1, (called, "output_index"), (called, "tool_call_id"))
    assert place.arguments == (called, "arguments")
    assert not list(CONVERSATION_LAYOUT.calls(text, set()))
    assert list(CONVERSATION_LAYOUT.roles(text)) == [(text, "role")]
    assert not list(CONVERSATION_LAYOUT.roles(called))
    assert CONVERSATION_LAYOUT.text(text) == (text, "content")
    assert CONVERSATION_LAYOUT.text(delta(0, thinking("Hm"))) is CONVERSATION_LAYOUT.text(called) is None
    assert CONVERSATION_LAYOUT.usage(DONE) == (DONE, "usage")
    assert CONVERSATION_LAYOUT.usage(text) is None


def faulty(fault: str) -> Any:
    rules = f"modifiers: [{{match: {{api: agent_conversations}}, faults: [{fault}]}}]\n{RULES}"
    return Conversing(rules).stream("hi", tools=LOOK)


def test_faults_change_the_stream() -> None:
    assert "usage" not in faulty("no_usage")[-1]
    assert faulty("no_finish")[-1]["type"] == "function.call.delta"
    roles = [
        "role" in event for event in faulty("{role: {at: never}}") if event["type"] == "message.output.delta"
    ]
    assert not any(roles)
    ids = [
        event["tool_call_id"] for event in faulty("{tool_call_chunks: {id: empty}}") if "arguments" in event
    ]
    assert not any(ids)


def test_paced_stream_waits_between_chunks() -> None:
    rules = "rules: [{reply: one two three, pace: {ttft: 1s, tokens_per_second: 2}}]"
    body = {"model": "m", "inputs": "hi", "stream": True}
    events = Conversing(rules).respond("conversations", body).events
    texts = [event.at for event in events if event.name == "message.output.delta"]
    assert texts[0] >= 1.0
    assert texts == sorted(set(texts))


# --- storage -------------------------------------------------------------------------------------


def test_stream_adds_up_to_entries() -> None:
    sent = sent_response(
        stream(
            *(STARTED, delta(0, thinking("a")), delta(0, thinking("b")), delta(0, "c"), delta(0, "d")),
            *(delta(0, 7), call(1, '{"a"'), call(1, ":1}"), call(1, None)),
            {"type": "tool.execution.started", "output_index": 2, "name": "web_search", "arguments": "{}"},
            {"type": "tool.execution.done", "output_index": 2, "name": "web_search", "info": {}},
            {"type": "agent.handoff.started", "output_index": 3, "previous_agent_id": "ag_1"},
            {"type": "agent.handoff.done", "output_index": 3, "next_agent_id": "ag_2"},
            *(call(0, "x"), {"type": "other", "output_index": 9}, {"output_index": 9}, delta("x", "y"), DONE),
        )
    )
    assert sent["conversation_id"] == "conv_1"
    message, called, execution, handoff = sent["outputs"]
    assert message["content"] == [thinking("ab"), {"type": "text", "text": "cd"}]
    assert (called["arguments"], called["tool_call_id"]) == ('{"a":1}', "c1")
    assert (execution["type"], execution["arguments"], execution["info"]) == ("tool.execution", "{}", {})
    assert (handoff["previous_agent_id"], handoff["next_agent_id"]) == ("ag_1", "ag_2")


def test_stream_without_end_is_no_response() -> None:
    assert sent_response(stream(STARTED, delta(0, "a"))) == {}


def test_only_executions_are_blocks() -> None:
    parts = [NativePart("openai", block) for block in ({"type": "other"}, 7)]
    media = Media("image/png", "")
    hidden = Thinking(("Hm.",), redacted=True)
    reply = Reply((Choice((*parts, NativePart("gemini", {}), media, hidden, Text(("hi",)))),))
    assert supported_reply(reply).choices == (Choice((Text(("hi",)),)),)


def test_request_without_body_begins_nothing() -> None:
    request = MistralConversationRequest(method="POST", path="/v1/conversations", headers={})
    assert (request.messages, request.model, request.conversation_name) == ((), None, None)
    assert request.may_be_stored
