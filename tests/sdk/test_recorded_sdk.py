"""Official SDKs over HTTPS, with a certificate of the server's own, through `mockllm record`, and then from what it
recorded: chunk by chunk, for the provider says a thing only when the client has seen the one before."""

# ruff: noqa: E501 - one line for each call

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from tests.language.virtual_server import ClientRequest, VirtualServer, raw_request
from tests.process import Process, serving
from tests.sdk.gemini_clients import Token
from tests.server.recording import provider
from tests.waiting import PATIENCE, until

TEXT = "One, two, three and four."
MESSAGES: list[Any] = [{"role": "user", "content": "Say it."}]
CONTENTS = {"contents": [{"parts": [{"text": "Say it."}], "role": "user"}]}
VERTEX = "/v1beta1/projects/p/locations/us/publishers/google/models/gemini-x:streamGenerateContent"


def chat(url: str) -> Iterator[Any]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="sk-test", max_retries=0) as client:
        yield from client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)


def responses(url: str) -> Iterator[Any]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="sk-test", max_retries=0) as client:
        yield from client.responses.create(model="gpt-4o", input="Say it.", stream=True)


def azure(url: str) -> Iterator[Any]:
    with openai.AzureOpenAI(
        azure_endpoint=url, api_version="2024-10-21", api_key="0123456789abcdef", max_retries=0
    ) as client:
        yield from client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)


def claude(url: str) -> Iterator[Any]:
    with anthropic.Anthropic(base_url=url, api_key="sk-test", max_retries=0) as client:
        yield from client.messages.create(model="claude-mock", max_tokens=99, messages=MESSAGES, stream=True)


def gemini(url: str) -> Iterator[Any]:
    client = genai.Client(api_key="key", http_options=types.HttpOptions(base_url=url))
    yield from client.models.generate_content_stream(model="gemini-x", contents="Say it.")


def vertex(url: str) -> Iterator[Any]:
    client = genai.Client(
        vertexai=True, project="p", location="us", credentials=Token(),
        http_options=types.HttpOptions(base_url=url),
    )  # fmt: skip
    yield from client.models.generate_content_stream(model="gemini-x", contents="Say it.")


CALLS: list[tuple[str, Callable[[str], Iterator[Any]], ClientRequest]] = [
    ("openai", chat, raw_request("/v1/chat/completions", {"model": "gpt-4o", "messages": MESSAGES, "stream": True})),
    ("openai", responses, raw_request("/v1/responses", {"model": "gpt-4o", "input": "Say it.", "stream": True})),
    ("azure", azure, raw_request("/openai/deployments/gpt-4o/chat/completions", {"messages": MESSAGES, "stream": True}, query="api-version=2024-10-21", headers={"api-key": "k"})),
    ("anthropic", claude, raw_request("/v1/messages", {"model": "claude-mock", "max_tokens": 99, "messages": MESSAGES, "stream": True})),
    ("gemini", gemini, raw_request("/v1beta/models/gemini-x:streamGenerateContent", CONTENTS, query="alt=sse")),
    ("vertex", vertex, raw_request(VERTEX, CONTENTS, query="alt=sse")),
]  # fmt: skip


def events(request: ClientRequest) -> list[bytes]:
    """What the provider says to this, event by event."""
    response = VirtualServer(f"rules: [{{reply: {TEXT!r}}}]").respond(request)
    assert response.status == 200
    blank = b"\r\n\r\n" if b"\r\n\r\n" in response.bytes else b"\n\n"
    return [item + blank for item in response.bytes.split(blank)[:-1]]


class Holding:
    """A provider that says an event when the client has seen the one before; those that no SDK shows (`[DONE]`,
    pings) are not waited for."""

    def __init__(self, events: list[bytes]) -> None:
        self.events = events
        self.seen = threading.Semaphore(0)
        self.late = False

    def talk(self, connection: socket.socket, _: bytes) -> None:
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
            b"Connection: close\r\n\r\n"
        )
        for event in self.events:
            connection.sendall(b"%x\r\n%b\r\n" % (len(event), event))
            hidden = b"[DONE]" in event or b"event: ping" in event
            if not hidden and not self.seen.acquire(timeout=PATIENCE):
                self.late = True
                return
        connection.sendall(b"0\r\n\r\n")


@contextmanager
def secure(*options: str, folder: Path, verb: str = "serve") -> Iterator[Process]:
    """A server that speaks HTTPS alone, as whose certificate is in this folder."""
    with serving("--tls-self-signed", "--tls-dir", str(folder), *options, cwd=folder, verb=verb) as process:
        assert process.url.startswith("https://")
        yield process


class RecordedCalls(NamedTuple):
    """What each call recorded_calls through the recorder, whether it had to wait, and where what was recorded is served."""

    first: Mapping[str, list[Any]]
    late: Mapping[str, bool]
    url: str


@pytest.fixture(scope="module")
def recorded_calls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordedCalls]:
    """All calls through one recorder, and one server of what it wrote: each of the two takes a while to start."""
    folder = tmp_path_factory.mktemp("recorded")
    holding: dict[str, Holding] = {}
    first: dict[str, list[Any]] = {}

    def talk(connection: socket.socket, head: bytes) -> None:
        holding[list(holding)[-1]].talk(connection, head)

    with pytest.MonkeyPatch.context() as patch, provider(talk) as there:
        patch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
        upstreams = [f"--upstream={name}={there}" for name in dict.fromkeys(name for name, *_ in CALLS)]
        with secure(*upstreams, "--out", str(folder / "out"), folder=folder, verb="record") as recorder:
            own = f"SSL_CERT_FILE={os.environ['SSL_CERT_FILE']}"
            recorder.line(lambda line: own in line)
            for _, call, request in CALLS:
                holding[call.__name__] = now = Holding(events(request))
                first[call.__name__] = seen = []
                for item in call(recorder.url):
                    seen.append(item)
                    now.seen.release()
            until(
                lambda: recorder.reported.count("recorded in") == len(CALLS),
                otherwise=lambda: recorder.reported,
            )
        with secure("--scenarios", str(folder / "out"), folder=folder) as again:
            yield RecordedCalls(first, {name: item.late for name, item in holding.items()}, again.url)


@pytest.mark.parametrize("call", [call for _, call, _ in CALLS], ids=lambda call: str(call.__name__))
def test_recorded_stream_is_replayed_chunk_by_chunk(
    call: Callable[[str], Iterator[Any]], recorded_calls: RecordedCalls
) -> None:
    first = recorded_calls.first[call.__name__]
    assert not recorded_calls.late[call.__name__]
    assert len(first) > 3
    assert list(map(without_headers, call(recorded_calls.url))) == list(map(without_headers, first))


def without_headers(reply: Any) -> Any:
    """What an SDK shows, but for the response's headers: of these, some are the server's own."""
    return reply.model_dump(exclude={"sdk_http_response"})
