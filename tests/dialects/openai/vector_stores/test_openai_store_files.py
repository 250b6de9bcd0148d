"""The files of OpenAI's vector stores, and their batches: states, attributes, lists, content, errors."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dialects.openai.batches.batch_requests import get
from tests.dialects.openai.vector_stores.store_requests import DONE, STORES, file, files_in, send, store
from tests.dialects.test_long_batches import is_deferred
from tests.language.virtual_server import NOW, VirtualServer, raw_request

AUTO = {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}}
STATIC = {"type": "static", "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 10}}


@pytest.fixture
def server() -> VirtualServer:
    return VirtualServer("rules: [{reply: Hi.}]")


@pytest.fixture
def path(server: VirtualServer) -> str:
    """The path of the files of an empty store."""
    return f"/{store(server)}/files"


def batch(server: VirtualServer, path: str, **fields: Any) -> Any:
    response = send(server, path.replace("/files", "/file_batches"), fields)
    assert response.status == 200, response.json
    return response.json


def counts(**counted: int) -> dict[str, int]:
    kinds = ("in_progress", "completed", "failed", "cancelled")
    return {**dict.fromkeys(kinds, 0), **counted, "total": sum(counted.values())}


def test_file_is_in_progress_then_completed(server: VirtualServer, path: str) -> None:
    id = file(server)
    created = send(
        server, path, {"file_id": id, "attributes": {"a": 1.5, "b": True}, "chunking_strategy": STATIC}
    )
    assert created.json == {
        "id": id,
        "object": "vector_store.file",
        "usage_bytes": 0,
        "created_at": int(NOW),
        "vector_store_id": path.split("/")[1],
        "status": "in_progress",
        "last_error": None,
        "chunking_strategy": STATIC,
        "attributes": {"a": 1.5, "b": True},
    }
    early, late = send(server, f"{path}/{id}", after=DONE / 2), send(server, f"{path}/{id}", after=DONE)
    assert early.json == created.json
    assert late.json == {**created.json, "status": "completed", "usage_bytes": 18}
    polls = [each.headers.get("openai-poll-after-ms") for each in (created, early, late)]
    assert polls == ["100", "100", None]


def test_empty_file_fails(server: VirtualServer, path: str) -> None:
    id = file(server, b"")
    assert send(server, path, {"file_id": id}).json["last_error"] is None
    failed = send(server, f"{path}/{id}", after=DONE).json
    assert (failed["status"], failed["last_error"]["code"]) == ("failed", "invalid_file")
    assert failed["chunking_strategy"] == AUTO


def test_body_of_a_rule_decides_the_end_of_a_file() -> None:
    error = "{code: unsupported_file, message: The file type is not supported.}"
    server = VirtualServer(f"""
    rules:
      - match: {{api: vector_store_files, body: {{$.attributes.kind: bad}}}}
        http: {{status: 200, body: {{id: file-mine, status: failed, last_error: {error}}}}}
      - match: {{api: vector_store_files, body: {{$.attributes.kind: odd}}}}
        http: {{status: 200, body: {{id: file-odd, status: lost, attributes: 3}}}}
      - match: {{api: vector_store_files, body: {{$.attributes.kind: none}}}}
        http: {{status: 200, body: {{id: file-a/b}}}}
      - match: {{api: vector_store_file_batches}}
        http: {{status: 200, body: {{id: vsfb_a/b}}}}
    """)
    id, path = file(server), f"/{store(server)}/files"
    for kind in ("bad", "odd", "none"):
        assert send(server, path, {"file_id": id, "attributes": {"kind": kind}}).status == 200
    send(server, path.replace("/files", "/file_batches"), {"file_ids": [id]})
    bad, odd = files_in(server, path.split("/")[1])
    assert (bad["id"], bad["status"], bad["last_error"]["code"]) == (
        "file-mine",
        "failed",
        "unsupported_file",
    )
    assert (odd["id"], odd["status"], odd["attributes"]) == ("file-odd", "completed", {"kind": "odd"})


def test_update_replaces_attributes(server: VirtualServer, path: str) -> None:
    id = file(server)
    send(server, path, {"file_id": id, "attributes": {"a": "b"}})
    changed = send(server, f"{path}/{id}", {"attributes": {"c": 3}}, after=DONE).json
    assert (changed["attributes"], changed["status"]) == ({"c": 3}, "completed")
    assert send(server, f"{path}/{id}", after=DONE).json == changed
    assert send(server, f"{path}/{id}", {"attributes": None}).json["attributes"] == {}


def test_files_are_listed_by_state(server: VirtualServer) -> None:
    id = store(server, "One.", "", "Three.")
    files = files_in(server, id)
    assert [each["status"] for each in files] == ["completed", "failed", "completed"]
    assert files_in(server, id, "filter=failed") == [files[1]]
    assert files_in(server, id, "filter=failed", after=0) == []
    assert files_in(server, id, f"limit=1&after={files[0]['id']}") == [files[1]]
    assert files_in(server, id, f"before={files[2]['id']}&limit=1") == [files[1]]
    assert files_in(server, id, "limit=5", after=0)[0]["usage_bytes"] == 0


def test_deleted_file_is_missing_and_its_upload_stays(server: VirtualServer, path: str) -> None:
    id = file(server)
    send(server, path, {"file_id": id})
    deleted = send(server, f"{path}/{id}", method="DELETE").json
    assert deleted == {"id": id, "object": "vector_store.file.deleted", "deleted": True}
    missing = send(server, f"{path}/{id}")
    message = f"No file found with id '{id}' in vector store '{path.split('/')[1]}'."
    assert (missing.status, missing.message) == (404, message)
    assert server.respond(get(f"/v1/files/{id}")).status == 200
    assert send(server, f"{path}/other").status == 404


def test_deletion_of_an_upload_removes_it_from_stores(server: VirtualServer, path: str) -> None:
    id, other = file(server), file(server)
    for each in (id, other):
        send(server, path, {"file_id": each})
    assert server.respond(get(f"/v1/files/{id}", method="DELETE")).status == 200
    assert [each["id"] for each in files_in(server, path.split("/")[1])] == [other]


def test_content_is_the_text_of_a_completed_file(server: VirtualServer, path: str) -> None:
    texts = {file(server): "Paris has a tower.", file(server, b"%PDF\0", "a.pdf"): ""}
    for id, text in texts.items():
        send(server, path, {"file_id": id})
        page = {"object": "vector_store.file_content.page", "data": [], "has_more": False, "next_page": None}
        assert send(server, f"{path}/{id}/content").json == page
        shown = send(server, f"{path}/{id}/content", after=DONE).json
        assert shown == {**page, "data": [{"type": "text", "text": text}]}


def test_content_of_a_long_file_is_its_begin(
    server: VirtualServer, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockllm.dialects.openai.vector_stores.added_files.MAX_TEXT", 4)
    id = file(server, "abcäöü".encode())
    send(server, path, {"file_id": id})
    assert send(server, f"{path}/{id}/content", after=DONE).json["data"][0]["text"] == "abc"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "file_id"),
        ({"file_id": 3}, "file_id"),
        ({"file_id": "file-1", "attributes": []}, "attributes"),
        ({"file_id": "file-1", "attributes": {"a": "b" * 513}}, "attributes.a"),
        ({"file_id": "file-1", "attributes": {"a" * 65: 1}}, "attributes." + "a" * 65),
        ({"file_id": "file-1", "attributes": {"a": {}}}, "attributes.a"),
        ({"file_id": "file-1", "attributes": {str(name): 1 for name in range(17)}}, "attributes"),
        ({"file_id": "file-1", "chunking_strategy": "auto"}, "chunking_strategy"),
    ],
)
def test_wrong_file_is_refused(server: VirtualServer, path: str, fields: Any, param: str) -> None:
    refused = send(server, path, fields)
    assert (refused.status, refused.json["error"]["param"]) == (400, param)


def test_unknown_file_is_missing(server: VirtualServer, path: str) -> None:
    missing = send(server, path, {"file_id": "file-1"})
    assert (missing.status, missing.message) == (404, "No such File object: file-1")


def test_unchecked_bodies_are_no_server_error() -> None:
    server = VirtualServer("validation: off\nrules: [{reply: Hi.}]")
    path = f"/{store(server)}"
    id = file(server)
    odd = {
        "file_id": id,
        "attributes": {"a": [], "b": None, "c": 1},
        "chunking_strategy": {"static": {"max_chunk_size_tokens": 1}},
    }
    added = send(server, f"{path}/files", odd).json
    assert (added["attributes"], added["chunking_strategy"]) == ({"c": 1}, AUTO)
    assert send(server, f"{path}/files", {"file_id": 3}).json["error"]["param"] == "file_id"
    assert send(server, f"{path}/file_batches", {"files": [3, {}]}).json["file_counts"]["total"] == 0
    assert send(server, "", {"file_id": id, "file_ids": 3}).json["file_counts"]["total"] == 0
    assert send(server, f"{path}/file_batches", {}).json["file_counts"]["total"] == 0
    assert send(server, f"{path}", {"expires_after": 3, "metadata": []}).status == 200
    updated = send(server, f"{path}/files/{id}", {"attributes": {"a": None, "b": 1}}).json
    assert updated["attributes"] == {"b": 1}
    endless = send(server, "", {"expires_after": {"anchor": "last_active_at", "days": 10**15}}).json["id"]
    assert send(server, f"/{endless}").json["expires_at"] is None
    assert send(server, "").status == 200


def test_full_store_takes_no_file(server: VirtualServer, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    send(server, path, {"file_id": file(server)})
    monkeypatch.setattr("mockllm.dialects.openai.vector_stores.added_files.MAX_FILES", 1)
    refused = send(server, path, {"file_id": file(server)})
    assert (refused.status, refused.message) == (400, "A vector store may have 1 files.")
    refused = send(server, path.replace("/files", "/file_batches"), {"file_ids": [file(server)]})
    assert refused.status == 400


def test_many_or_long_files_are_made_in_a_thread(
    server: VirtualServer, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {"file_ids": [file(server), file(server), "file-1"]}
    requests = [
        raw_request(STORES, fields),
        raw_request(f"{STORES}{path.replace('/files', '/file_batches')}", fields),
    ]
    assert not any(is_deferred(server, each) for each in requests)
    monkeypatch.setattr("mockllm.dialects.openai.vector_stores.added_files.LONG", 20)
    assert all(is_deferred(server, each) for each in requests)


def test_batch_adds_its_files(server: VirtualServer, path: str) -> None:
    ids = [file(server), file(server, b"")]
    created = batch(server, path, file_ids=ids, attributes={"a": 1}, chunking_strategy=STATIC)
    assert created == {
        "id": created["id"],
        "object": "vector_store.files_batch",
        "created_at": int(NOW),
        "vector_store_id": path.split("/")[1],
        "status": "in_progress",
        "file_counts": counts(in_progress=2),
    }
    own = f"{path.replace('/files', '/file_batches')}/{created['id']}"
    early, late = send(server, own, after=DONE / 2), send(server, own, after=DONE)
    assert (early.json, early.headers["openai-poll-after-ms"]) == (created, "100")
    assert late.json == {**created, "status": "completed", "file_counts": counts(completed=1, failed=1)}
    listed = send(server, f"{own}/files", query="order=asc&filter=completed", after=DONE).json["data"]
    assert [(each["id"], each["attributes"]) for each in listed] == [(ids[0], {"a": 1})]
    assert listed[0]["chunking_strategy"] == STATIC


def test_batch_has_members_for_each_file(server: VirtualServer, path: str) -> None:
    one, other = file(server), file(server)
    files = [{"file_id": one, "attributes": {"a": 1}}, {"file_id": other, "chunking_strategy": STATIC}]
    batch(server, path, files=files, attributes={"b": 2})
    first, second = files_in(server, path.split("/")[1])
    assert (first["attributes"], second["attributes"]) == ({"a": 1}, {})
    assert (first["chunking_strategy"], second["chunking_strategy"]) == (AUTO, STATIC)


def test_cancelled_batch_cancels_files_in_progress(server: VirtualServer, path: str) -> None:
    send(server, path, {"file_id": file(server)})
    id = file(server)
    own = f"{path.replace('/files', '/file_batches')}/{batch(server, path, file_ids=[id])['id']}"
    cancelled = send(server, f"{own}/cancel", {}).json
    assert (cancelled["status"], cancelled["file_counts"]) == ("cancelled", counts(cancelled=1))
    assert send(server, own, after=DONE).json == cancelled
    assert send(server, f"{own}/cancel", {}, after=DONE).json == cancelled
    shown = send(server, f"{path}/{id}", after=DONE).json
    assert (shown["status"], shown["usage_bytes"]) == ("cancelled", 0)
    listed = files_in(server, path.split("/")[1])
    assert [each["status"] for each in listed] == ["completed", "cancelled"]


def test_ended_batch_is_not_cancelled(server: VirtualServer, path: str) -> None:
    own = f"{path.replace('/files', '/file_batches')}/{batch(server, path, file_ids=[file(server)])['id']}"
    assert send(server, f"{own}/cancel", {}, after=DONE).json["status"] == "completed"
    assert send(server, own, after=DONE).json["status"] == "completed"


def test_unknown_batch_is_missing(server: VirtualServer, path: str) -> None:
    for id in ("vsfb_1", "other"):
        missing = send(server, f"{path.replace('/files', '/file_batches')}/{id}")
        assert (missing.status, missing.message) == (404, f"No vector store file batch found with id '{id}'.")
        assert "a rule with `match: {api: stored_vector_store_file_batches}`" in missing.notes


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "file_ids"),
        ({"file_ids": []}, "file_ids"),
        ({"file_ids": ["file-1"] * 2001}, "file_ids"),
        ({"file_ids": ["file-1"], "files": [{"file_id": "file-1"}]}, "files"),
        ({"files": [{}]}, "files[0].file_id"),
        ({"files": [{"file_id": "file-1", "attributes": 3}]}, "files[0].attributes"),
    ],
)
def test_wrong_batch_is_refused(server: VirtualServer, path: str, fields: Any, param: str) -> None:
    refused = send(server, path.replace("/files", "/file_batches"), fields)
    assert (refused.status, refused.json["error"]["param"]) == (400, param)


def test_azure_serves_stores(server: VirtualServer) -> None:
    key = {"api-key": "k"}
    created = server.respond(raw_request("/openai/vector_stores", {"name": "A"}, headers=key)).json
    path = f"/openai/v1/vector_stores/{created['id']}"
    assert server.respond(raw_request(path, method="GET", headers=key)).json == created
    missing = server.respond(raw_request(f"{path}1/search", {"query": "a"}, headers=key))
    assert (missing.status, missing.json["error"]["code"]) == (404, "404")
    assert STORES in path
