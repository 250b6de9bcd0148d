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


def test_response_and_stream_have_log_probabilities(client: Any) -> None:
    whole = client.chat(model=MODEL, messages=reported("hi"), logprobs=True).logprobs
    assert "".join(each.text for each in whole) == "One two three."
    assert all(number < 0 for each in whole for number in each.logprobs)
    events = client.chat_stream(model=MODEL, messages=reported("hi"), logprobs=True)
    streamed = [event.logprobs for event in events if event.type == "content-delta" and event.logprobs]
    assert "".join(each.text for each in streamed) == "One two three."


@pytest.mark.parametrize("stream", [False, True])
def test_agent_loop_ends_with_the_result(client: Any, stream: bool) -> None:
    messages = reported("hi")
    if stream:
        events = list(client.chat_stream(model=MODEL, messages=messages, tools=[LOOK]))
        (start,) = [event for event in events if event.type == "tool-call-start"]
        call = start.delta.message.tool_calls
        parameters = [
            event.delta.message.tool_calls.function.arguments
            for event in events
            if event.type == "tool-call-delta"
        ]
        id, name, arguments = call.id, call.function.name, "".join(parameters)
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
        output_dimension=256,
    )
    assert [len(vector) for vector in response.embeddings.float_] == [256, 256]
    assert [len(vector) for vector in response.embeddings.ubinary] == [32, 32]
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


# --- version 1 ---------------------------------------------------------------------------------------


@pytest.fixture
def older(server: Live) -> Iterator[Any]:
    import httpx

    with httpx.Client() as connections:
        yield cohere.Client(api_key="key", base_url=f"{server.url}/cohere", httpx_client=connections)


LOOK_V1: Any = {
    "name": "look",
    "description": "Looks.",
    "parameter_definitions": {"city": {"type": "str", "required": True}},
}


def test_v1_response_has_text_history_and_counts(older: Any) -> None:
    response = older.chat(message="hi", chat_history=[{"role": "USER", "message": "before"}])
    assert response.text == "One two three."
    assert [(turn.role, turn.message) for turn in response.chat_history] == [
        ("USER", "before"),
        ("USER", "hi"),
        ("CHATBOT", "One two three."),
    ]
    assert response.finish_reason == "COMPLETE"
    assert response.meta.tokens.output_tokens > 0
    assert response.meta.api_version.version == "1"


def test_v1_stream_ends_with_the_whole_response(older: Any) -> None:
    events = list(older.chat_stream(message="hi"))
    assert [events[0].event_type, events[-1].event_type] == ["stream-start", "stream-end"]
    texts = [event.text for event in events if event.event_type == "text-generation"]
    assert "".join(texts) == events[-1].response.text == "One two three."
    assert events[-1].finish_reason == "COMPLETE"


@pytest.mark.parametrize("stream", [False, True])
def test_v1_agent_loop_ends_with_the_result(older: Any, stream: bool) -> None:
    """As Cohere's guide does it: the history of the response, and the results of its calls."""
    if stream:
        events = list(older.chat_stream(message="hi", tools=[LOOK_V1]))
        deltas = [event.tool_call_delta for event in events if event.event_type == "tool-calls-chunk"]
        parameters = "".join(delta.parameters or "" for delta in deltas)
        assert (deltas[0].name, json.loads(parameters)) == ("look", {"city": "Oslo"})
        (whole,) = (event for event in events if event.event_type == "tool-calls-generation")
        response = events[-1].response
        assert whole.tool_calls == response.tool_calls
    else:
        response = older.chat(message="hi", tools=[LOOK_V1])
    (call,) = response.tool_calls
    assert (call.name, call.parameters) == ("look", {"city": "Oslo"})
    results = [{"call": call, "outputs": [{"degrees": 3}]}]
    history = response.chat_history
    answer = older.chat(message="", chat_history=history, tools=[LOOK_V1], tool_results=results)
    assert answer.text == "It is 3 degrees."
    single = older.chat(message="hi", tools=[LOOK_V1], tool_results=results, force_single_step=True)
    assert single.text == "It is 3 degrees."


@pytest.mark.parametrize(
    ("text", "error"),
    [("slow", "TooManyRequestsError"), ("key", "UnauthorizedError"), ("gone", "NotFoundError")],
)
def test_v1_errors_are_the_packages_own(older: Any, text: str, error: str) -> None:
    with pytest.raises(getattr(cohere, error)) as raised:
        older.chat(message=text, request_options={"max_retries": 0})
    assert list(raised.value.body) == ["message"]
    with pytest.raises(cohere.BadRequestError, match="at least 1 token long"):
        older.chat(message="")


def test_v1_error_in_a_stream_ends_it(older: Any) -> None:
    last = list(older.chat_stream(message="half"))[-1]
    assert (last.event_type, last.finish_reason) == ("stream-end", "ERROR")
    failed = list(older.generate_stream(prompt="half"))[-1]
    assert (failed.event_type, failed.finish_reason) == ("stream-error", "ERROR")
    assert "overloaded" in failed.err


def test_v1_generation_has_the_text(older: Any) -> None:
    response = older.generate(prompt="hi")
    assert [generation.text for generation in response.generations] == ["One two three."]
    events = list(older.generate_stream(prompt="hi"))
    assert "".join(event.text for event in events[:-1]) == "One two three."
    assert events[-1].response.generations[0].finish_reason == "COMPLETE"


def test_v1_embeddings_are_lists_or_by_type(older: Any) -> None:
    fixed = older.embed(texts=["fixed"], model="embed-english-v3.0", input_type="search_query")
    assert (fixed.response_type, fixed.embeddings) == ("embeddings_floats", [[0.6, 0.8]])
    named: Any = {"model": "embed-english-v3.0", "embedding_types": ["float"]}
    typed = older.embed(texts=["fixed"], batching=False, **named)
    assert (typed.response_type, typed.embeddings.float_) == ("embeddings_by_type", [[0.6, 0.8]])


def test_v1_documents_are_ranked_and_returned(older: Any) -> None:
    documents = ["Bread is baked.", "Rain falls in Oslo today."]
    response = older.rerank(query="rain in Oslo", documents=documents, top_n=1, return_documents=True)
    assert [result.document.text for result in response.results] == [documents[1]]


def test_v1_call_that_is_not_served_says_so(older: Any) -> None:
    with pytest.raises(cohere.NotImplementedError, match="mockllm does not serve"):
        older.summarize(text="x" * 300)
