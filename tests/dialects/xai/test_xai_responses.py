"""Responses of xAI, whose form depends on the request. Recorded from June to August 2026."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import EventStep
from mockllm.core.reply.reply import Choice, Reply, Text, Thinking
from mockllm.dialects.openai.responses.request import ResponsesRequest
from mockllm.dialects.xai.responses import XaiResponses
from tests.compatible import vendor_dialect
from tests.dialects.openai.chat.chat_requests import IDENTITY

REPLY = Reply((Choice((Thinking(("t",)), Text(("a",)))),))
TOOL: dict[str, Json] = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}


def xai() -> XaiResponses:
    dialect = vendor_dialect("xai", "responses")
    assert isinstance(dialect, XaiResponses)
    return dialect


def request(**fields: Json) -> ResponsesRequest:
    raw = dumps({"model": "grok-4.3", "input": "hi", **fields})
    return ResponsesRequest(method="POST", path="/", headers={}, raw=raw, provider="xai")


def body(**fields: Json) -> Json:
    (step,) = xai().encode_body(REPLY, request(**fields), IDENTITY).steps
    assert isinstance(step, EventStep)
    return loads(step.payload)


def streamed(**fields: Json) -> list[Json]:
    plan = xai().encode_stream(REPLY, request(stream=True, **fields), IDENTITY)
    return [loads(data) for data, _ in events(plan)]


@pytest.mark.parametrize("included", [[], ["reasoning.encrypted_content"]])
def test_only_a_request_that_includes_it_gets_encrypted_content(included: Json) -> None:
    item = body(include=included)["output"][0]
    (done,) = (
        event["item"]
        for event in streamed(include=included)
        if event["type"] == "response.output_item.done" and event["item"]["type"] == "reasoning"
    )
    assert ["encrypted_content" in each for each in (item, done)] == [bool(included)] * 2


@pytest.mark.parametrize("tool", [TOOL, {**TOOL, "strict": None}])
def test_a_stream_echoes_a_missing_strict_as_null(tool: Json) -> None:
    tools: Json = [tool, {**TOOL, "name": "g", "strict": False}]
    assert [tool["strict"] for tool in body(tools=tools)["tools"]] == [False, False]
    for event in (streamed(tools=tools)[0], streamed(tools=tools)[-1]):
        assert [tool["strict"] for tool in event["response"]["tools"]] == [None, False]
