"""OpenRouter's responses: the form is that of recordings of August 2026."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.rendering.framing import plan_duration
from mockllm.core.rendering.plan import Framing, Plan, RawStep, ResponseHead
from mockllm.dialects.background import DEFAULT_IN_PROGRESS, DEFAULT_QUEUED
from mockllm.dialects.openai.responses.stored_calls import stored_parts
from tests.language.virtual_server import NOW, VirtualServer, raw_request, respond_once

SCENARIO = """
rules:
  - match: {user: call}
    reply: {tool_calls: [{name: find, arguments: {city: Rome}}]}
  - match: {user: think}
    reply: {thinking: Well., text: Yes.}
  - match: {user: fail}
    reply: {chunks: [Yes, {error: overloaded}]}
  - match: {user: own}
    reply: {text: Yes., extras: {openai: {reasoning: {effort: low}}}}
  - reply: {text: Yes.}
"""
PATH = "/openrouter/api/v1/responses"
FUNCTION: dict[str, Json] = {"type": "function", "name": "find", "parameters": {"type": "object"}}


def respond(input: str = "hi", **fields: Json) -> Any:
    """Return the response object of a whole response."""
    body = {"model": "google/gemini-2.5-flash-lite", "input": input, **fields}
    sent = respond_once(SCENARIO, raw_request(PATH, body))
    assert sent.status == 200
    return sent.json


def stream(input: str = "hi", **fields: Json) -> list[Any]:
    """Return the payloads of a stream, which ends with `[DONE]` and whose events have no names."""
    body = {"model": "google/gemini-2.5-flash-lite", "input": input, "stream": True, **fields}
    blocks = respond_once(SCENARIO, raw_request(PATH, body)).bytes.decode().split("\n\n")
    assert all(block.startswith("data: ") for block in blocks[:-1])
    assert blocks[-2:] == ["data: [DONE]", ""]
    return [loads(block.removeprefix("data: ")) for block in blocks[:-2]]


def test_stream_has_no_names_and_ends_with_done() -> None:
    events = stream()
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    assert events[-1]["type"] == "response.completed"
    assert [event["sequence_number"] for event in events] == [*range(len(events))]


MODEL = {"model": "openai/gpt-5.4"}


@pytest.mark.parametrize(
    "more", [{}, {"stream": True}, {"background": True}, {"background": True, "stream": True}]
)
def test_response_is_stored_however_it_is_sent(more: dict[str, Json]) -> None:
    server = VirtualServer(SCENARIO)
    first = server.respond(raw_request(PATH, {**MODEL, "input": "hi", **more}))
    id = re.search(r'"id": ?"(gen-[^"]+)"', first.bytes.decode())
    assert id is not None
    later = {**MODEL, "input": "and", "previous_response_id": id[1]}
    assert server.respond(raw_request(PATH, later, now=NOW + 9)).status == 200


def test_response_in_the_background_has_its_states() -> None:
    sent = raw_request(PATH, {**MODEL, "input": "hi", "background": True, "stream": True})
    response = respond_once(SCENARIO, sent)
    assert plan_duration(response.planned.plan) == pytest.approx(DEFAULT_QUEUED + DEFAULT_IN_PROGRESS)
    blocks = response.bytes.decode().split("\n\n")
    assert all(block.startswith("data: ") for block in blocks[:-1])
    assert blocks[-2:] == ["data: [DONE]", ""]


@pytest.mark.parametrize("done", [b"", b"data: [DONE]\n\n"])
@pytest.mark.parametrize("name", [b"", b"event: response.completed\n"])
def test_recorded_stream_with_and_without_names_is_stored(name: bytes, done: bytes) -> None:
    response = {"id": "gen-1", "object": "response", "output": []}
    payloads = [{"type": "response.created"}, {"type": "response.completed", "response": response}]
    data = b"".join(name + b"data: " + dumps(payload) + b"\n\n" for payload in payloads) + done
    plan = Plan(ResponseHead(200, ()), (RawStep(data, 0),), Framing.SSE)
    stored = stored_parts(plan)
    assert stored is not None
    assert stored[1][0] == "gen-1"
    cut = replace(plan, steps=(RawStep(data[: data.index(b"response.completed")], 0),))
    assert stored_parts(cut) is None


@pytest.mark.parametrize(
    "extras", ["{tools: null}", "{tools: [x, {}]}", "{usage: {input_tokens_details: null}}", "{usage: null}"]
)
def test_extras_of_any_type_are_sent(extras: str) -> None:
    scenario = f"rules: [{{reply: {{text: Yes., extras: {{openai: {extras}}}}}}}]"
    for stream in (False, True):
        sent = respond_once(scenario, raw_request(PATH, {**MODEL, "input": "hi", "stream": stream}))
        assert sent.status == 200


def test_stream_that_fails_has_no_done() -> None:
    body = {"model": "google/gemini-2.5-flash-lite", "input": "fail", "stream": True}
    sent = respond_once(SCENARIO, raw_request(PATH, body)).bytes
    assert b"overloaded" in sent
    assert b"[DONE]" not in sent


def test_end_of_a_calls_arguments_names_the_tool() -> None:
    done = [event for event in stream("call") if event["type"] == "response.function_call_arguments.done"]
    assert [event["name"] for event in done] == ["find"]


def test_function_is_echoed_as_sent() -> None:
    search = {"type": "openrouter:web_search"}
    tools = respond(tools=[FUNCTION, {**FUNCTION, "name": "other", "strict": False}, search])["tools"]
    assert tools[:2] == [{**FUNCTION, "strict": None}, {**FUNCTION, "name": "other", "strict": False}]


@pytest.mark.parametrize(
    ("model", "reasoning"),
    [
        ("google/gemini-2.5-flash-lite", None),
        ("openai/gpt-4o", None),
        ("openai/gpt-4.1-mini", {"context": None, "effort": None, "summary": None}),
        (
            "openai/gpt-5.6-sol",
            {"context": "all_turns", "effort": "medium", "mode": "standard", "summary": "detailed"},
        ),
    ],
)
def test_reasoning_comes_at_the_end(model: str, reasoning: Json) -> None:
    events = stream(model=model)
    assert [event["response"]["reasoning"] for event in events[:2]] == [None, None]
    assert events[-1]["response"]["reasoning"] == reasoning
    assert respond(model=model)["reasoning"] == reasoning


def test_requested_reasoning_is_echoed() -> None:
    reasoning: Json = {"effort": "minimal", "summary": "auto"}
    events = stream("think", model="openai/gpt-5-nano", reasoning=reasoning)
    assert events[0]["response"]["reasoning"] == reasoning
    assert events[-1]["response"]["reasoning"] == {
        "context": "current_turn",
        "effort": "minimal",
        "mode": "standard",
        "summary": "detailed",
    }
    assert respond(reasoning=reasoning)["reasoning"] == reasoning


def test_extras_of_the_reasoning_are_merged() -> None:
    assert respond("own")["reasoning"] == {"effort": "low"}
    assert stream("own")[-1]["response"]["reasoning"] == {"effort": "low"}


def test_reasoning_item_is_sealed_at_its_end() -> None:
    events = stream("think", model="openai/gpt-5-nano")
    opened, ended = (
        event["item"]
        for event in events
        if event["type"].startswith("response.output_item") and event["item"]["type"] == "reasoning"
    )
    assert (opened["status"], ended["status"]) == ("in_progress", "completed")
    assert {"content", "encrypted_content", "format"} & opened.keys() == set()
    assert "content" not in ended
    assert (ended["format"], "encrypted_content" in ended) == ("openai-responses-v1", True)


@pytest.mark.parametrize(
    ("model", "phase", "writes"),
    [
        ("google/gemini-2.5-flash-lite", None, True),
        ("openai/gpt-4.1-mini", None, False),
        ("openai/gpt-5.6-sol", "final_answer", False),
    ],
)
def test_members_of_some_models(model: str, phase: str | None, writes: bool) -> None:
    response = respond(model=model)
    assert response["output"][0].get("phase") == phase
    assert ("cache_write_tokens" in response["usage"]["input_tokens_details"]) is writes


@pytest.mark.parametrize("options", [None, {"mode": "explicit"}])
def test_cache_options_are_echoed(options: Json) -> None:
    assert respond(prompt_cache_options=options)["prompt_cache_options"] == options
