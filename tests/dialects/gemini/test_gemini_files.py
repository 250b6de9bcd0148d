"""Gemini's uploads, and the calls on files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockllm.dialects.gemini import uploads
from mockllm.state.local_objects import SessionLookup
from tests.language.virtual_server import NOW, ClientRequest, ClientResponse, VirtualServer, raw_request

UPLOAD = "/upload/v1beta/files"
RELATED = {"content-type": "multipart/related; boundary=xyz", "x-goog-upload-protocol": "multipart"}


@pytest.fixture
def server() -> VirtualServer:
    return VirtualServer("rules: [{reply: Hi.}]")


def related(described: Any, content: bytes, type: str = "text/plain") -> bytes:
    head = b"--xyz\r\ncontent-type: application/json\r\n\r\n" + json.dumps({"file": described}).encode()
    return head + b"\r\n--xyz\r\ncontent-type: " + type.encode() + b"\r\n\r\n" + content + b"\r\n--xyz--\r\n"


def upload(server: VirtualServer, content: bytes = b"text", **described: Any) -> Any:
    response = server.respond(raw_request(UPLOAD, related(described, content), headers=RELATED))
    assert response.status == 200
    return response.json["file"]


def start(server: VirtualServer, described: Any, **headers: str) -> ClientResponse:
    sent = {
        "x-goog-upload-protocol": "resumable",
        "x-goog-upload-command": "start",
        "host": "mock:1",
        **headers,
    }
    return server.respond(raw_request(UPLOAD, {"file": described}, headers=sent))


def send(
    server: VirtualServer, url: str, command: str, body: bytes = b"", offset: int | None = None
) -> ClientResponse:
    headers = {"x-goog-upload-command": command}
    if offset is not None:
        headers["x-goog-upload-offset"] = str(offset)
    return server.respond(raw_request(UPLOAD, body, query=url.partition("?")[2], headers=headers))


def get(path: str, method: str = "GET", query: str = "") -> ClientRequest:
    return ClientRequest(path, method=method, query=query, now=NOW)


def test_multipart_upload_is_a_file(server: VirtualServer) -> None:
    file = upload(server, displayName="mine")
    assert file == {
        "name": file["name"],
        "displayName": "mine",
        "mimeType": "text/plain",
        "sizeBytes": "4",
        "createTime": "2023-11-14T22:13:20.000000Z",
        "updateTime": "2023-11-14T22:13:20.000000Z",
        "expirationTime": "2023-11-16T22:13:20.000000Z",
        "sha256Hash": "OTgyZDllM2ViOTk2ZjU1OWU2MzNmNGQxOTRkZWYzNzYxZDkwOWY1YTNiNjQ3ZDFhODUxZmVhZDY3YzMyYzlkMQ==",
        "uri": f"http://localhost:8080/v1beta/{file['name']}",
        "state": "ACTIVE",
        "source": "UPLOADED",
    }
    assert server.respond(get(f"/v1beta/{file['name']}")).json == file
    content = server.respond(get(f"/v1beta/{file['name']}:download", query="alt=media"))
    assert (content.bytes, content.headers["content-type"]) == (b"text", "text/plain")


def test_client_chooses_name_and_type(server: VirtualServer) -> None:
    file = upload(server, name="files/my-file", mime_type="image/png", display_name="x")
    assert (file["name"], file["mimeType"], file["displayName"]) == ("files/my-file", "image/png", "x")


def test_raw_upload_is_a_file(server: VirtualServer) -> None:
    headers = {"x-goog-upload-protocol": "raw", "content-type": "image/png"}
    file = server.respond(raw_request(UPLOAD, b"\x89PNG", headers=headers)).json["file"]
    assert (file["mimeType"], file["sizeBytes"]) == ("image/png", "4")
    plain = server.respond(raw_request(UPLOAD, b"x")).json["file"]
    assert plain["mimeType"] == "application/octet-stream"


def test_resumable_upload_comes_in_parts(server: VirtualServer) -> None:
    begun = start(server, {"displayName": "mine"}, **{"x-goog-upload-header-content-type": "text/plain"})
    url = begun.headers["x-goog-upload-url"]
    assert url.startswith("http://mock:1/upload/v1beta/files?upload_protocol=resumable&upload_id=")
    assert (begun.headers["x-goog-upload-status"], begun.bytes) == ("active", b"")
    first = send(server, url, "upload", b"one ", 0)
    assert (first.headers["x-goog-upload-status"], first.headers["x-goog-upload-size-received"]) == (
        "active",
        "4",
    )
    assert send(server, url, "query").headers["x-goog-upload-size-received"] == "4"
    wrong = send(server, url, "upload", b"two", 1)
    assert (wrong.status, wrong.message) == (400, "Invalid upload offset 1: 4 bytes were received.")
    last = send(server, url, "upload, finalize", b"two", 4)
    assert last.headers["x-goog-upload-status"] == "final"
    file = last.json["file"]
    assert (file["displayName"], file["mimeType"], file["sizeBytes"]) == ("mine", "text/plain", "7")
    assert server.respond(get(f"/v1beta/{file['name']}:download")).bytes == b"one two"
    assert send(server, url, "upload, finalize", b"x", 0).status == 404


def test_resumable_upload_may_end_without_bytes(server: VirtualServer) -> None:
    url = start(server, {}).headers["x-goog-upload-url"]
    send(server, url, "upload", b"all")
    assert send(server, url, "finalize").json["file"]["sizeBytes"] == "3"


def test_cancelled_upload_is_gone(server: VirtualServer) -> None:
    url = start(server, {}).headers["x-goog-upload-url"]
    assert send(server, url, "cancel").headers["x-goog-upload-status"] == "cancelled"
    assert send(server, url, "query").status == 404


def test_size_of_an_upload_is_bounded(server: VirtualServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_BYTES", 20)
    url = start(server, {}).headers["x-goog-upload-url"]
    send(server, url, "upload", b"x" * 15, 0)
    assert send(server, url, "upload", b"x" * 6, 15).status == 413


def test_invalid_name_is_refused(server: VirtualServer) -> None:
    refused = server.respond(raw_request(UPLOAD, related({"name": "A b"}, b"x"), headers=RELATED))
    assert (refused.status, refused.json["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_deleted_file_is_gone(server: VirtualServer) -> None:
    name = upload(server)["name"]
    assert server.respond(get(f"/v1beta/{name}", "DELETE")).json == {}
    for method, path in (("GET", ""), ("GET", ":download"), ("DELETE", "")):
        missing = server.respond(get(f"/v1beta/{name}{path}", method))
        id = name.removeprefix("files/")
        assert missing.message == f"You do not have permission to access the File {id} or it may not exist."
        assert (missing.status, missing.json["error"]["status"]) == (403, "PERMISSION_DENIED")


def test_list_has_pages(server: VirtualServer) -> None:
    names = [upload(server)["name"] for _ in range(3)][::-1]
    first = server.respond(get("/v1beta/files", query="pageSize=2")).json
    assert [file["name"] for file in first["files"]] == names[:2]
    rest = server.respond(get("/v1beta/files", query=f"pageSize=2&pageToken={first['nextPageToken']}")).json
    assert ([file["name"] for file in rest["files"]], "nextPageToken" in rest) == (names[2:], False)


@pytest.mark.parametrize("response", ["error: rate_limit", "http: {body: mine}", "http: {body: {file: {}}}"])
def test_upload_that_a_rule_serves_is_not_stored(response: str) -> None:
    server = VirtualServer(f"rules: [{{match: {{api: files}}, {response}}}]")
    server.respond(raw_request(UPLOAD, b"x"))
    assert server.respond(get("/v1beta/files")).json == {}


def test_rule_may_write_the_final_answer() -> None:
    rules = """
    rules:
      - match: {api: files, headers: {x-kind: text}}
        http: {headers: {x-goog-upload-status: final}, body: no JSON}
      - match: {api: files}
        http: {headers: {x-goog-upload-status: final}, body: {file: {name: 7}}}
    """
    server = VirtualServer(rules)
    server.respond(raw_request(UPLOAD, b"x"))
    server.respond(raw_request(UPLOAD, b"x", headers={"x-kind": "text"}))
    assert server.respond(get("/v1beta/files")).json == {}


JOBS = "/v1/projects/p/locations/l/batchPredictionJobs"


@pytest.mark.parametrize("path", ["/v1beta/files", "/v1beta/batches", JOBS])
def test_list_looks_up_no_single_object(
    server: VirtualServer, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a store, each lookup is a round trip."""
    looked_up: list[str] = []
    monkeypatch.setattr(SessionLookup, "stored", lambda _, name: looked_up.append(name))
    assert server.respond(get(path)).status == 200
    assert looked_up == []
