"""The google-genai package reads our responses: Gemini's API and Vertex AI, sync and async, non-streaming and
streamed, tools, structured output, thoughts, counts, models and embeddings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from google import genai
from google.genai import types
from pydantic import BaseModel

from tests.live import Live
from tests.sdk.gemini_clients import MODEL, behind_a_prefix, first_version, gemini, post, vertex

OLDER = "gemini-2.5-flash"


class Weather(BaseModel):
    city: str
    degrees: int


def get_weather(city: str) -> dict[str, int]:
    """The weather of a city."""
    return {"degrees": 21}


TOOLS = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather",
            description="The weather of a city.",
            parameters=types.Schema(
                type=types.Type.OBJECT,
                properties={"city": types.Schema(type=types.Type.STRING)},
                required=["city"],
            ),
        )
    ]
)
OFFERED = types.GenerateContentConfig(
    tools=[TOOLS], automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True)
)


CLIENTS = {
    "gemini": gemini,
    "gemini, v1": first_version,
    "gemini, behind a prefix": behind_a_prefix,
    "vertex": vertex,
}


@pytest.fixture(params=list(CLIENTS.values()), ids=list(CLIENTS))
def client(request: pytest.FixtureRequest, live: Live) -> Iterator[genai.Client]:
    with request.param(live) as built:
        yield built


def parts_of(response: types.GenerateContentResponse) -> list[types.Part]:
    assert response.candidates is not None
    content = response.candidates[0].content
    return (content.parts or []) if content is not None else []


def test_text_response_has_model_id_finish_and_usage(client: genai.Client) -> None:
    response = client.models.generate_content(model=MODEL, contents="hello")
    assert response.text == "Hello, world. It is a fine day."
    assert response.model_version == MODEL
    assert response.response_id is not None
    assert len(response.response_id) == 23
    assert response.candidates is not None
    assert response.candidates[0].finish_reason is types.FinishReason.STOP
    usage = response.usage_metadata
    assert usage is not None
    assert (usage.prompt_token_count, usage.candidates_token_count, usage.total_token_count) == (12, 9, 21)


def test_text_stream_has_chunks_finish_and_usage(client: genai.Client) -> None:
    chunks = list(client.models.generate_content_stream(model=MODEL, contents="hello"))
    assert "".join(chunk.text or "" for chunk in chunks) == "Hello, world. It is a fine day."
    assert len(chunks) > 2
    assert len({chunk.response_id for chunk in chunks}) == 1
    finishes = [chunk.candidates[0].finish_reason for chunk in chunks if chunk.candidates]
    assert finishes == [None] * (len(chunks) - 1) + [types.FinishReason.STOP]
    usage = chunks[-1].usage_metadata
    assert usage is not None
    assert (usage.prompt_token_count, usage.candidates_token_count) == (12, 9)


def test_async_client_reads_same_text(live: Live) -> None:
    async def ask() -> tuple[str | None, str]:
        requester = gemini(live).aio
        whole = await requester.models.generate_content(model=MODEL, contents="hello")
        stream = await requester.models.generate_content_stream(model=MODEL, contents="hello")
        texts = [chunk.text or "" async for chunk in stream]
        await requester.aclose()
        return whole.text, "".join(texts)

    assert asyncio.run(ask()) == ("Hello, world. It is a fine day.",) * 2


def test_manual_function_response_produces_text(client: genai.Client) -> None:
    request = types.Content(role="user", parts=[types.Part(text="weather?")])
    first = client.models.generate_content(model=MODEL, contents=[request], config=OFFERED)
    (call,) = first.function_calls or []
    assert (call.name, call.args) == ("get_weather", {"city": "Paris"})
    assert first.candidates is not None
    result = types.Part.from_function_response(name="get_weather", response={"degrees": 21})
    turn = first.candidates[0].content
    assert turn is not None
    contents = [request, turn, types.Content(role="user", parts=[result])]
    last = client.models.generate_content(model=MODEL, contents=contents, config=OFFERED)
    assert last.text == "It is 21 degrees."


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_automatic_function_calling_ends_with_text(client: genai.Client, stream: bool) -> None:
    config = types.GenerateContentConfig(tools=[get_weather])
    if stream:
        chunks = client.models.generate_content_stream(model=MODEL, contents="weather?", config=config)
        assert "".join(chunk.text or "" for chunk in chunks) == "It is 21 degrees."
    else:
        response = client.models.generate_content(model=MODEL, contents="weather?", config=config)
        assert response.text == "It is 21 degrees."


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_parallel_calls_are_parts_of_one_response(live: Live, stream: bool) -> None:
    with gemini(live) as client:
        if stream:
            chunks = list(client.models.generate_content_stream(model=MODEL, contents="both", config=OFFERED))
            parts = [part for chunk in chunks for part in parts_of(chunk)]
        else:
            parts = parts_of(client.models.generate_content(model=MODEL, contents="both", config=OFFERED))
    calls = [part for part in parts if part.function_call]
    assert [part.function_call.args for part in calls if part.function_call] == [
        {"city": "Paris"},
        {"city": "Rome"},
    ]
    assert len({part.function_call.id for part in calls if part.function_call}) == 2
    assert [part.thought_signature is not None for part in calls] == [True, False]


@pytest.mark.parametrize("ask", [gemini, vertex], ids=["gemini", "vertex"])
def test_older_models_have_no_ids_of_calls(live: Live, ask: Any) -> None:
    with ask(live) as client:
        response = client.models.generate_content(model=OLDER, contents="weather?", config=OFFERED)
        (call,) = response.function_calls
    assert call.id is None


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_thoughts_come_first_and_are_counted_apart(client: genai.Client, stream: bool) -> None:
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True))
    if stream:
        chunks = list(client.models.generate_content_stream(model=MODEL, contents="think", config=config))
    else:
        chunks = [client.models.generate_content(model=MODEL, contents="think", config=config)]
    parts = [part for chunk in chunks for part in parts_of(chunk)]
    thoughts = "".join(part.text or "" for part in parts if part.thought)
    assert (thoughts, "".join(part.text or "" for part in parts if not part.thought)) == (
        "Let me see.",
        "Forty-two.",
    )
    assert parts[0].thought
    assert [part.thought_signature for part in parts if part.thought_signature] == [b"signed"]
    usage = chunks[-1].usage_metadata
    assert usage is not None
    assert usage.thoughts_token_count
    assert usage.total_token_count == sum(
        count or 0
        for count in (usage.prompt_token_count, usage.candidates_token_count, usage.thoughts_token_count)
    )


def test_declined_thoughts_are_omitted(live: Live) -> None:
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=False))
    with gemini(live) as client:
        response = client.models.generate_content(model=MODEL, contents="think", config=config)
    assert [part.text for part in parts_of(response)] == ["Forty-two."]


def test_structured_output_is_parsed(client: genai.Client) -> None:
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Weather)
    response = client.models.generate_content(model=MODEL, contents="weather", config=config)
    assert response.parsed == Weather(city="Paris", degrees=21)


def test_json_of_any_form(client: genai.Client) -> None:
    config = types.GenerateContentConfig(response_mime_type="application/json")
    response = client.models.generate_content(model=MODEL, contents="x", config=config)
    assert json.loads(response.text or "") == {"any": [1, 2]}


def test_limits_cut(client: genai.Client) -> None:
    config = types.GenerateContentConfig(max_output_tokens=3)
    response = client.models.generate_content(model=MODEL, contents="count", config=config)
    assert response.text == "one two three"
    assert response.candidates is not None
    assert response.candidates[0].finish_reason is types.FinishReason.MAX_TOKENS
    config = types.GenerateContentConfig(stop_sequences=[" four"])
    response = client.models.generate_content(model=MODEL, contents="count", config=config)
    assert response.text == "one two three"


def test_several_candidates(live: Live) -> None:
    with gemini(live) as client:
        chunks = list(client.models.generate_content_stream(model=MODEL, contents="several"))
        whole = client.models.generate_content(model=MODEL, contents="several")
    output: dict[int | None, str] = {}
    for chunk in chunks:
        for candidate in chunk.candidates or ():
            assert candidate.content is not None
            text = "".join(part.text or "" for part in candidate.content.parts or ())
            output[candidate.index] = output.get(candidate.index, "") + text
    assert output == {0: "first", 1: "second"}
    assert [candidate.index for candidate in whole.candidates or ()] == [0, 1]


def test_chat_session_sends_history(client: genai.Client) -> None:
    chat = client.chats.create(model=MODEL)
    assert chat.send_message("hello").text == "Hello, world. It is a fine day."
    assert chat.send_message("count").text == "one two three four five six"


def test_tokens_are_counted(client: genai.Client) -> None:
    short = client.models.count_tokens(model=MODEL, contents="hello").total_tokens
    longer = client.models.count_tokens(model=MODEL, contents="hello, and all the others as well")
    assert short is not None
    assert longer.total_tokens is not None
    assert 0 < short < longer.total_tokens


def test_models_are_listed_and_looked_up(client: genai.Client) -> None:
    names = [(model.name or "").rpartition("/")[2] for model in client.models.list(config={"page_size": 3})]
    assert {"twice-limited", "gemini-2.5-flash"} <= set(names)
    assert len(names) == len(set(names)) > 3
    result = client.models.get(model="any-other")
    assert (result.name or "").endswith("any-other")


def test_texts_are_embedded(client: genai.Client) -> None:
    config = types.EmbedContentConfig(output_dimensionality=8)
    result = client.models.embed_content(model="gemini-embedding-001", contents=["a", "b"], config=config)
    assert [len(embedding.values or ()) for embedding in result.embeddings or ()] == [8, 8]
    result = client.models.embed_content(model="gemini-embedding-2", contents="a")
    assert [len(embedding.values or ()) for embedding in result.embeddings or ()] == [3072]


def test_vertex_response_has_create_time(live: Live) -> None:
    with vertex(live) as client:
        response = client.models.generate_content(model=MODEL, contents="hello")
    assert isinstance(response.create_time, datetime)


def test_key_in_query_is_key_of_request(live: Live) -> None:
    body = {"contents": {"parts": {"text": "secret"}}}
    _, _, response = post(f"{live.url}/v1beta/models/x:generateContent?key=sk-open-sesame", body)
    assert json.loads(response)["candidates"][0]["content"]["parts"] == [{"text": "Come in."}]


def test_stream_without_sse_is_json_array(live: Live) -> None:
    body = {"contents": [{"parts": [{"text": "hello"}]}]}
    _, kind, response = post(f"{live.url}/v1beta/models/x:streamGenerateContent?key=k", body)
    assert kind == "application/json; charset=UTF-8"
    assert response.startswith(b'[{\n  "candidates"')
    assert b"\n}\n,\r\n{\n" in response
    texts = [
        part["text"] for chunk in json.loads(response) for part in chunk["candidates"][0]["content"]["parts"]
    ]
    assert "".join(texts) == "Hello, world. It is a fine day."
