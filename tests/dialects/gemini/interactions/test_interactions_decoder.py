"""Interactions as they are decoded, whole and streamed: for the journal, traces, examples and imported recordings."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import dumps
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.dialects.decoded_response import DecodedResponse, DecodedToolCall
from mockllm.dialects.gemini.interactions.decoder import decode
from tests.dialects.gemini.interactions.test_interactions import LOOK, RULES
from tests.language.virtual_server import VirtualServer, raw_request

streamed = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])


def decoded(input: str, stream: bool, **fields: Any) -> DecodedResponse:
    body = {"model": "gemini-2.5-flash", "input": input, "stream": stream, **fields}
    response = VirtualServer(RULES).respond(raw_request("/v1beta/interactions", body))
    found = decode(response.planned.plan)
    assert found is not None
    return found


@streamed
def test_text_and_usage_are_decoded(stream: bool) -> None:
    found = decoded("hi", stream)
    assert (found.text, found.finish, found.error) == ("hi! Turn 1.", "stop", None)
    assert found.usage is not None
    assert (found.usage.input, found.usage.output) == (4, 6)
    assert found.chunks is None if not stream else "".join(found.chunks or ()) == found.text


@streamed
def test_thinking_and_call_are_decoded(stream: bool) -> None:
    config = {"thinking_summaries": "auto"}
    found = decoded("go", stream, tools=LOOK, generation_config=config)
    assert found.calls == (DecodedToolCall("look", {"a": 1}),)
    assert (found.thinking, found.finish) == ("Let me see", "tool_calls")
    assert list(found.tools_by_call_id.values()) == ["look"]


@streamed
def test_length_and_errors_are_decoded(stream: bool) -> None:
    short, broken, limited = (decoded(word, stream) for word in ("short", "broken", "limit"))
    assert short.finish == "length"
    assert (broken.error["code"], limited.error["code"]) == ("unavailable", "resource_exhausted")
    assert broken.text == ("One" if stream else None)


def test_running_interaction_has_no_finish() -> None:
    found = decoded("polled", stream=False, background=True)
    assert (found.text, found.finish, found.usage) == (None, None, None)


@pytest.mark.parametrize("body", [[], {"object": "other"}, {"event_type": "x", "interaction": 7}])
def test_other_object_is_no_interaction(body: Any) -> None:
    assert decode(Plan(ResponseHead(200, ()), (EventStep(dumps(body), 0, "body"),))) is None
