"""`reply: {embedding: …}` as the SDKs read it: the numbers of the rule, also where they are sent as base64."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import openai
import pytest
from google import genai
from google.genai import types

from tests.live import Live
from tests.live import live as serve
from tests.sdk.gemini_clients import gemini, vertex

RULES = """
rules:
  - {match: {api: embeddings, user: {contains: several}}, reply: {embedding: [[1, 0], [0, 1]]}}
  - {match: {api: embeddings}, reply: {embedding: [0.5, -2, 0.25], usage: {input_tokens: 7}}}
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("rules") / "a.yaml"
    file.write_text(RULES, encoding="utf-8")
    with serve(file) as server:
        yield server


def test_openai(live: Live) -> None:
    with openai.OpenAI(base_url=f"{live.url}/v1", api_key="sk-test", max_retries=0) as client:
        one = client.embeddings.create(model="text-embedding-3-small", input="x")
        several = client.embeddings.create(model="text-embedding-3-small", input=["several", "b", "c"])
    assert (one.data[0].embedding, one.usage.prompt_tokens) == ([0.5, -2, 0.25], 7)
    assert [item.embedding for item in several.data] == [[1, 0], [0, 1], [1, 0]]


def test_azure(live: Live) -> None:
    with openai.AzureOpenAI(
        azure_endpoint=live.url, api_version="2024-10-21", api_key="key", max_retries=0
    ) as client:
        response = client.embeddings.create(model="text-embedding-3-small", input="x")
    assert response.data[0].embedding == [0.5, -2, 0.25]


@pytest.mark.parametrize("client_of", [gemini, vertex])
def test_google(client_of: Callable[[Live], genai.Client], live: Live) -> None:
    contents: list[types.ContentUnionDict] = ["several", "b"]
    client = client_of(live)
    response = client.models.embed_content(model="text-embedding-005", contents=contents)
    assert [embedding.values for embedding in response.embeddings or ()] == [[1, 0], [0, 1]]
