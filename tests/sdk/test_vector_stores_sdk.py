"""OpenAI's vector stores with the official SDK: helpers that poll, pages, batches, searches, errors."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Iterator

import openai
import pytest
from openai.types.vector_stores import VectorStoreFile

from tests.live import Live
from tests.live import live as serve

RULES = """
mockllm: 1
rules:
  - {match: {api: vector_stores, body: {$.name: full}}, error: rate_limit}
  - {reply: Hi.}
modifiers:
  - {match: {api: vector_store_files, body: {$.attributes.slow: true}}, pace: {in_progress: 60s}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("stores")
    (folder / "a.yaml").write_text(RULES, encoding="utf-8")
    with serve(folder) as built:
        yield built


@pytest.fixture
def client(server: Live) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0) as built:
        yield built


def text(name: str, content: str) -> io.BytesIO:
    file = io.BytesIO(content.encode())
    file.name = name
    return file


def uploaded(client: openai.OpenAI, name: str, content: str) -> str:
    return client.files.create(file=text(name, content), purpose="assistants").id


def test_helper_uploads_and_polls_a_file(client: openai.OpenAI) -> None:
    store, began = client.vector_stores.create(name="Guides"), time.monotonic()
    file = client.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=text("paris.txt", "The tower is in Paris."), attributes={"page": 3.0}
    )
    assert time.monotonic() - began < 2
    assert (file.status, file.usage_bytes, file.attributes) == ("completed", 22, {"page": 3.0})
    shown = client.vector_stores.retrieve(store.id)
    assert (shown.status, shown.file_counts.completed, shown.usage_bytes) == ("completed", 1, 22)
    (part,) = client.vector_stores.files.content(file.id, vector_store_id=store.id)
    assert part.text == "The tower is in Paris."


def test_helper_polls_a_batch_of_uploads(client: openai.OpenAI) -> None:
    store = client.vector_stores.create()
    files = [text(f"{number}.md", f"Number {number}.") for number in range(3)]
    batch = client.vector_stores.file_batches.upload_and_poll(store.id, files=files)
    assert (batch.status, batch.file_counts.completed) == ("completed", 3)
    listed = client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id, limit=2)
    assert len(list(listed)) == 3


def test_helper_stops_waiting_for_a_slow_file(client: openai.OpenAI) -> None:
    store, id = client.vector_stores.create(), uploaded(client, "a.txt", "A.")
    with pytest.raises(TimeoutError):
        client.vector_stores.files.create_and_poll(
            id, vector_store_id=store.id, attributes={"slow": True}, max_wait_seconds=0.3
        )
    assert client.vector_stores.files.list(store.id, filter="in_progress").data[0].id == id


def test_batch_is_cancelled(client: openai.OpenAI) -> None:
    store = client.vector_stores.create()
    files = [{"file_id": uploaded(client, "a.txt", "A.")}]
    batch = client.vector_stores.file_batches.create(store.id, files=files)  # type: ignore[arg-type]  # a TypedDict
    cancelled = client.vector_stores.file_batches.cancel(batch.id, vector_store_id=store.id)
    assert (cancelled.status, cancelled.file_counts.cancelled) == ("cancelled", 1)
    assert client.vector_stores.file_batches.poll(batch.id, vector_store_id=store.id).status == "cancelled"


def test_search_finds_files_by_words_and_attributes(client: openai.OpenAI) -> None:
    store = client.vector_stores.create()
    for city, content in (("paris", "The tower is in Paris."), ("lyon", "Two rivers meet in Lyon.")):
        client.vector_stores.files.upload_and_poll(
            vector_store_id=store.id, file=text(f"{city}.txt", content), attributes={"city": city}
        )
    found = client.vector_stores.search(store.id, query="Where is the tower?").data
    assert [each.filename for each in found] == ["paris.txt", "lyon.txt"]
    assert found[0].score > found[1].score
    assert (found[0].content[0].text, found[0].attributes) == ("The tower is in Paris.", {"city": "paris"})
    (only,) = client.vector_stores.search(
        store.id, query=["tower", "river"], filters={"type": "ne", "key": "city", "value": "paris"}
    )
    assert only.filename == "lyon.txt"


def test_stores_and_files_are_paged(client: openai.OpenAI) -> None:
    created = [client.vector_stores.create(name=str(number)).id for number in range(5)]
    listed = client.vector_stores.list(limit=2, order="asc", after=created[0])
    assert [each.id for each in listed if each.id in created] == created[1:]
    files = [uploaded(client, "a.txt", str(number)) for number in range(5)]
    client.vector_stores.file_batches.create_and_poll(created[0], file_ids=files)
    pages = client.vector_stores.files.list(created[0], limit=2, order="asc").iter_pages()
    assert [[each.id for each in page.data] for page in pages] == [files[:2], files[2:4], files[4:]]


def test_objects_are_changed_and_deleted(client: openai.OpenAI) -> None:
    store, id = client.vector_stores.create(), uploaded(client, "a.txt", "A.")
    anchor = {"anchor": "last_active_at", "days": 7}
    changed = client.vector_stores.update(store.id, name="New", expires_after=anchor)  # type: ignore[arg-type]  # a TypedDict
    assert (changed.name, changed.expires_at) == ("New", store.created_at + 7 * 24 * 3600)
    client.vector_stores.files.create(store.id, file_id=id)
    file = client.vector_stores.files.update(id, vector_store_id=store.id, attributes={"a": "b"})
    assert file.attributes == {"a": "b"}
    assert client.vector_stores.files.delete(id, vector_store_id=store.id).deleted
    with pytest.raises(openai.NotFoundError, match="No file found with id"):
        client.vector_stores.files.retrieve(id, vector_store_id=store.id)
    assert client.vector_stores.delete(store.id).deleted
    with pytest.raises(openai.NotFoundError, match="No vector store found with id"):
        client.vector_stores.retrieve(store.id)


def test_errors_raise(client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError):
        client.vector_stores.create(name="full")
    with pytest.raises(openai.BadRequestError, match="are not supported for retrieval"):
        client.vector_stores.create(file_ids=[uploaded(client, "a.png", "A.")])


def test_azure_client_has_stores(server: Live) -> None:
    with openai.AzureOpenAI(
        azure_endpoint=server.url, api_key="k", api_version="2025-04-01-preview", max_retries=0
    ) as client:
        store = client.vector_stores.create()
        file = client.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=text("a.txt", "A."))
        assert file.status == "completed"


def test_async_client_polls(server: Live) -> None:
    async def file() -> VectorStoreFile:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0) as client:
            store = await client.vector_stores.create()
            return await client.vector_stores.files.upload_and_poll(
                vector_store_id=store.id, file=text("a.txt", "A.")
            )

    assert asyncio.run(file()).status == "completed"
