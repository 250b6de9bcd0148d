"""This server's own responses, compared as those of a provider: nothing differs."""

from __future__ import annotations

import json
from functools import cache

import pytest

from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.recorded_plan import RecordedFrame
from mockllm.core.request.request import Request
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.providers import GENERATING_CALLS, GeneratingCall
from mockllm.drift.compared_exchange import compare_exchange
from mockllm.recordings.interaction import RecordedResponse
from tests.dialects.full_requests import calls
from tests.language.virtual_server import NOW, VirtualServer

RULES = {
    "validation": "off",
    "rules": [
        {"match": {"user": "fail"}, "error": "model_not_found"},
        {"reply": {"thinking": "Hm.", "text": "Hello.", "tool_calls": [{"name": "look", "arguments": {}}]}},
    ],
}


@cache
def server() -> VirtualServer:
    return VirtualServer(json.dumps(RULES))


def sent(call: GeneratingCall, user: str, *, stream: bool) -> Request:
    wire = call.dialect.build_request(NeutralRequest(user=user, stream=stream))
    path, _, query = wire.path.partition("?")
    headers = {name.lower(): value for name, value in wire.headers.items()}
    return server().engine.read("POST", path, query, headers, json.dumps(wire.body).encode(), "c", NOW)


def assert_same(call: GeneratingCall, user: str, *, stream: bool) -> None:
    """The response of a call does not differ from itself."""
    request = sent(call, user, stream=stream)
    plan = server().engine.respond(request).plan
    body = (RecordedFrame(0.0, sent_bytes(plan)),)
    compared = compare_exchange(
        server().engine, request, RecordedResponse(plan.head.status, tuple(plan.head.headers), body)
    )
    assert compared is not None
    assert (compared.f1, [*compared.differences]) == (1.0, [])


@calls
@pytest.mark.parametrize("stream", [False, True])
def test_own_response_does_not_differ(call: GeneratingCall, stream: bool) -> None:
    assert_same(call, "hi", stream=stream)


@pytest.mark.parametrize("stream", [False, True])
def test_own_error_of_gemini_does_not_differ(stream: bool) -> None:
    """A stream's error has the content type of a stream, and is JSON."""
    (call,) = (item for item in GENERATING_CALLS if item.name == "gemini-generate")
    assert_same(call, "fail", stream=stream)
