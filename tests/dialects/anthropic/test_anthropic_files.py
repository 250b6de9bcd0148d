"""Anthropic's calls on files."""

from __future__ import annotations

import pytest

from tests.dialects.openai.batches.batch_requests import BOUNDARY, form
from tests.language.virtual_server import NOW, ClientRequest, ClientResponse, VirtualServer, raw_request

HEADERS = {"anthropic-version": "2023-06-01", "content-type": f"multipart/form-data; boundary={BOUNDARY}"}


@pytest.fixture
def server() -> VirtualServer:
    return VirtualServer("rules: [{reply: Hi.}]")


def upload(
    server: VirtualServer, name: str = "a.txt", content: bytes = b"text", **fields: str
) -> ClientResponse:
    return server.respond(raw_request("/v1/files", form(fields, (name, content)), headers=HEADERS))


def get(path: str, method: str = "GET", query: str = "") -> ClientRequest:
    return ClientRequest(path, method=method, query=query, now=NOW, headers=HEADERS)


def test_uploaded_file_is_found(server: VirtualServer) -> None:
    file = upload(server, "dir/a.txt").json
    assert file == {
        "type": "file",
        "id": file["id"],
        "size_bytes": 4,
        "created_at": "2023-11-14T22:13:20.000000+00:00",
        "filename": "a.txt",
        "mime_type": "text/plain",
        "downloadable": False,
    }
    assert file["id"].startswith("file_01")
    assert server.respond(get(f"/v1/files/{file['id']}")).json == file


def test_file_expires_as_its_form_says(server: VirtualServer) -> None:
    assert upload(server, expires_in_seconds="3600").json["expires_at"] == "2023-11-14T23:13:20.000000+00:00"
    refused = upload(server, expires_in_seconds="1")
    assert refused.status == 400
    assert refused.message.startswith("expires_in_seconds: ")


def test_uploaded_file_cannot_be_downloaded(server: VirtualServer) -> None:
    id = upload(server).json["id"]
    refused = server.respond(get(f"/v1/files/{id}/content"))
    assert refused.status == 400
    assert refused.json["error"]["details"] == {"error_code": "file_not_downloadable"}


def test_deleted_file_is_gone(server: VirtualServer) -> None:
    id = upload(server).json["id"]
    assert server.respond(get(f"/v1/files/{id}", "DELETE")).json == {"id": id, "type": "file_deleted"}
    for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        missing = server.respond(get(f"/v1/files/{id}{path}", method))
        assert (missing.status, missing.message) == (404, f"File not found: {id}")
        assert missing.json["error"]["type"] == "not_found_error"


def test_list_has_pages(server: VirtualServer) -> None:
    ids = [upload(server, f"{number}.txt").json["id"] for number in range(3)][::-1]
    first = server.respond(get("/v1/files", query="limit=2")).json
    assert ([file["id"] for file in first["data"]], first["has_more"]) == (ids[:2], True)
    rest = server.respond(get("/v1/files", query=f"limit=2&page={first['next_page']}")).json
    assert ([file["id"] for file in rest["data"]], rest["next_page"]) == (ids[2:], None)


def test_wrong_size_of_a_page_is_refused(server: VirtualServer) -> None:
    refused = server.respond(get("/v1/files", query="limit=0"))
    assert (refused.status, refused.message) == (400, "limit: Input should be greater than or equal to 1")


def test_upload_without_a_file_is_refused(server: VirtualServer) -> None:
    refused = server.respond(raw_request("/v1/files", form({"a": "b"}, None), headers=HEADERS))
    assert (refused.status, refused.message) == (400, "file: Field required")


def test_unchecked_upload_stores_the_body() -> None:
    server = VirtualServer("validation: 'off'\nrules: [{reply: Hi.}]")
    file = server.respond(raw_request("/v1/files", b"bytes", headers=HEADERS)).json
    assert (file["filename"], file["mime_type"], file["size_bytes"]) == (
        "unnamed",
        "application/octet-stream",
        5,
    )


def test_rule_may_refuse_an_upload() -> None:
    server = VirtualServer("rules: [{match: {api: files}, error: rate_limit}]")
    assert upload(server).status == 429
    assert server.respond(get("/v1/files")).json["data"] == []
