"""What a response depends on is in the keys of the caches: no response has anything of another request."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.engine.settings import EngineSettings
from tests.engine.cached_and_rendered import compare
from tests.language.virtual_server import ClientRequest, VirtualServer, chat_request, raw_request

PACED = "pace: {itl: [1ms, 2ms]}"
WAITS = pytest.mark.parametrize("settings", ["", PACED], ids=["at once", "drawn waits"])


def both_orders(scenario: str, first: ClientRequest, other: ClientRequest, **more: Any) -> None:
    """Compare responses to one request with those after another one, both ways round."""
    compare(scenario, [first, first, first, other], **more)
    compare(scenario, [first, other], **more)
    compare(scenario, [other, other, other, first], **more)


# --- media -------------------------------------------------------------------------------------------


def responses_request(user: str, *, stream: bool = False) -> ClientRequest:
    return raw_request("/v1/responses", {"model": "gpt-4o", "input": user, "stream": stream})


def gemini_request(user: str, call: str = "generateContent", **config: Any) -> ClientRequest:
    body = {"contents": [{"role": "user", "parts": [{"text": user}]}], "generationConfig": config}
    return raw_request(f"/v1beta/models/gemini-2.5-flash:{call}", body)


@WAITS
@pytest.mark.parametrize("stream", [False, True], ids=["non-streaming", "streaming"])
def test_a_generated_image_is_of_the_prompt_of_its_request(stream: bool, settings: str) -> None:
    scenario = f"rules: [{{reply: {{text: here, images: [{{size: 64x64}}]}}, {settings}}}]"
    both_orders(
        scenario, responses_request("a cat", stream=stream), responses_request("a red dog", stream=stream)
    )


@pytest.mark.parametrize("part", ["audio: {duration: 100ms}", "video: {size: 64x64, duration: 1s}"])
def test_generated_sound_and_video_are_of_their_own_prompt(part: str) -> None:
    both_orders(f"rules: [{{reply: {{{part}}}}}]", gemini_request("a cat"), gemini_request("a red dog"))


def test_an_image_in_a_part_is_of_the_prompt_of_its_request() -> None:
    scenario = "rules: [{reply: {parts: [here, {images: [{size: 64x64}]}]}}]"
    both_orders(scenario, responses_request("a cat"), responses_request("a red dog"))


@pytest.mark.parametrize("call", ["generateContent", "streamGenerateContent"])
def test_an_image_with_modalities_is_of_its_own_prompt(call: str) -> None:
    first, other = (
        gemini_request(user, call, responseModalities=["TEXT", "IMAGE"]) for user in ("a cat", "a red dog")
    )
    both_orders("rules: [{reply: here}]", first, other)


def test_a_written_image_is_cached() -> None:
    game = compare("rules: [{reply: {text: here, images: [{data: aGk=}]}}]", [responses_request("hi")] * 3)
    assert game.engine._planner.response_cache.entries


# --- forms of a text ---------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", ["json: Oslo", "parts: [{json: Oslo}]", "choices: [{json: Oslo}, b]"])
def test_an_enum_is_bare_where_the_request_wants_that(reply: str) -> None:
    schema = {"type": "STRING", "enum": ["Oslo", "Rome"]}
    wanted, other = (
        gemini_request("hi", responseMimeType=mime, responseSchema=schema)
        for mime in ("application/json", "text/x.enum")
    )
    both_orders(f"rules: [{{reply: {{{reply}}}}}]", wanted, other)
    game = VirtualServer(f"rules: [{{reply: {{{reply}}}}}]")
    texts = [
        game.respond(each).json["candidates"][0]["content"]["parts"][0]["text"] for each in (wanted, other)
    ]
    assert texts == ['"Oslo"', "Oslo"]


# --- citations ---------------------------------------------------------------------------------------

COHERE_CALL = [
    {
        "role": "assistant",
        "tool_plan": "p",
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "21"},
]


@WAITS
@pytest.mark.parametrize("stream", [False, True], ids=["non-streaming", "streaming"])
def test_a_citation_has_the_source_of_its_own_request(stream: bool, settings: str) -> None:
    def ask(*more: Any) -> ClientRequest:
        messages = [{"role": "user", "content": "hi"}, *more]
        body = {"model": "command-a-03-2025", "messages": messages, "stream": stream}
        return raw_request("/cohere/v2/chat", body)

    cited = "{text: Paris is nice., citations: [{url: 'https://a.test', title: A, quote: q}]}"
    both_orders(f"rules: [{{reply: {cited}, {settings}}}]", ask(), ask(*COHERE_CALL))


# --- what a response echoes --------------------------------------------------------------------------

ECHOED = {
    "metadata": ('{"a": "1", "b": "2"}', '{"b": "2", "a": "1"}'),
    "temperature": ("1", "1.0"),
    "tools": (
        '[{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}]',
        '[{"type": "function", "name": "f", "parameters": {"properties": {}, "type": "object"}}]',
    ),
    "text": (
        '{"format": {"type": "json_schema", "name": "n", "schema": {"type": "object", "properties": {}}}}',
        '{"format": {"type": "json_schema", "name": "n", "schema": {"properties": {}, "type": "object"}}}',
    ),
}


@WAITS
@pytest.mark.parametrize("stream", ["false", "true"])
@pytest.mark.parametrize("name", ECHOED)
def test_a_response_echoes_its_own_request(name: str, stream: str, settings: str) -> None:
    first, other = (
        raw_request(
            "/v1/responses", f'{{"model": "gpt-4o", "input": "hi", "stream": {stream}, "{name}": {value}}}'
        )
        for value in ECHOED[name]
    )
    both_orders(f"rules: [{{reply: Hello, {settings}}}]", first, other)


def test_the_order_of_the_fields_is_no_part_of_a_key() -> None:
    bodies = ('"temperature": 1, "top_p": 1', '"top_p": 1, "temperature": 1')
    requests = [raw_request("/v1/responses", f'{{"model": "m", "input": "hi", {body}}}') for body in bodies]
    game = compare("rules: [{reply: Hello}]", [*requests, *requests])
    assert len(game.engine._planner.response_cache.entries) == 1


# --- waits that a response states --------------------------------------------------------------------

BROKEN = "rules: [{reply: {chunks: [a, {error: {type: rate_limit, retry_after: 10s}}]}, %s}]"


INDEPENDENT = f"usage: {{input_tokens: 1, output_tokens: 1}}, model: m}}, stream: true, {PACED}"
"""The end of a reply that depends on nothing of the request, and its settings."""


def test_an_independent_error_states_the_wait_of_its_own_clock() -> None:
    scenario = "validation: off\n" + BROKEN.replace("}]}, %s", f"}}], {INDEPENDENT}")
    plain, own_clock = (chat_request(headers=headers) for headers in ({}, {"x-mockllm-clock": "scenario"}))
    both_orders(scenario, plain, own_clock, settings=EngineSettings(time_scale=0.5))


@pytest.mark.parametrize("settings", ["delay: [1ms, 2ms]", PACED])
def test_an_error_in_a_stream_states_the_wait_of_its_own_clock(settings: str) -> None:
    plain, own_clock = (
        chat_request("hi", stream=True, headers=headers) for headers in ({}, {"x-mockllm-clock": "scenario"})
    )
    both_orders(BROKEN % settings, plain, own_clock, settings=EngineSettings(time_scale=0.5))


@pytest.mark.parametrize("settings", ["delay: [1ms, 2ms]", PACED])
def test_an_error_in_a_stream_names_the_key_of_its_own_request(settings: str) -> None:
    scenario = BROKEN.replace("rate_limit, retry_after: 10s", "authentication") % settings
    first, other = (chat_request("hi", key=key, stream=True) for key in ("sk-first-1111", "sk-other-2222"))
    assert b"2222" in VirtualServer(scenario).respond(other).bytes
    both_orders(scenario, first, other)


# --- recordings --------------------------------------------------------------------------------------

FRAMES = "".join(
    f'data: {{"object":"chat.completion.chunk","choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}\\n\\n'
    for text in ("Forty", "-two")
).replace('"', '\\"')
RECORDED = f"""
rules:
  - replay:
      timing: none
      headers: {{content-type: text/event-stream}}
      frames: ["{FRAMES}"]
    pace: {{ttft: 1s, itl: 1s}}
"""


@pytest.mark.parametrize("reverse", [False, True])
def test_the_dialect_of_the_request_decodes_a_recording(reverse: bool) -> None:
    """OpenAI's responses do not decode chat completions, those of Groq do, and both are the api `responses`."""
    body = {"model": "m", "input": "hi", "stream": True}
    requests = [raw_request(path, body) for path in ("/v1/responses", "/groq/openai/v1/responses")]
    alone = {each.path: VirtualServer(RECORDED).respond(each).timed_bytes for each in requests}
    game = VirtualServer(RECORDED)
    for each in reversed(requests) if reverse else requests:
        assert game.respond(each).timed_bytes == alone[each.path]
