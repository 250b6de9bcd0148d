"""What the unmodified ollama package makes of our responses, sync and async, whole and streamed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest
from pydantic import BaseModel

from tests.live import Live
from tests.live import live as serve
from tests.sdk.frameworks.serving import scripted, shipped
from tests.sdk.loopback import loopback_only

ollama = pytest.importorskip("ollama")

__all__ = ["loopback_only"]

MODEL = "llama3.2"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: list[Any] = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]
FAULTY = """
mockllm: 1
rules:
  - {match: {user: thought}, reply: {thinking: Hm. Well., text: So.}}
  - {match: {user: image, has_image: true}, reply: I see an image.}
  - match: {user: mid}
    reply: {text: one two three four}
    faults: [{error_event: {after: {chunks: 2}, type: server_error}}]
  - {match: {user: busy}, error: overloaded}
  - {match: {user: gone}, error: model_not_found}
  - {match: {model: listed}, reply: x}
  - {match: {api: embeddings, user: vector}, reply: {embedding: [0.6, 0.8]}}
"""


class Weather(BaseModel):
    city: str
    degrees: int


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


@pytest.fixture(scope="module")
def server() -> Iterator[Live]:
    with scripted() as built:
        yield built


@pytest.fixture
def client(server: Live) -> Iterator[Any]:
    with closing(ollama.Client(host=server.url)) as built:
        yield built


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("ollama")
    (folder / "a.yaml").write_text(FAULTY)
    with serve(folder) as built, closing(ollama.Client(host=f"{built.url}/ollama")) as client:
        yield client


def test_chat_returns_text_and_counts(client: Any) -> None:
    response = client.chat(model=MODEL, messages=user("hello"))
    assert response.message.content == "Hello, world. It is a fine day."
    assert (response.done, response.done_reason, response.model) == (True, "stop", MODEL)
    assert (response.prompt_eval_count, response.eval_count) == (12, 9)
    assert response.total_duration == (
        response.load_duration + response.prompt_eval_duration + response.eval_duration
    )


def test_chat_streams_lines(client: Any) -> None:
    parts = list(client.chat(model=MODEL, messages=user("hello"), stream=True))
    assert "".join(part.message.content for part in parts) == "Hello, world. It is a fine day."
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    assert len(parts) > 3
    assert parts[-1].eval_count == 9


def test_generate_returns_and_streams_text(client: Any) -> None:
    assert client.generate(MODEL, "hello").response == "Hello, world. It is a fine day."
    parts = list(client.generate(MODEL, "hello", stream=True))
    assert "".join(part.response for part in parts) == "Hello, world. It is a fine day."
    assert parts[-1].done_reason == "stop"
    assert parts[-1].context


@pytest.mark.parametrize("call", ["chat", "generate"])
def test_response_and_stream_have_log_probabilities(client: Any, call: str) -> None:
    sent: dict[str, Any] = {"messages": user("hello")} if call == "chat" else {"prompt": "hello"}
    send = partial(getattr(client, call), model=MODEL, logprobs=True, top_logprobs=1, **sent)
    whole = send().logprobs
    assert "".join(each.token for each in whole) == "Hello, world. It is a fine day."
    assert all(each.logprob < 0 and each.top_logprobs[0].token == each.token for each in whole)
    assert [each for part in send(stream=True) for each in part.logprobs or ()] == whole


def test_async_client_is_served(server: Live) -> None:
    async def ask() -> tuple[str, str]:
        client = ollama.AsyncClient(host=server.url)
        response = await client.chat(model=MODEL, messages=user("hello"))
        stream = await client.chat(model=MODEL, messages=user("hello"), stream=True)
        texts = [part.message.content async for part in stream]
        await client.close()
        return response.message.content, "".join(texts)

    assert asyncio.run(ask()) == ("Hello, world. It is a fine day.",) * 2


@pytest.mark.parametrize("stream", [False, True])
def test_calls_have_arguments_as_objects(client: Any, stream: bool) -> None:
    response = client.chat(model=MODEL, messages=user("both"), tools=TOOLS, stream=stream)
    parts = list(response) if stream else [response]
    calls = [call.function for part in parts for call in part.message.tool_calls or ()]
    assert [(call.name, dict(call.arguments)) for call in calls] == [
        ("get_weather", {"city": "Paris"}),
        ("get_weather", {"city": "Rome"}),
    ]
    assert parts[-1].done_reason == "stop"


def test_format_returns_json_of_the_schema(client: Any) -> None:
    response = client.chat(model=MODEL, messages=user("weather"), format=Weather.model_json_schema())
    assert Weather.model_validate_json(response.message.content) == Weather(city="Paris", degrees=21)


@pytest.mark.parametrize("serving", [scripted, shipped])
def test_agent_loop_ends_with_a_text(serving: Any) -> None:
    cities: list[str] = []
    messages = user("How is the weather?")
    with serving() as server, closing(ollama.Client(host=server.url)) as client:
        for _ in range(5):
            message = client.chat(model=MODEL, messages=messages, tools=TOOLS).message
            messages.append(message)
            if not message.tool_calls:
                break
            for call in message.tool_calls:
                cities.append(call.function.arguments["city"])
                messages.append({"role": "tool", "tool_name": "get_weather", "content": '{"degrees": 21}'})
    assert len(cities) == 1
    assert message.content


def test_thinking_and_images(faulty: Any) -> None:
    response = faulty.chat(model=MODEL, messages=user("thought"), think=True)
    assert (response.message.thinking, response.message.content) == ("Hm. Well.", "So.")
    parts = list(faulty.generate(MODEL, "thought", think=True, stream=True))
    assert "".join(part.thinking or "" for part in parts) == "Hm. Well."
    assert faulty.chat(model=MODEL, messages=user("thought"), think=False).message.thinking is None
    image = [{"role": "user", "content": "image", "images": [b"\x89PNG"]}]
    assert faulty.chat(model=MODEL, messages=image).message.content == "I see an image."


@pytest.mark.parametrize(
    ("text", "status", "message"), [("busy", 503, "server busy"), ("gone", 404, "not found")]
)
@pytest.mark.parametrize("stream", [False, True])
def test_error_raises_response_error(faulty: Any, text: str, status: int, message: str, stream: bool) -> None:
    with pytest.raises(ollama.ResponseError, match=message) as raised:
        list(faulty.chat(model=MODEL, messages=user(text), stream=stream))
    assert raised.value.status_code == status


def test_error_inside_a_stream_raises_after_its_text(faulty: Any) -> None:
    parts = faulty.chat(model=MODEL, messages=user("mid"), stream=True)
    assert next(parts).message.content == "one"
    with pytest.raises(ollama.ResponseError, match="error was encountered"):
        list(parts)


def test_unmatched_request_names_near_rules(faulty: Any) -> None:
    with pytest.raises(ollama.ResponseError, match=r"(?s)rule") as raised:
        faulty.chat(model=MODEL, messages=user("unknown"))
    assert raised.value.status_code == 404


def test_models_embeddings_and_version(faulty: Any, client: Any) -> None:
    names = [entry.model for entry in faulty.list().models]
    assert names[0] == "listed:latest"
    assert [entry.model for entry in faulty.ps().models] == ["listed:latest"]
    assert "tools" in faulty.show("listed").capabilities
    assert faulty.embed(MODEL, "vector").embeddings == [[0.6, 0.8]]
    vectors = client.embed(MODEL, ["a", "b"], dimensions=16).embeddings
    assert [len(entry) for entry in vectors] == [16, 16]
    assert len(client.embeddings(MODEL, "a").embedding) == 768
