"""Gemini's file search: stores, documents, operations, and the grounding of a response in them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockllm.core.json.codec import Json
from tests.language.virtual_server import ClientRequest, ClientResponse, VirtualServer, raw_request

RULES = """
rules:
  - match: {user: which}
    reply:
      text: Paris has a tower. Lyon has two rivers.
      citations:
        - {url: paris.txt, words: Paris has a tower.}
        - {url: lyon.txt, words: Lyon has two rivers., quote: The rivers of Lyon.}
        - {url: "https://a.test", title: A}
  - {match: {api: file_search_stores, method: POST, body: {$.displayName: full}}, error: rate_limit}
  - match: {api: file_search_stores, method: POST, body: {$.displayName: own}}
    http: {status: 200, body: {name: 3}}
  - match: {api: file_search_uploads, body: {$.fileName: files/own}}
    http: {status: 200, body: {name: operations/own}}
  - {reply: Hello.}
"""
STORES = "/v1beta/fileSearchStores"
START = {"x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start"}


@pytest.fixture
def server() -> VirtualServer:
    return VirtualServer(RULES)


def get(server: VirtualServer, path: str, query: str = "", method: str = "GET") -> ClientResponse:
    return server.respond(ClientRequest(f"/v1beta/{path}", method=method, query=query))


def create(server: VirtualServer, **body: Json) -> str:
    response = server.respond(raw_request(STORES, body))
    assert response.status == 200, response.json
    name: str = response.json["name"]
    return name


def upload(
    server: VirtualServer, store: str, content: bytes = b"Paris.", media: str = "text/plain", **body: Json
) -> ClientResponse:
    """The response to a resumable upload, as SDKs send it."""
    path = f"/upload/v1beta/{store}:uploadToFileSearchStore"
    headers = {**START, "x-goog-upload-header-content-type": media}
    begun = server.respond(raw_request(path, body, headers=headers))
    if begun.status != 200:
        return begun
    query = begun.headers["x-goog-upload-url"].partition("?")[2]
    sent = {"x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": "0"}
    return server.respond(raw_request(path, content, query=query, headers=sent))


def uploaded(server: VirtualServer, store: str, **body: Any) -> str:
    response = upload(server, store, **body)
    assert response.status == 200, response.json
    name: str = response.json["response"]["documentName"]
    return name


def searched(server: VirtualServer, user: str, *stores: str, **tool: Json) -> ClientResponse:
    tools = [{"fileSearch": {"fileSearchStoreNames": list(stores), **tool}}]
    body = {"contents": [{"parts": [{"text": user}]}], "tools": tools}
    return server.respond(raw_request("/v1beta/models/gemini-3-flash-preview:generateContent", body))


def test_created_store_has_a_name_of_its_title(server: VirtualServer) -> None:
    body = server.respond(raw_request(STORES, {"display_name": "My First-Store!"})).json
    assert body == {
        "name": body["name"],
        "displayName": "My First-Store!",
        "createTime": "2023-11-14T22:13:20.000000Z",
        "updateTime": "2023-11-14T22:13:20.000000Z",
        "embeddingModel": "models/gemini-embedding-001",
    }
    stem, _, suffix = body["name"].rpartition("-")
    assert (stem, len(suffix)) == ("fileSearchStores/my-firststore", 12)
    assert get(server, body["name"]).json == body


def test_store_without_a_title_has_a_random_name(server: VirtualServer) -> None:
    name = create(server, embeddingModel="models/mine")
    assert len(name.partition("/")[2]) == 12
    assert get(server, name).json["embeddingModel"] == "models/mine"
    assert len(create(server, displayName="a" * 512).partition("/")[2]) == 40


def test_stores_are_listed_in_pages(server: VirtualServer) -> None:
    names = [create(server) for _ in range(12)]
    first = get(server, "fileSearchStores").json
    assert [store["name"] for store in first["fileSearchStores"]] == names[:10]
    second = get(server, "fileSearchStores", f"pageToken={first['nextPageToken']}").json
    assert [store["name"] for store in second["fileSearchStores"]] == names[10:]
    assert "nextPageToken" not in second
    assert get(server, "fileSearchStores", "pageSize=21").status == 400
    assert get(VirtualServer(RULES), "fileSearchStores").json == {}


def test_upload_makes_a_document(server: VirtualServer) -> None:
    store = create(server)
    response = upload(
        server, store, displayName="paris.txt", customMetadata=[{"key": "a", "stringValue": "b"}]
    )
    name = response.json["response"]["documentName"]
    id = name.rpartition("/")[2]
    assert id.startswith("paristxt-")
    result = {
        "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.UploadToFileSearchStoreResponse",
        "parent": store,
        "documentName": name,
        "mimeType": "text/plain",
        "sizeBytes": "6",
    }
    operation = f"{store}/upload/operations/{id}"
    assert response.json == {"name": operation, "response": result}
    assert get(server, operation).json == {"name": operation, "done": True, "response": result}
    assert get(server, name).json == {
        "name": name,
        "displayName": "paris.txt",
        "customMetadata": [{"key": "a", "stringValue": "b"}],
        "createTime": "2023-11-14T22:13:20.000000Z",
        "updateTime": "2023-11-14T22:13:20.000000Z",
        "state": "STATE_ACTIVE",
        "sizeBytes": "6",
        "mimeType": "text/plain",
    }
    shown = get(server, store).json
    assert (shown["activeDocumentsCount"], shown["sizeBytes"]) == ("1", "6")
    assert get(server, "fileSearchStores").json["fileSearchStores"] == [shown]


def test_raw_upload_is_no_description(server: VirtualServer) -> None:
    path = f"/upload/v1beta/{create(server)}:uploadToFileSearchStore"
    headers = {"x-goog-upload-protocol": "raw", "content-type": "application/json"}
    sent = server.respond(raw_request(path, {"displayName": 3}, headers=headers)).json["response"]
    assert (sent["mimeType"], "displayName" in get(server, sent["documentName"]).json) == (
        "application/json",
        False,
    )


def test_multipart_upload_has_a_description(server: VirtualServer) -> None:
    path = f"/upload/v1beta/{create(server)}:uploadToFileSearchStore"
    described = json.dumps({"display_name": "Mine"}).encode()
    body = b"--xyz\r\ncontent-type: application/json\r\n\r\n" + described
    body += b"\r\n--xyz\r\ncontent-type: text/plain\r\n\r\ntext\r\n--xyz--\r\n"
    headers = {"content-type": "multipart/related; boundary=xyz", "x-goog-upload-protocol": "multipart"}
    sent = server.respond(raw_request(path, body, headers=headers)).json["response"]
    assert get(server, sent["documentName"]).json["displayName"] == "Mine"


def test_import_of_a_file_makes_a_document(server: VirtualServer) -> None:
    headers = {
        "x-goog-upload-protocol": "raw",
        "content-type": "text/plain",
        "x-goog-upload-file-name": "a.txt",
    }
    file = server.respond(raw_request("/upload/v1beta/files", b"text", headers=headers)).json["file"]
    store = create(server)
    path = f"/v1beta/{store}:importFile"
    begun = server.respond(raw_request(path, {"file_name": file["name"]})).json
    assert list(begun) == ["name"]
    id = begun["name"].rpartition("/")[2]
    done = get(server, begun["name"]).json
    assert (done["done"], done["response"]["documentName"]) == (True, id)
    assert done["response"]["parent"] == store.partition("/")[2]
    document = get(server, f"{store}/documents/{id}").json
    assert (document["displayName"], document["sizeBytes"], document["mimeType"]) == (
        "a.txt",
        "4",
        "text/plain",
    )
    missing = server.respond(raw_request(path, {"fileName": "files/none"}))
    assert (missing.status, missing.json["error"]["status"]) == (403, "PERMISSION_DENIED")


def test_documents_are_listed_and_deleted(server: VirtualServer) -> None:
    store = create(server)
    assert get(server, f"{store}/documents").json == {}
    names = [uploaded(server, store) for _ in range(2)]
    listed = get(server, f"{store}/documents", "pageSize=20").json["documents"]
    assert [document["name"] for document in listed] == names
    refused = get(server, names[0], method="DELETE")
    assert (refused.status, refused.json["error"]) == (
        400,
        {"code": 400, "message": "Cannot delete non-empty Document", "status": "FAILED_PRECONDITION"},
    )
    assert get(server, names[0], "force=True", "DELETE").json == {}
    assert get(server, names[0]).status == 404
    assert len(get(server, f"{store}/documents").json["documents"]) == 1
    assert get(server, f"{store}/documents", "pageSize=21").status == 400


def test_store_with_documents_is_deleted_by_force(server: VirtualServer) -> None:
    store = create(server)
    name = uploaded(server, store)
    refused = get(server, store, method="DELETE")
    assert (refused.status, refused.json["error"]["message"]) == (
        400,
        "Cannot delete non-empty FileSearchStore",
    )
    assert get(server, store, "force=true", "DELETE").json == {}
    assert [get(server, each).status for each in (store, name, f"{store}/documents")] == [404] * 3
    empty = create(server)
    assert get(server, empty, method="DELETE").json == {}


def test_unknown_store_is_not_found(server: VirtualServer) -> None:
    store = "fileSearchStores/none"
    assert upload(server, store).json["error"]["status"] == "NOT_FOUND"
    imported = server.respond(raw_request(f"/v1beta/{store}:importFile", {"fileName": "files/x"}))
    assert imported.status == 404
    for path in (store, f"{store}/operations/x", f"{store}/upload/operations/x"):
        assert get(server, path).status == 404


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"displayName": 3}, "display_name"),
        ({"displayName": "a" * 513}, "512"),
        ({"embeddingModel": []}, "embedding_model"),
        ({"embeddingModel": "a" * 513}, "embedding_model"),
    ],
)
def test_wrong_store_is_refused(server: VirtualServer, body: dict[str, Json], word: str) -> None:
    response = server.respond(raw_request(STORES, body))
    assert (response.status, response.json["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert word in response.message


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"displayName": 3}, "display_name"),
        ({"displayName": "a" * 513}, "512"),
        ({"customMetadata": [{"key": 3}]}, "custom_metadata[0].key"),
        ({"customMetadata": [{"key": "a"}] * 21}, "20"),
        ({"customMetadata": [None]}, "custom_metadata[0]"),
        (
            {"customMetadata": [{"key": "a", "stringListValue": {"values": ["b", None]}}]},
            "custom_metadata[0].string_list_value.values[1]",
        ),
        ({"mimeType": {}}, "mime_type"),
        ({"mimeType": "a" * 513}, "512"),
        ({"displayName": []}, "display_name"),
        ({"chunkingConfig": {"whiteSpaceConfig": {"maxTokensPerChunk": "x"}}}, "max_tokens_per_chunk"),
    ],
)
def test_wrong_description_is_refused(server: VirtualServer, body: dict[str, Json], word: str) -> None:
    store = create(server)
    response = upload(server, store, **body)
    assert (response.status, word in response.message) == (400, True)
    imported = server.respond(raw_request(f"/v1beta/{store}:importFile", {"fileName": "files/x", **body}))
    assert (imported.status, word in imported.message) == (400, True)


@pytest.mark.parametrize("body", [{}, b"", {"fileName": ""}, {"fileName": 3}, []])
def test_import_without_a_file_is_refused(server: VirtualServer, body: Any) -> None:
    response = server.respond(raw_request(f"/v1beta/{create(server)}:importFile", body))
    assert response.status == 400


def test_body_of_a_store_that_is_no_object_is_refused(server: VirtualServer) -> None:
    assert server.respond(raw_request(STORES, [])).status == 400
    assert server.respond(raw_request(STORES, b"")).status == 200


def test_rules_respond_to_the_calls(server: VirtualServer) -> None:
    assert server.respond(raw_request(STORES, {"displayName": "full"})).status == 429
    assert server.respond(raw_request(STORES, {"displayName": "own"})).json == {"name": 3}
    path = f"/v1beta/{create(server)}:importFile"
    assert server.respond(raw_request(path, {"fileName": "files/own"})).json == {"name": "operations/own"}


def test_result_of_a_rule_stores_no_document() -> None:
    final = "{status: 200, headers: {x-goog-upload-status: final}, body: {a: 1}}"
    server = VirtualServer(f"rules: [{{match: {{api: file_search_uploads}}, http: {final}}}]")
    store = create(server)
    headers = {"x-goog-upload-protocol": "raw"}
    path = f"/upload/v1beta/{store}:uploadToFileSearchStore"
    assert server.respond(raw_request(path, b"x", headers=headers)).json == {"a": 1}
    assert get(server, f"{store}/documents").json == {}


def test_equal_calls_have_equal_names() -> None:
    def names() -> list[str]:
        server = VirtualServer(RULES)
        store = create(server, displayName="x")
        return [store, uploaded(server, store, displayName="y")]

    assert names() == names()


def test_response_is_grounded_in_the_documents(server: VirtualServer) -> None:
    store, other = create(server, displayName="x"), create(server, displayName="y")
    metadata: Json = [{"key": "a", "numericValue": 1}]
    uploaded(server, store, content=b"Paris. " * 1000, displayName="paris.txt", customMetadata=metadata)
    uploaded(server, store, content=b"%PDF", media="application/pdf", displayName="lyon.txt")
    grounding = searched(server, "which", store, other).json["candidates"][0]["groundingMetadata"]
    paris, lyon, page = grounding["groundingChunks"]
    assert paris == {
        "retrievedContext": {
            "title": "paris.txt",
            "text": ("Paris. " * 1000)[:2000],
            "fileSearchStore": store,
            "customMetadata": metadata,
        }
    }
    assert lyon["retrievedContext"] == {
        "title": "lyon.txt",
        "fileSearchStore": store,
        "text": "The rivers of Lyon.",
    }
    assert page == {"web": {"uri": "https://a.test", "title": "A"}}
    assert grounding["groundingSupports"][0] == {
        "segment": {"endIndex": 18, "text": "Paris has a tower."},
        "groundingChunkIndices": [0],
    }


def test_document_without_a_title_is_known_by_its_name(server: VirtualServer) -> None:
    name = uploaded(server, create(server))
    citing = VirtualServer(f"rules: [{{reply: {{text: Hi., citations: [{{url: {name}}}]}}}}]")
    store = create(citing)
    assert uploaded(citing, store) == name
    chunks = searched(citing, "hi", store).json["candidates"][0]["groundingMetadata"]["groundingChunks"]
    assert chunks == [{"retrievedContext": {"title": name, "text": "Paris.", "fileSearchStore": store}}]


def test_source_without_a_document_names_the_store(server: VirtualServer) -> None:
    store = create(server)
    chunks = searched(server, "which", store).json["candidates"][0]["groundingMetadata"]["groundingChunks"]
    assert chunks[0] == {"retrievedContext": {"title": "paris.txt", "fileSearchStore": store}}
    (unnamed, *_) = searched(server, "which").json["candidates"][0]["groundingMetadata"]["groundingChunks"]
    assert unnamed == {"retrievedContext": {"title": "paris.txt"}}


def test_repeated_request_sees_a_new_document(server: VirtualServer) -> None:
    store = create(server)
    before = [searched(server, "which", store).json["candidates"] for _ in range(4)]
    uploaded(server, store, displayName="paris.txt")
    after = searched(server, "which", store).json["candidates"]
    assert before[0] == before[3] != after
    assert after[0]["groundingMetadata"]["groundingChunks"][0]["retrievedContext"]["text"] == "Paris."


def test_response_without_citations_has_no_grounding(server: VirtualServer) -> None:
    candidate = searched(server, "hello", create(server)).json["candidates"][0]
    assert "groundingMetadata" not in candidate


@pytest.mark.parametrize(
    "tool",
    [{"fileSearchStoreNames": [3]}, {"topK": "x"}, {"metadataFilter": 3}, {"fileSearchStoreNames": {}}],
)
def test_wrong_tool_is_refused(server: VirtualServer, tool: dict[str, Json]) -> None:
    response = searched(server, "which", "fileSearchStores/x", **tool)
    assert (response.status, response.json["error"]["status"]) == (400, "INVALID_ARGUMENT")
