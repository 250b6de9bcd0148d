"""What google-genai makes of file search: stores, uploads, imports, documents and the grounding of a response."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from google import genai
from google.genai import errors, types

from tests.live import Live
from tests.live import live as serve
from tests.sdk.gemini_clients import MODEL, gemini

RULES = """
mockllm: 1
rules:
  - match: {tools: fileSearch}
    reply: {text: It is in Paris., citations: [{url: paris.txt, words: Paris}]}
  - {match: {api: file_search_stores, body: {$.displayName: full}}, error: rate_limit}
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Live]:
    (tmp_path / "a.yaml").write_text(RULES, encoding="utf-8")
    with serve(tmp_path) as built:
        yield built


def upload(client: genai.Client, store: str) -> types.UploadToFileSearchStoreOperation:
    return client.file_search_stores.upload_to_file_search_store(
        file_search_store_name=store,
        file=io.BytesIO(b"The tower is in Paris."),
        config={
            "display_name": "paris.txt",
            "mime_type": "text/plain",
            "custom_metadata": [{"key": "page", "numeric_value": 3}],
        },
    )


def created(client: genai.Client) -> str:
    name = client.file_search_stores.create(config={"display_name": "Guides"}).name
    assert name is not None
    return name


def test_upload_is_done_and_its_document_is_active(server: Live) -> None:
    with gemini(server) as client:
        store = created(client)
        operation = upload(client, store)
        assert not operation.done
        operation = client.operations.get(operation)
        assert operation.done
        assert operation.response is not None
        document = client.file_search_stores.documents.get(name=operation.response.document_name or "")
        shown = client.file_search_stores.get(name=store)
    assert (document.display_name, document.state) == ("paris.txt", types.DocumentState.STATE_ACTIVE)
    assert (shown.active_documents_count, shown.size_bytes) == (1, 22)


def test_import_of_an_uploaded_file_is_done(server: Live) -> None:
    with gemini(server) as client:
        store = created(client)
        file = client.files.upload(
            file=io.BytesIO(b"text"), config={"mime_type": "text/plain", "display_name": "a.txt"}
        )
        operation = client.file_search_stores.import_file(
            file_search_store_name=store, file_name=file.name or ""
        )
        assert not operation.done
        assert client.operations.get(operation).done
        (document,) = client.file_search_stores.documents.list(parent=store)
    assert document.display_name == "a.txt"


def test_response_is_grounded_in_a_document(server: Live) -> None:
    with gemini(server) as client:
        store = created(client)
        upload(client, store)
        search = types.Tool(file_search=types.FileSearch(file_search_store_names=[store]))
        config = types.GenerateContentConfig(tools=[search])
        whole = client.models.generate_content(model=MODEL, contents="Where?", config=config)
        chunks = list(client.models.generate_content_stream(model=MODEL, contents="Where?", config=config))
    for response in (whole, chunks[-1]):
        assert response.candidates is not None
        grounding = response.candidates[0].grounding_metadata
        assert grounding is not None
        assert grounding.grounding_chunks is not None
        context = grounding.grounding_chunks[0].retrieved_context
        assert context is not None
        assert (context.title, context.text, context.file_search_store) == (
            "paris.txt",
            "The tower is in Paris.",
            store,
        )
        assert context.custom_metadata is not None
        assert context.custom_metadata[0].numeric_value == 3


def test_stores_and_documents_are_deleted_by_force(server: Live) -> None:
    with gemini(server) as client:
        store = created(client)
        upload(client, store)
        with pytest.raises(errors.ClientError, match="FAILED_PRECONDITION"):
            client.file_search_stores.delete(name=store)
        (document,) = client.file_search_stores.documents.list(parent=store)
        client.file_search_stores.documents.delete(name=document.name or "", config={"force": True})
        client.file_search_stores.delete(name=store)
        assert list(client.file_search_stores.list()) == []
        with pytest.raises(errors.ClientError, match="NOT_FOUND"):
            client.file_search_stores.get(name=store)


def test_async_client_creates_and_lists_stores(server: Live) -> None:
    async def names() -> list[str | None]:
        async with gemini(server).aio as client:
            for _ in range(11):
                await client.file_search_stores.create()
            return [store.name async for store in await client.file_search_stores.list()]

    assert len(set(asyncio.run(names()))) == 11


def test_error_of_a_rule_raises(server: Live) -> None:
    with gemini(server) as client, pytest.raises(errors.ClientError, match="RESOURCE_EXHAUSTED"):
        client.file_search_stores.create(config={"display_name": "full"})
