"""What Gemini's file search does not accept: names of another form, long names, and operations of another kind."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.request.stored_objects import StoredObject
from mockllm.dialects.gemini.file_search import retrieval
from mockllm.state import local_objects
from tests.dialects.gemini.test_gemini_file_search import (
    RULES,
    START,
    create,
    get,
    searched,
    upload,
    uploaded,
)
from tests.language.virtual_server import VirtualServer, raw_request


@pytest.fixture
def server() -> VirtualServer:
    return VirtualServer(RULES)


@pytest.mark.parametrize(
    "name", ["fileSearchStores/abc/documents/zz", "fileSearchStores/", "fileSearchStores/A"]
)
def test_name_of_a_rule_that_no_store_has_stores_nothing(name: str) -> None:
    rule = (
        f"{{match: {{api: file_search_stores, method: POST}}, http: {{status: 200, body: {{name: {name}}}}}}}"
    )
    server = VirtualServer(f"rules: [{rule}]")
    assert create(server) == name
    assert get(server, "fileSearchStores").json == {}
    assert get(server, "fileSearchStores/abc/upload/operations/zz").status == 404


def test_file_of_a_rule_needs_no_media_type() -> None:
    final = "{x-goog-upload-status: final}, body: {file: {name: files/abc}}"
    server = VirtualServer(
        f"rules: [{{match: {{api: files, provider: gemini}}, http: {{status: 200, headers: {final}}}}}]"
    )
    headers = {"x-goog-upload-protocol": "raw"}
    server.respond(raw_request("/upload/v1beta/files", b"", headers=headers))
    store = create(server)
    path = f"/v1beta/{store}:importFile"
    begun = server.respond(raw_request(path, {"fileName": "files/abc"})).json["name"]
    id = begun.rpartition("/")[2]
    for operation in (begun, f"{store}/upload/operations/{id}"):
        assert get(server, operation).status < 500
    assert get(server, f"{store}/documents/{id}").json["sizeBytes"] == "0"


def test_id_with_a_slash_names_no_store(server: VirtualServer) -> None:
    store = create(server)
    name = uploaded(server, store)
    encoded = f"{store}%2Fdocuments%2F{name.rpartition('/')[2]}"
    assert get(server, encoded).status == 404
    assert get(server, encoded, method="DELETE").status == 404
    assert upload(server, encoded).status == 404
    assert get(server, f"{encoded}/documents").status == 404
    assert get(server, f"{store}/documents/A").status == 404
    assert get(server, name).status == 200


def test_long_name_of_an_imported_file_is_cut(server: VirtualServer) -> None:
    headers = {
        "x-goog-upload-protocol": "raw",
        "content-type": "text/plain",
        "x-goog-upload-file-name": "é" * 5000 + "a",
    }
    file = server.respond(raw_request("/upload/v1beta/files", b"text", headers=headers)).json["file"]
    store = create(server)
    begun = server.respond(raw_request(f"/v1beta/{store}:importFile", {"fileName": file["name"]})).json
    id = begun["name"].rpartition("/")[2]
    assert len(id) == 12
    assert get(server, f"{store}/documents/{id}").json["displayName"] == "é" * 512


def test_operation_answers_only_under_its_kind(server: VirtualServer) -> None:
    headers = {"x-goog-upload-protocol": "raw", "content-type": "text/plain"}
    file = server.respond(raw_request("/upload/v1beta/files", b"text", headers=headers)).json["file"]
    store = create(server)
    begun = server.respond(raw_request(f"/v1beta/{store}:importFile", {"fileName": file["name"]})).json
    imported, sent = begun["name"].rpartition("/")[2], uploaded(server, store).rpartition("/")[2]
    assert get(server, f"{store}/operations/{imported}").status == 200
    assert get(server, f"{store}/upload/operations/{imported}").status == 404
    assert get(server, f"{store}/upload/operations/{sent}").status == 200
    assert get(server, f"{store}/operations/{sent}").status == 404


@pytest.mark.parametrize("body", [b"{", b"[]", b"5", b"null"])
def test_beginning_of_an_upload_with_no_object_is_refused(server: VirtualServer, body: bytes) -> None:
    path = f"/upload/v1beta/{create(server)}:uploadToFileSearchStore"
    assert server.respond(raw_request(path, body, headers=START)).status == 400
    assert server.respond(raw_request(path, b"", headers=START)).status == 200


def test_only_cited_documents_are_read(server: VirtualServer, monkeypatch: pytest.MonkeyPatch) -> None:
    store = create(server)
    for number in range(3):
        uploaded(server, store, displayName=f"other{number}")
    uploaded(server, store, displayName="paris.txt")
    read: list[str] = []
    plain = retrieval.stored_object

    def noted(stored: StoredObject) -> dict[str, Json]:
        document = plain(stored)
        read.append(document["displayName"])
        return document

    monkeypatch.setattr(retrieval, "stored_object", noted)
    assert "groundingMetadata" not in searched(server, "hello", store).json["candidates"][0]
    assert read == []
    searched(server, "which", store)
    assert read == ["paris.txt"]


def test_search_reads_a_list_of_documents_once(
    server: VirtualServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To read 40,000 documents for each request took 150 ms."""
    monkeypatch.setattr(local_objects, "MANY_OBJECTS", 2)
    store = create(server)
    uploaded(server, store, displayName="paris.txt")
    reads: list[str] = []
    plain = retrieval._store_of_document

    def noted(stored: StoredObject) -> str:
        reads.append(stored.id)
        return plain(stored)

    monkeypatch.setattr(retrieval, "_store_of_document", noted)
    for _ in range(3):
        searched(server, "hello", store)
    assert len(reads) == 2
    uploaded(server, store, displayName="lyon.txt")
    searched(server, "hello", store)
    assert len(reads) == 5


def test_oldest_document_of_all_searched_stores_is_found(server: VirtualServer) -> None:
    first, second = create(server), create(server)
    name = uploaded(server, first, displayName="paris.txt")
    uploaded(server, second, displayName="paris.txt")
    for stores in ((first, second), (second, first)):
        chunks = searched(server, "which", *stores).json["candidates"][0]["groundingMetadata"][
            "groundingChunks"
        ]
        assert chunks[0]["retrievedContext"]["fileSearchStore"] == name.partition("/documents/")[0]


def test_other_member_with_a_cited_name_is_no_document() -> None:
    server = VirtualServer("rules: [{reply: {text: Hi., citations: [{url: paris.txt}]}}]")
    store = create(server)
    uploaded(server, store, customMetadata=[{"key": "k", "stringValue": "paris.txt"}])
    chunks = searched(server, "hi", store).json["candidates"][0]["groundingMetadata"]["groundingChunks"]
    assert chunks == [{"retrievedContext": {"title": "paris.txt", "fileSearchStore": store}}]
