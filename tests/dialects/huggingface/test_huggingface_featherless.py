"""Featherless behind Hugging Face's router. Recorded in August 2026: chats, and legacy completions."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.reply.reply import Choice, Reply, Text, ToolCall
from mockllm.dialects.huggingface.featherless import FeatherlessCompletions
from mockllm.dialects.vendors.chat import VendorChat
from tests.dialects.vendors.test_vendor_calls import IDENTITY, route_request

BASE = "/huggingface/featherless-ai/v1"
HI = Reply((Choice((Text(("O", "K")),)),))
CALLED = Reply((Choice((ToolCall("look", ('{"a":1}',)),), "tool_calls"),))
MESSAGES: Json = [{"role": "user", "content": "hi"}]
USAGE = ["prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens"]


def received(call: str, reply: Reply, **fields: Json) -> list[Any]:
    dialect, request = route_request(f"{BASE}/{call}", {"model": "m", **fields})
    assert isinstance(dialect, VendorChat | FeatherlessCompletions)
    assert dialect.check(request) is None
    encode = dialect.encode_stream if request.stream else dialect.encode_body
    plan = encode(dialect.supported_reply(reply, request), request, IDENTITY)
    if request.stream:
        return [loads(data) for data, _ in events(plan) if data != b"[DONE]"]
    assert "access-control-expose-headers" in dict(plan.head.headers)
    return [loads(data) for data, _ in events(plan)]


def test_chat_has_the_form_of_featherless() -> None:
    (body,) = received("chat/completions", HI, messages=MESSAGES)
    message = {"role": "assistant", "content": "OK"}
    assert body["choices"] == [{"index": 0, "message": message, "finish_reason": "stop"}]
    assert body["system_fingerprint"] == "fp1-rss-p1"
    assert list(body["usage"]) == USAGE


def test_stream_begins_with_text_and_ends_with_usage() -> None:
    first, _, end, usage = received("chat/completions", HI, messages=MESSAGES, stream=True)
    text = {"role": "assistant", "content": "O"}
    assert first["choices"] == [{"index": 0, "delta": text, "finish_reason": None}]
    assert end["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    with_fingerprint = [chunk for chunk in (first, end, usage) if "system_fingerprint" in chunk]
    assert with_fingerprint == [end]
    assert (usage["choices"], list(usage["usage"])) == ([], USAGE)


def test_chunks_of_a_call_have_no_finish_reason() -> None:
    opened, arguments, end, _ = received("chat/completions", CALLED, messages=MESSAGES, stream=True)
    (choice,) = opened["choices"]
    (call,) = choice["delta"]["tool_calls"]
    assert call.pop("id").startswith("llama-")
    assert call == {"index": 0, "type": "function", "function": {"name": "look"}}
    assert "finish_reason" not in choice
    assert list(arguments["choices"][0]) == ["index", "delta"]
    assert end["choices"][0]["finish_reason"] == "tool_calls"


def test_call_of_a_whole_response_has_its_arguments() -> None:
    (body,) = received("chat/completions", CALLED, messages=MESSAGES)
    (call,) = body["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "look", "arguments": '{"a":1}'}


@pytest.mark.parametrize("counted", [False, True])
def test_completions_have_the_form_of_featherless(*, counted: bool) -> None:
    (body,) = received("completions", HI, prompt="p")
    assert body["choices"] == [{"text": "OK", "index": 0, "finish_reason": "stop"}]
    assert (body["system_fingerprint"], list(body["usage"])) == ("fp1-rss-p1", USAGE)
    options: dict[str, Json] = {"stream_options": {"include_usage": True}} if counted else {}
    first, _, *_, end, usage = received("completions", HI, prompt="p", stream=True, **options)
    assert first["choices"] == [{"text": "O", "index": 0, "finish_reason": None}]
    assert first.keys().isdisjoint({"system_fingerprint", "usage"})
    assert "usage" not in end
    assert (end["choices"][0]["finish_reason"], end["system_fingerprint"]) == ("stop", "fp1-rss-p1")
    assert (usage["choices"], list(usage["usage"])) == ([], USAGE)
