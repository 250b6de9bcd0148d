"""OpenAI's vector stores: created, changed, listed, expired, deleted; what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.request.stored_objects import ListedObjects, StorageUpdate, StoredObject
from mockllm.dialects.openai.vector_stores.objects import (
    activity,
    by_store,
    file_key,
    file_status,
    new_timeline,
)
from tests.dialects.openai.batches.batch_requests import get
from tests.dialects.openai.vector_stores.store_requests import DONE, STORES, file, files_in, send, store
from tests.dialects.test_long_batches import is_deferred
from tests.language.virtual_server import NOW, ClientRequest, VirtualServer, raw_request

COUNTS = {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0}
DAYS = {"anchor": "last_active_at", "days": 1}
DAY = 24 * 3600


@pytest.fixture
def server() -> VirtualServer:
    return VirtualServer("rules: [{reply: Hi.}]")


def test_new_store_is_completed_and_empty(server: VirtualServer) -> None:
    created = send(server, "", {"name": "Guides", "description": "All.", "metadata": {"a": "b"}}).json
    assert created == {
        "id": created["id"],
        "object": "vector_store",
        "created_at": int(NOW),
        "name": "Guides",
        "description": "All.",
        "usage_bytes": 0,
        "file_counts": COUNTS,
        "status": "completed",
        "expires_after": None,
        "expires_at": None,
        "last_active_at": int(NOW),
        "metadata": {"a": "b"},
    }
    assert created["id"].startswith("vs_")
    assert send(server, f"/{created['id']}").json == created
    bare = server.respond(raw_request(STORES, b"")).json
    assert (bare["name"], bare["description"], bare["metadata"]) == ("", None, {})


def test_batches_of_gemini_are_none_of_a_store(server: VirtualServer) -> None:
    contents = {"contents": [{"parts": [{"text": "hi"}]}]}
    batch = {"batch": {"inputConfig": {"requests": {"requests": [{"request": contents}]}}}}
    path = "/v1beta/models/gemini-2.5-flash:batchGenerateContent"
    name = server.respond(raw_request(path, batch)).json["name"]
    id = store(server, "one")
    assert send(server, f"/{id}/file_batches", {"file_ids": [file(server)]}).status == 200
    assert [each["id"] for each in send(server, "").json["data"]] == [id]
    listed = server.respond(ClientRequest("/v1beta/batches", method="GET")).json["operations"]
    assert [each["name"] for each in listed] == [name]


def test_store_is_in_progress_until_its_files_are_processed(server: VirtualServer) -> None:
    files = [file(server), file(server, b"")]
    created = send(server, "", {"file_ids": [*files, files[0]]}).json
    assert (created["status"], created["file_counts"]) == (
        "in_progress",
        {**COUNTS, "in_progress": 2, "total": 2},
    )
    path = f"/{created['id']}"
    early, late = send(server, path, after=DONE / 2).json, send(server, path, after=DONE).json
    assert early == created
    assert (late["status"], late["usage_bytes"]) == ("completed", 18)
    assert late["file_counts"] == {**COUNTS, "completed": 1, "failed": 1, "total": 2}


def test_pace_sets_the_time_of_processing() -> None:
    server = VirtualServer("""
    rules: [{reply: Hi.}]
    modifiers: [{match: {api: vector_stores}, pace: {in_progress: 3s}}]
    """)
    id = store(server, "Paris.")
    states = [send(server, f"/{id}", after=after).json["status"] for after in (2.9, 3.0)]
    assert states == ["in_progress", "completed"]


def test_time_scale_changes_the_time_of_processing() -> None:
    timeline = new_timeline(NOW, 0.2, "completed")
    files = (
        StoredObject(file_key("vs_1", "file-1"), None, b"", b"", timeline=timeline),
        StoredObject("a", None, b"", b""),
    )
    update = StorageUpdate(others=files).scaled(10, NOW)
    assert update.others[1] == files[1]
    states = [file_status(update.others[0], None, NOW + after) for after in (1.9, 2.0)]
    assert states == ["in_progress", "completed"]


def test_update_changes_the_members_of_the_body(server: VirtualServer) -> None:
    id = store(server, name="Old", metadata={"a": "b"})
    changed = send(server, f"/{id}", {"name": "New", "expires_after": DAYS}).json
    assert (changed["name"], changed["metadata"]) == ("New", {"a": "b"})
    assert send(server, f"/{id}", {"metadata": {"a": "b"}}).json == changed
    assert changed["expires_at"] == NOW + DAY
    assert send(server, f"/{id}").json == changed
    again = send(server, f"/{id}", {"name": None, "expires_after": None, "metadata": None}).json
    assert (again["name"], again["expires_after"], again["expires_at"], again["metadata"]) == (
        "New",
        None,
        None,
        {},
    )


def test_store_expires_after_its_last_use(server: VirtualServer) -> None:
    id = store(server, "Paris.", expires_after=DAYS)
    assert send(server, f"/{id}/search", {"query": "Paris"}, after=DAY - 1).status == 200
    used = send(server, f"/{id}", after=DAY).json
    assert (used["status"], used["last_active_at"], used["expires_at"]) == (
        "completed",
        NOW + DAY - 1,
        NOW + 2 * DAY - 1,
    )
    late = 2 * DAY - 1
    assert send(server, f"/{id}", after=late).json["status"] == "expired"
    refused = send(server, f"/{id}/search", {"query": "Paris"}, after=late)
    assert (refused.status, refused.message) == (400, f"Vector store '{id}' has expired.")


def test_deleted_store_is_missing_and_its_files_stay(server: VirtualServer) -> None:
    id = store(server, "Paris.")
    (added,) = files_in(server, id)
    deleted = send(server, f"/{id}", method="DELETE")
    assert deleted.json == {"id": id, "object": "vector_store.deleted", "deleted": True}
    message = f"No vector store found with id '{id}'."
    for path, body in (
        ("", None), ("", {}), ("/search", {"query": "a"}), ("/files", None), ("/files", {"file_id": added["id"]}),
        (f"/files/{added['id']}", None), ("/file_batches", {"file_ids": [added["id"]]}),
        ("/file_batches/vsfb_1", None),
    ):  # fmt: skip
        missing = send(server, f"/{id}{path}", body)
        assert (missing.status, missing.message) == (404, message), path
    assert send(server, f"/{id}", method="DELETE").status == 404
    assert server.respond(get(f"/v1/files/{added['id']}")).status == 200


def test_stores_are_listed_in_pages(server: VirtualServer) -> None:
    ids = [store(server, "Paris.", name=str(number)) for number in range(5)]

    def page(query: str) -> Any:
        return send(server, "", query=query, after=DONE).json

    newest = page("limit=2")
    assert [each["id"] for each in newest["data"]] == ids[:2:-1]
    assert newest["data"][0]["file_counts"] == {**COUNTS, "completed": 1, "total": 1}
    assert (newest["has_more"], newest["last_id"]) == (True, ids[3])
    assert [each["id"] for each in page(f"limit=2&after={ids[3]}")["data"]] == [ids[2], ids[1]]
    before = page(f"order=asc&limit=2&before={ids[3]}")
    assert ([each["id"] for each in before["data"]], before["has_more"]) == ([ids[1], ids[2]], True)
    assert [each["id"] for each in page(f"order=asc&before={ids[1]}")["data"]] == ids[:1]
    assert [each["id"] for each in page("limit=many")["data"]] == ids[::-1]


@pytest.mark.parametrize(
    ("query", "param"),
    [("limit=0", "limit"), ("limit=101", "limit"), ("order=up", "order"), ("filter=x", "filter")],
)
def test_wrong_query_of_a_list_is_refused(server: VirtualServer, query: str, param: str) -> None:
    for path in ("", f"/{store(server)}/files"):
        refused = send(server, path, query=query)
        assert (refused.status, refused.json["error"]["param"]) == (400, param)


STATIC = {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 50}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"name": 1}, "name"),
        ({"file_ids": [1]}, "file_ids[0]"),
        ({"file_ids": ["file-a"] * 501}, "file_ids"),
        ({"expires_after": {"days": 1}}, "expires_after.anchor"),
        ({"expires_after": {**DAYS, "days": 366}}, "expires_after.days"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"chunking_strategy": {}}, "chunking_strategy.type"),
        ({"chunking_strategy": {"type": "static"}}, "chunking_strategy.static"),
        (
            {"chunking_strategy": {"type": "static", "static": {**STATIC, "max_chunk_size_tokens": 99}}},
            "chunking_strategy.static.max_chunk_size_tokens",
        ),
        (
            {"chunking_strategy": {"type": "static", "static": {**STATIC, "chunk_overlap_tokens": 51}}},
            "chunking_strategy.static.chunk_overlap_tokens",
        ),
    ],
)
def test_wrong_store_is_refused(server: VirtualServer, fields: dict[str, Any], param: str) -> None:
    refused = send(server, "", fields)
    assert (refused.status, refused.json["error"]["param"]) == (400, param)


def test_unknown_file_is_missing(server: VirtualServer) -> None:
    for id in ("file-1", "other"):
        missing = send(server, "", {"file_ids": [id]})
        assert (missing.status, missing.message) == (404, f"No such File object: {id}")


@pytest.mark.parametrize(("name", "shown"), [("a.ps1", ".ps1"), ("a", "none")])
def test_file_with_another_extension_is_refused(server: VirtualServer, name: str, shown: str) -> None:
    refused = send(server, "", {"file_ids": [file(server, name=name)]})
    assert refused.message.startswith(f"Files with extensions [{shown}] are not supported for retrieval.")
    assert (refused.status, refused.json["error"]["code"]) == (400, "unsupported_file")


def test_body_of_a_rule_is_a_store() -> None:
    body = "{id: vs_mine, name: [], last_active_at: true, expires_after: 3}"
    rules = f"rules: [{{match: {{api: vector_stores}}, http: {{status: 200, body: {body}}}}}]"
    server = VirtualServer(rules)
    assert send(server, "", {"name": "Sent", "file_ids": ["file-1"]}).status == 200
    shown = send(server, "/vs_mine").json
    assert (shown["name"], shown["last_active_at"], shown["expires_at"]) == ("Sent", NOW, None)
    other = VirtualServer(rules.replace("vs_mine", "vs_a/b"))
    send(other, "", {})
    assert send(other, "").json["data"] == []


def test_list_of_many_stores_is_read_once(server: VirtualServer) -> None:
    listed = ListedObjects([activity("vs_1", 1)])
    assert by_store(listed) is by_store(listed)
    assert by_store(tuple(listed)) == by_store(listed) == {"vs_1": [activity("vs_1", 1)]}
    for _ in range(101):
        store(server)
    assert len(send(server, "", query="limit=100").json["data"]) == 100


def test_many_stores_are_counted_in_a_thread(server: VirtualServer, monkeypatch: pytest.MonkeyPatch) -> None:
    id = store(server, "One.", "Two.")
    assert not is_deferred(server, get(STORES))
    monkeypatch.setattr("mockllm.dialects.openai.vector_stores.store_request.MANY", 1)
    assert is_deferred(server, get(STORES))
    assert not is_deferred(server, get(f"{STORES}/{id}"))
    assert not is_deferred(server, get(f"{STORES}/{id}", method="DELETE"))
