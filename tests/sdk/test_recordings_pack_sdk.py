"""The pack `recordings` by its whole command, as the SDKs of four providers see it over HTTPS."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import openai
import pytest
from google import genai
from google.genai import types

from tests.core.request.test_request_hash import POEM
from tests.process import Process, serving
from tests.sdk.gemini_clients import Token

SYSTEM, USER = (message["content"] for message in POEM["messages"])  # type: ignore[attr-defined]
FIRST = "A function stood before a glass"
CONFIG = types.GenerateContentConfig(system_instruction=SYSTEM)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("tls")
    command = ("--pack", "recordings", "--tls-self-signed", "--tls-port", "0")
    with serving(*command, cwd=folder, MOCKLLM_TLS_DIR=str(folder)) as process:
        yield process


@pytest.fixture
def url(server: Process, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where it speaks HTTPS; its CA is trusted as its own line says."""
    name, _, path = server.line(lambda line: "SSL_CERT_FILE=" in line).rpartition("export ")[2].partition("=")
    monkeypatch.setenv(name, path)
    assert Path(os.environ["SSL_CERT_FILE"]).is_file()
    return server.line(lambda line: "listening on" in line).rpartition(", ")[2]


Talk = Callable[[str], tuple[str, Sequence[str]]]
"""The content of a whole response, and of a stream."""


def of_openai(client: openai.OpenAI) -> tuple[str, Sequence[str]]:
    request: dict[str, Any] = {"model": "gpt-4o-mini", "messages": POEM["messages"]}
    with client:
        whole = client.chat.completions.create(**request).choices[0].message.content
        stream = client.chat.completions.create(**request, stream=True)
        return whole, [item.choices[0].delta.content or "" for item in stream if item.choices]


def chat(url: str) -> tuple[str, Sequence[str]]:
    return of_openai(openai.OpenAI(base_url=f"{url}/v1", api_key="sk-test", max_retries=0))


def azure(url: str) -> tuple[str, Sequence[str]]:
    return of_openai(
        openai.AzureOpenAI(azure_endpoint=url, api_version="2024-10-21", api_key="key", max_retries=0)
    )


def of_google(client: genai.Client) -> tuple[str, Sequence[str]]:
    request: dict[str, Any] = {"model": "gemini-2.5-flash", "contents": USER, "config": CONFIG}
    whole = client.models.generate_content(**request).text
    return str(whole), [item.text or "" for item in client.models.generate_content_stream(**request)]


def gemini(url: str) -> tuple[str, Sequence[str]]:
    return of_google(genai.Client(api_key="key", http_options=types.HttpOptions(base_url=url)))


def vertex(location: str) -> Talk:
    def talk(url: str) -> tuple[str, Sequence[str]]:
        return of_google(
            genai.Client(
                vertexai=True, project="p", location=location, credentials=Token(),
                http_options=types.HttpOptions(base_url=url),
            )
        )  # fmt: skip

    return talk


CLIENTS: list[tuple[str, Talk]] = [
    ("OpenAI", chat), ("Azure", azure), ("Gemini", gemini),
    ("Vertex in us", vertex("us")), ("Vertex in us-central1", vertex("us-central1")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "talk"), CLIENTS, ids=[name for name, _ in CLIENTS])
def test_recorded_poem_is_equal_whole_and_streamed(name: str, talk: Talk, url: str, server: Process) -> None:
    before = len(server.out)
    whole, stream = talk(url)
    assert whole.startswith(FIRST)
    assert "".join(stream) == whole
    assert len(stream) > 3
    server.line(lambda line: "recordings/poem.yaml" in line and "stream" in line, before)
    assert server.err == []
