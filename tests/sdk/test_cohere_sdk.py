"""What the unmodified cohere package makes of our responses: chat, streams, embeddings, rankings and errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live import Live
from tests.live import live as serve
from tests.sdk.loopback import loopback_only

cohere = pytest.importorskip("cohere")

__all__ = ["loopback_only"]

SCENARIO = """
rules:
  - {match: {user: slow}, error: rate_limit}
  - {match: {user: key}, error: authentication}
  - {match: {user: gone}, error: model_not_found}
  - {match: {user: half}, reply: {chunks: [Half, {error: overloaded}]}}
  - {match: {api: embeddings, user: fixed}, reply: {embedding: [0.6, 0.8]}}
  - {match: {tool_result: {name: look}}, reply: "It is {{ tool_result.json.degrees }} degrees."}
  - {match: {tools: look}, reply: {tool_calls: [{name: look, arguments: {city: Oslo}}]}}
  - {reply: {thinking: Hm., text: One two three.}}
"""
LOOK: Any = {
    "type": "function",
    "function": {
        "name": "look",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
MODEL = "command-a-03-2025"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder: Path = tmp_path_factory.mktemp("s")
    (folder / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    with serve(folder) as built:
        yield built


@pytest.fixture
def client(server: Live) -> Iterator[Any]:
    import httpx

    with httpx.Client() as connections:
        yield cohere.ClientV2(api_key="key", base_url=f"{server.url}/cohere", httpx_client=connections)


def reported(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def test_response_has_thinking_text_and_usage(client: Any) -> None:
    response = client.chat(model=MODEL, messages=reported("hi"))
    kinds = [(block.type, getattr(block, block.type)) for block in response.message.content]
    assert kinds == [("thinking", "Hm."), ("text", "One two three.")]
    assert response.finish_reason == "COMPLETE"
    assert response.usage.tokens.output_tokens > 0


def test_stream_has_the_same_text(client: Any) -> None:
    events = list(client.chat_stream(model=MODEL, messages=reported("hi")))
    assert [events[0].type, events[-1].type] == ["message-start", "message-end"]
    texts = [event.delta.message.content.text for event in events if event.type == "content-delta"]
    assert "".join(text for text in texts if text) == "One two three."
    assert events[-1].delta.finish_reason == "COMPLETE"


@pytest.mark.parametrize("stream", [False, True])
def test_agent_loop_ends_with_the_result(client: Any, stream: bool) -> None:
    messages = reported("hi")
    if stream:
        events = list(client.chat_stream(model=MODEL, messages=messages, tools=[LOOK]))
        (start,) = [event for event in events if event.type == "tool-call-start"]
        call = start.delta.message.tool_calls
        pieces = [
            event.delta.message.tool_calls.function.arguments
            for event in events
            if event.type == "tool-call-delta"
        ]
        id, name, arguments = call.id, call.function.name, "".join(pieces)
    else:
        response = client.chat(model=MODEL, messages=messages, tools=[LOOK])
        (call,) = response.message.tool_calls
        assert response.finish_reason == "TOOL_CALL"
        id, name, arguments = call.id, call.function.name, call.function.arguments
    assert (name, json.loads(arguments)) == ("look", {"city": "Oslo"})
    assert id.startswith("look_")
    called = {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
    messages += [
        {"role": "assistant", "tool_calls": [called]},
        {"role": "tool", "tool_call_id": id, "content": '{"degrees": 3}'},
    ]
    answer = client.chat(model=MODEL, messages=messages, tools=[LOOK])
    assert answer.message.content[0].text == "It is 3 degrees."


@pytest.mark.parametrize(
    ("text", "error"),
    [("slow", "TooManyRequestsError"), ("key", "UnauthorizedError"), ("gone", "NotFoundError")],
)
def test_errors_are_the_packages_own(client: Any, text: str, error: str) -> None:
    with pytest.raises(getattr(cohere, error)) as raised:
        client.chat(model=MODEL, messages=reported(text), request_options={"max_retries": 0})
    assert raised.value.body["message"]


def test_error_in_a_stream_ends_it(client: Any) -> None:
    events = list(client.chat_stream(model=MODEL, messages=reported("half")))
    assert events[-1].delta.finish_reason == "ERROR"
    assert "overloaded" in events[-1].delta.error


def test_embeddings_have_each_form(client: Any) -> None:
    kinds = ["float", "int8", "uint8", "binary", "ubinary", "base64"]
    response = client.embed(
        model="embed-v4.0",
        input_type="search_document",
        texts=["a", "b"],
        embedding_types=kinds,
        output_dimension=16,
    )
    assert [len(vector) for vector in response.embeddings.float_] == [16, 16]
    assert [len(vector) for vector in response.embeddings.ubinary] == [2, 2]
    assert min(response.embeddings.uint8[0]) >= 0
    assert response.texts == ["a", "b"]
    fixed = client.embed(
        model="embed-v4.0", input_type="search_query", texts=["fixed"], embedding_types=["float"]
    )
    assert fixed.embeddings.float_ == [[0.6, 0.8]]


def test_documents_are_ranked(client: Any) -> None:
    documents = ["Bread is baked.", "Rain falls in Oslo today.", "Oslo is a city."]
    response = client.rerank(model="rerank-v3.5", query="rain in Oslo", documents=documents, top_n=2)
    assert [result.index for result in response.results] == [1, 2]
    assert 1 >= response.results[0].relevance_score > response.results[1].relevance_score >= 0
