"""What google-genai makes of counts, models and embeddings: Gemini's API in each version and Vertex AI, sync and
async."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pytest
from google import genai
from google.genai import types

from tests.live import Live
from tests.sdk.gemini_clients import MODEL, behind_a_prefix, first_version, gemini, vertex


def preview(live: Live) -> genai.Client:
    options = types.HttpOptions(base_url=live.url, api_version="v1alpha")
    return genai.Client(api_key="key", http_options=options)


CLIENTS = {
    "v1beta": gemini,
    "v1": first_version,
    "v1alpha": preview,
    "behind a prefix": behind_a_prefix,
    "vertex": vertex,
}
clients = pytest.mark.parametrize("built", CLIENTS.values(), ids=CLIENTS.keys())
Built = Callable[[Live], genai.Client]


def ask(live: Live, built: Built, call: Callable[[Any], Awaitable[Any]]) -> Any:
    """What an async client gets."""

    async def lookup() -> Any:
        async with built(live).aio as client:
            return await call(client.models)

    return asyncio.run(lookup())


def values(result: types.EmbedContentResponse) -> list[list[float]]:
    return [list(embedding.values or ()) for embedding in result.embeddings or ()]


@clients
def test_count_tokens_equals_prompt_tokens_of_usage(live: Live, built: Built) -> None:
    with built(live) as client:
        counted = client.models.count_tokens(model=MODEL, contents="count").total_tokens
        usage = client.models.generate_content(model=MODEL, contents="count").usage_metadata
    assert usage is not None
    assert counted == usage.prompt_token_count
    again = ask(live, built, lambda models: models.count_tokens(model=MODEL, contents="count"))
    assert again.total_tokens == counted


def test_vertex_counts_the_system_text_and_tools_too(live: Live) -> None:
    tool = types.Tool(function_declarations=[types.FunctionDeclaration(name="look", description="Looks.")])
    with vertex(live) as client:
        alone = client.models.count_tokens(model=MODEL, contents="count").total_tokens or 0
        config = types.CountTokensConfig(system_instruction="Be very brief, please.", tools=[tool])
        more = client.models.count_tokens(model=MODEL, contents="count", config=config).total_tokens or 0
    assert more > alone + 5


@clients
def test_models(live: Live, built: Built) -> None:
    with built(live) as client:
        names = [model.name or "" for model in client.models.list()]
        one = client.models.get(model="gemini-2.5-flash").name or ""
        paged = [model.name for model in client.models.list(config={"page_size": 2})]
    assert any(name.endswith("models/twice-limited") for name in names), "a model that a rule names"
    assert any(name.endswith("models/gemini-2.5-flash") for name in names)
    assert one.endswith("models/gemini-2.5-flash")
    assert paged == names
    again = ask(live, built, lambda models: models.get(model="gemini-2.5-flash"))
    assert again.name == one


@clients
@pytest.mark.parametrize(
    ("model", "size"),
    [("gemini-embedding-001", 3072), ("text-embedding-004", 768), ("gemini-embedding-2", 3072)],
)
def test_embeddings(live: Live, built: Built, model: str, size: int) -> None:
    with built(live) as client:
        (one,) = values(client.models.embed_content(model=model, contents="a cat"))
        (again,) = values(client.models.embed_content(model=model, contents="a cat"))
        (small,) = values(
            client.models.embed_content(
                model=model,
                contents="a cat",
                config={"output_dimensionality": 64, "task_type": "RETRIEVAL_QUERY"},
            )
        )
    assert (len(one), len(small)) == (size, 64)
    assert one == again
    assert math.isclose(math.hypot(*one), 1, abs_tol=1e-3)
    asynchronous = ask(live, built, lambda models: models.embed_content(model=model, contents="a cat"))
    assert values(asynchronous) == [one]


def test_several_texts_have_separate_vectors(live: Live) -> None:
    for built in (gemini, vertex):
        with built(live) as client:
            result = client.models.embed_content(model="text-embedding-004", contents=["a", "b", "a"])
        first, other, same = values(result)
        assert first == same != other


def test_vertex_embedding_has_statistics(live: Live) -> None:
    with vertex(live) as client:
        result = client.models.embed_content(model="text-embedding-004", contents="a b c")
    [item] = result.embeddings or []
    assert item.statistics is not None
    assert item.statistics.token_count
    assert item.statistics.truncated is False


# --- the base for OpenAI's SDK -------------------------------------------------------------------


@pytest.mark.parametrize("base", ["/v1beta/openai", "/v1beta/openai/", "/gemini/v1beta/openai"])
def test_openais_sdk_at_geminis_base(live: Live, base: str) -> None:
    with openai.OpenAI(base_url=live.url + base, api_key="key", max_retries=0) as client:
        response = client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "hello"}]
        )
        assert response.choices[0].message.content == "Hello, world. It is a fine day."
        assert len(client.embeddings.create(model="gemini-embedding-001", input="a").data) == 1
        assert client.models.retrieve("gemini-2.5-flash").id == "gemini-2.5-flash"
        assert "twice-limited" in [model.id for model in client.models.list()]
