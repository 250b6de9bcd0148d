"""OpenAI's vector stores with the official SDK: helpers that poll, pages, batches, searches, errors."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Iterator
from typing import Any, Final

import openai
import pytest
from openai.types.responses import (
    Response,
    ResponseFileSearchToolCall,
    ResponseIncludable,
    ResponseOutputMessage,
    ResponseOutputText,
)
from openai.types.responses.response_output_text import AnnotationFileCitation
from openai.types.vector_stores import VectorStoreFile

from tests.live import Live
from tests.live import live as serve
from tests.sdk.test_required_fields_sdk import require

INCLUDE: Final[list[ResponseIncludable]] = ["file_search_call.results"]

RULES = """
mockllm: 1
rules:
  - {match: {api: vector_stores, body: {$.name: full}}, error: rate_limit}
  - match: {tools: file_search}
    reply: {server_tools: [{file_search: "{{ user }}"}], text: In Paris., citations: [{url: paris.txt, words: Paris}]}
  - {reply: Hi.}
modifiers:
  - {match: {api: vector_store_files, body: {$.attributes.slow: true}}, pace: {in_progress: 60s}}
"""
EXACT = """
mockllm: 1
validation: exact
rules:
  - {match: {tools: file_search, user: exact}, reply: Hi.}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("stores")
    (folder / "a.yaml").write_text(EXACT, encoding="utf-8")
    (folder / "b.yaml").write_text(RULES, encoding="utf-8")
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


CITIES = (("paris", "The tower is in Paris."), ("lyon", "Two rivers meet in Lyon."))
QUESTION = "Where is the tower?"


def tools(store: str) -> list[Any]:
    return [{"type": "file_search", "vector_store_ids": [store], "max_num_results": 1}]


@pytest.fixture
def cities(client: openai.OpenAI) -> str:
    """A store of two files."""
    store = client.vector_stores.create()
    for city, content in CITIES:
        client.vector_stores.files.upload_and_poll(
            vector_store_id=store.id, file=text(f"{city}.txt", content)
        )
    return store.id


def check_search(response: Response) -> None:
    """Check the items of a response to `QUESTION`."""
    search, message = response.output
    assert isinstance(search, ResponseFileSearchToolCall)
    assert (search.status, search.queries) == ("completed", [QUESTION])
    (found,) = search.results or []
    assert (found.filename, found.text, found.attributes) == ("paris.txt", "The tower is in Paris.", {})
    assert isinstance(message, ResponseOutputMessage)
    (content,) = message.content
    assert isinstance(content, ResponseOutputText)
    (cited,) = content.annotations
    assert isinstance(cited, AnnotationFileCitation)
    assert (cited.file_id, cited.filename, cited.index) == (found.file_id, "paris.txt", 8)
    require(Response, response.to_dict())


def test_tool_searches_a_store(client: openai.OpenAI, cities: str) -> None:
    fields: Any = {"model": "gpt-5", "input": QUESTION, "tools": tools(cities), "include": INCLUDE}
    check_search(client.responses.create(**fields))
    with client.responses.stream(**fields) as stream:
        types = [event.type for event in stream]
        check_search(stream.get_final_response())
    assert "response.file_search_call.searching" in types
    assert "response.output_text.annotation.added" in types
    plain = client.responses.create(**{**fields, "include": []}).output[0]
    assert isinstance(plain, ResponseFileSearchToolCall)
    assert plain.results is None


def test_stored_response_has_what_the_tool_found(client: openai.OpenAI, cities: str) -> None:
    fields: Any = {"model": "gpt-5", "input": QUESTION, "tools": tools(cities), "include": INCLUDE}
    begun = client.responses.create(**fields, background=True)
    while begun.status != "completed":
        time.sleep(0.05)
        begun = client.responses.retrieve(begun.id)
    check_search(begun)
    for event in client.responses.retrieve(client.responses.create(**fields).id, stream=True):
        if event.type == "response.completed":
            check_search(event.response)


def test_tool_searches_a_store_over_a_websocket(client: openai.OpenAI, cities: str) -> None:
    with client.responses.connect() as socket:
        socket.response.create(model="gpt-5", input=QUESTION, tools=tools(cities), include=INCLUDE)
        for event in socket:
            if event.type == "response.completed":
                check_search(event.response)
                break


def test_tool_with_an_unknown_store_raises(client: openai.OpenAI) -> None:
    for stream in (False, True):
        with pytest.raises(openai.NotFoundError, match=r"Vector store with id \['vs_unknown'\] not found"):
            client.responses.create(model="gpt-5", input="exact", tools=tools("vs_unknown"), stream=stream)


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
        found = client.responses.create(
            model="gpt-5", input="A", tools=tools(store.id), include=INCLUDE
        ).output
        assert isinstance(found[0], ResponseFileSearchToolCall)
        assert [each.file_id for each in found[0].results or []] == [file.id]


def test_async_client_polls(server: Live) -> None:
    async def file() -> VectorStoreFile:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0) as client:
            store = await client.vector_stores.create()
            return await client.vector_stores.files.upload_and_poll(
                vector_store_id=store.id, file=text("a.txt", "A.")
            )

    assert asyncio.run(file()).status == "completed"
