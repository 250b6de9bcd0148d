"""google-genai's caches, sync and async, of Gemini's API and Vertex AI; and the token of a service account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google import genai
from google.genai import errors, types
from google.oauth2 import service_account

from tests.live import Live
from tests.live import live as serve
from tests.sdk.gemini_clients import gemini, vertex

MODEL = "gemini-2.5-flash"
SCENARIO = """
rules:
  - {name: pirate, match: {system: {contains: pirate}}, reply: Arr.}
  - {name: any, reply: Hello.}
"""
CREATION = types.CreateCachedContentConfig(
    contents=["A long book. " * 300],
    system_instruction="You are a pirate.",
    ttl="600s",
    display_name="book",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("caches") / "caches.yaml"
    file.write_text(SCENARIO)
    with serve(file) as running:
        yield running


built = pytest.mark.parametrize("built", [gemini, vertex], ids=["gemini", "vertex"])
Built = Callable[[Live], genai.Client]


def naming(name: str | None) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(cached_content=name)


@built
def test_cache_lives_as_the_sdk_requests(server: Live, built: Built) -> None:
    client = built(server)
    cache = client.caches.create(model=MODEL, config=CREATION)
    assert cache.name is not None
    assert cache.usage_metadata is not None
    reported = client.models.generate_content(model=MODEL, contents="hello", config=naming(cache.name))
    assert reported.text == "Arr."
    assert reported.usage_metadata is not None
    assert reported.usage_metadata.cached_content_token_count == cache.usage_metadata.total_token_count
    chunks = list(
        client.models.generate_content_stream(model=MODEL, contents="hello", config=naming(cache.name))
    )
    last = chunks[-1].usage_metadata
    assert last is not None
    assert last.cached_content_token_count == cache.usage_metadata.total_token_count
    assert [each.name for each in client.caches.list()] == [cache.name]
    longer = client.caches.update(name=cache.name, config=types.UpdateCachedContentConfig(ttl="6000s"))
    assert longer.expire_time is not None
    assert cache.expire_time is not None
    assert longer.expire_time > cache.expire_time
    client.caches.delete(name=cache.name)
    for call in (
        lambda: client.caches.get(name=str(cache.name)),
        lambda: client.models.generate_content(model=MODEL, contents="hello", config=naming(cache.name)),
    ):
        with pytest.raises(errors.ClientError) as refused:
            call()
        assert refused.value.code == (404 if built is vertex else 403)


@built
def test_cache_lives_as_the_async_sdk_requests(server: Live, built: Built) -> None:
    async def live() -> list[str | None]:
        async with built(server).aio as client:
            cache = await client.caches.create(model=MODEL, config=CREATION)
            reported = await client.models.generate_content(
                model=MODEL, contents="hello", config=naming(cache.name)
            )
            listed = [each.name async for each in await client.caches.list()]
            await client.caches.delete(name=str(cache.name))
            return [reported.text, *[name for name in listed if name == cache.name]][:1]

    assert asyncio.run(live()) == ["Arr."]


def test_service_account_gets_its_token_here(server: Live) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account",
        "project_id": "project",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "me@project.iam.gserviceaccount.com",
        "token_uri": f"{server.url}/token",
    }
    credentials = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
        account, scopes=["https://www.googleapis.com/auth/cloud-platform"]
    )
    client = genai.Client(
        vertexai=True,
        project="project",
        location="us-central1",
        credentials=credentials,
        http_options=types.HttpOptions(base_url=server.url),
    )
    assert client.models.generate_content(model=MODEL, contents="hello").text == "Hello."
    assert credentials.token.startswith("ya29.")
