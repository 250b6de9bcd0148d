"""Anthropic's chat completions for OpenAI's SDKs."""

from __future__ import annotations

import pytest

from mockllm.core.failure import NAMED, Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.randomness import Ids
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Choice, Reply, Text, Thinking, ToolCall, Usage
from mockllm.dialects.anthropic.messages import MESSAGES
from mockllm.dialects.anthropic_chat_completions.provider import COMPATIBLE_CHAT
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.chat.dialect import CHAT
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.router import RouteMatch, find_route

IDENTITY = ResponseIdentity(Ids(0, "claude", 1), 1_760_000_000.0)
REPLY = Reply((Choice((Thinking(("Hm.",)), Text(("4242",)))),), Usage(17, 15))


def request(**fields: Json) -> ChatRequest:
    body = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "hi"}], **fields}
    return ChatRequest(method="POST", path="/", headers={}, raw=dumps(body))


def payloads(plan: Plan) -> list[Json]:
    return [loads(data) for data, _ in events(plan) if data != b"[DONE]"]


def test_body_has_the_recorded_form() -> None:
    plan = COMPATIBLE_CHAT.encode_body(COMPATIBLE_CHAT.supported_reply(REPLY, request()), request(), IDENTITY)
    (body,) = payloads(plan)
    assert body.pop("id").startswith("msg_01")
    assert body == {
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": "claude-sonnet-4-5-20250929",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "4242"}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 17, "completion_tokens": 15, "total_tokens": 32},
    }
    headers = dict(plan.head.headers)
    assert headers["x-request-id"].startswith("req_01")
    assert headers["x-ratelimit-requests"] == "4000"


def test_stream_has_calls_with_anthropics_ids() -> None:
    called = Reply((Choice((ToolCall("look", ("{}",)),), "tool_calls"),), model="mine")
    chunks = payloads(COMPATIBLE_CHAT.encode_stream(called, request(stream=True), IDENTITY))
    assert {(chunk["id"][:6], chunk["model"]) for chunk in chunks} == {("msg_01", "mine")}
    (opened,) = [
        call
        for chunk in chunks
        for call in chunk["choices"][0]["delta"].get("tool_calls", ())
        if "id" in call
    ]
    assert opened["id"].startswith("toolu_01")


@pytest.mark.parametrize("name", sorted(NAMED))
def test_error_has_anthropics_status_and_type(name: str) -> None:
    plan = COMPATIBLE_CHAT.error(Failure(name), request(), IDENTITY)
    own = MESSAGES.error(Failure(name), request(), IDENTITY)
    (error,), (expected,) = payloads(plan), payloads(own)
    assert plan.head.status == own.head.status
    assert error["error"]["type"] == error["error"]["code"] == expected["error"]["type"]
    assert (list(error), error["error"]["param"]) == (["error"], None)


@pytest.mark.parametrize(
    ("path", "headers", "compatible"),
    [
        ("/anthropic/v1/chat/completions", {}, True),
        ("/v1/chat/completions", {"x-api-key": "k", "anthropic-version": "2023-06-01"}, False),
        ("/v1/chat/completions", {}, False),
    ],
)
def test_path_needs_the_prefix(path: str, headers: dict[str, str], compatible: bool) -> None:
    match = find_route("POST", path, headers)
    assert isinstance(match, RouteMatch)
    assert match.dialect is (COMPATIBLE_CHAT if compatible else CHAT)
    assert match.provider == ("anthropic" if compatible else "openai")
