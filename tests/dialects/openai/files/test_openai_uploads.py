"""OpenAI's uploads in parts: created, filled, completed, cancelled, expired; what is refused."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from tests.dialects.openai.batches.batch_requests import form, get, line
from tests.language.virtual_server import NOW, ClientRequest, ClientResponse, VirtualServer, raw_request

FORM = {"content-type": "multipart/form-data; boundary=xyz"}
UPLOAD: dict[str, Any] = {"bytes": 6, "filename": "a.txt", "mime_type": "text/plain", "purpose": "vision"}


@pytest.fixture
def server() -> VirtualServer:
    return VirtualServer("rules: [{reply: Hi.}]")


def create(server: VirtualServer, **fields: Any) -> Any:
    return server.respond(raw_request("/v1/uploads", {**UPLOAD, **fields})).json


def add(server: VirtualServer, id: str, content: bytes) -> ClientResponse:
    body = form({}, ("blob", content)).replace(b'name="file"', b'name="data"')
    return server.respond(raw_request(f"/v1/uploads/{id}/parts", body, headers=FORM))


def end(server: VirtualServer, id: str, parts: Any, call: str = "complete", **more: Any) -> ClientResponse:
    return server.respond(raw_request(f"/v1/uploads/{id}/{call}", {"part_ids": parts, **more}))


def test_completed_upload_is_file_of_its_parts(server: VirtualServer) -> None:
    upload = create(server)
    assert (upload["object"], upload["status"], upload["bytes"], upload["file"]) == (
        "upload",
        "pending",
        6,
        None,
    )
    assert upload["expires_at"] == upload["created_at"] + 3600
    late, early = (add(server, upload["id"], text).json for text in (b"\xffdef"[:3], b"abc"))
    assert (early["object"], early["upload_id"]) == ("upload.part", upload["id"])
    done = end(server, upload["id"], [early["id"], late["id"]]).json
    assert (done["status"], done["file"]["bytes"], done["file"]["expires_at"]) == ("completed", 6, None)
    file = done["file"]["id"]
    assert server.respond(get(f"/v1/files/{file}")).json == done["file"]
    assert server.respond(get(f"/v1/files/{file}/content")).bytes == b"abc\xffde"
    again = end(server, upload["id"], [early["id"]])
    assert (again.status, again.message) == (
        400,
        f"Upload {upload['id']} is completed, and cannot be changed.",
    )
    assert add(server, upload["id"], b"x").status == 400


def test_uploaded_file_is_input_of_a_batch(server: VirtualServer) -> None:
    content = json.dumps(line("hi", "a")).encode()
    upload = create(server, bytes=len(content), filename="in.jsonl", purpose="batch")
    part = add(server, upload["id"], content).json["id"]
    file = end(server, upload["id"], [part], md5=hashlib.md5(content).hexdigest().upper()).json["file"]
    assert file["expires_at"] == file["created_at"] + 30 * 24 * 3600
    body = {"input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    batch = server.respond(raw_request("/v1/batches", body)).json["id"]
    assert server.respond(get(f"/v1/batches/{batch}", 5)).json["request_counts"]["completed"] == 1


def test_file_expires_as_its_upload_says(server: VirtualServer) -> None:
    upload = create(server, bytes=0, expires_after={"anchor": "created_at", "seconds": 3600})
    file = end(server, upload["id"], []).json["file"]
    assert file["expires_at"] == file["created_at"] + 3600


def test_cancelled_upload_takes_no_part(server: VirtualServer) -> None:
    id = create(server)["id"]
    assert end(server, id, [], "cancel").json["status"] == "cancelled"
    assert add(server, id, b"abc").message == f"Upload {id} is cancelled, and cannot be changed."


def test_expired_upload_is_not_completed(server: VirtualServer) -> None:
    id = create(server)["id"]
    late = ClientRequest(f"/v1/uploads/{id}/complete", b'{"part_ids": []}', now=NOW + 3600)
    assert server.respond(late).message == f"Upload {id} is expired, and cannot be changed."


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"bytes": None}, "bytes"),
        ({"bytes": -1}, "bytes"),
        ({"bytes": 9 * 1024**3}, "bytes"),
        ({"filename": 1}, "filename"),
        ({"purpose": "jokes"}, "purpose"),
        ({"expires_after": []}, "expires_after"),
    ],
)
def test_wrong_upload_is_refused(server: VirtualServer, more: dict[str, Any], param: str) -> None:
    refused = server.respond(raw_request("/v1/uploads", {**UPLOAD, **more}))
    assert (refused.status, refused.json["error"]["param"]) == (400, param)


def test_part_without_data_is_refused(server: VirtualServer) -> None:
    id = create(server)["id"]
    body = raw_request(f"/v1/uploads/{id}/parts", form({"other": "x"}, None), headers=FORM)
    assert server.respond(body).message == "'data' is a required property"
    field = raw_request(f"/v1/uploads/{id}/parts", form({"data": "abc"}, None), headers=FORM)
    assert server.respond(field).status == 200


def test_large_part_is_refused(server: VirtualServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockllm.dialects.openai.files.uploads.MAX_PART", 3)
    refused = add(server, create(server)["id"], b"abcd")
    assert (refused.status, refused.message) == (413, "A part may have 3 bytes.")


def test_upload_beyond_what_is_stored_is_refused(server: VirtualServer) -> None:
    refused = server.respond(raw_request("/v1/uploads", {**UPLOAD, "bytes": 64 * 1024**2 + 1}))
    assert (refused.status, refused.message) == (413, "mockllm: this server stores at most 67108864 bytes.")


def test_parts_must_be_the_announced_file(server: VirtualServer) -> None:
    id, other = create(server)["id"], create(server)["id"]
    part, foreign = add(server, id, b"abc").json["id"], add(server, other, b"abc").json["id"]
    few = end(server, id, [part])
    assert few.message == "The parts have 3 bytes, but the upload was created with 6 bytes."
    assert end(server, id, [part, part]).message == "'part_ids' names a part twice."
    assert end(server, id, [part, foreign]).message == f"Part {foreign} is no part of upload {id}."
    assert end(server, id, ["part_x"]).json["error"]["param"] == "part_ids"
    assert end(server, id, [1]).status == end(server, id, None).status == 400
    rest = add(server, id, b"def").json["id"]
    assert end(server, id, [part, rest], md5="0").json["error"]["param"] == "md5"


def test_unknown_upload_is_404(server: VirtualServer) -> None:
    for id in ("upload_x", "x"):
        for response in (add(server, id, b"a"), end(server, id, []), end(server, id, [], "cancel")):
            assert (response.status, response.message) == (404, f"No such Upload object: {id}")


def test_unchecked_calls_accept_anything() -> None:
    server = VirtualServer("validation: off\nrules: [{reply: Hi.}]")
    upload = server.respond(ClientRequest("/v1/uploads", b"?")).json
    assert (upload["filename"], upload["purpose"]) == ("upload", "user_data")
    assert server.respond(ClientRequest(f"/v1/uploads/{upload['id']}/parts")).json["object"] == "upload.part"
    done = server.respond(ClientRequest(f"/v1/uploads/{upload['id']}/complete", b"?")).json
    assert (done["status"], done["file"]["bytes"]) == ("completed", 0)
    assert end(server, upload["id"], []).status == end(server, "upload_x", []).status - 4 == 400


def test_lenient_part_is_taken() -> None:
    server = VirtualServer("validation: lenient\nrules: [{reply: Hi.}]")
    upload = server.respond(raw_request("/v1/uploads", {})).json
    assert add(server, upload["id"], b"abc").json["upload_id"] == upload["id"]


def test_rule_responds_in_place_of_the_call() -> None:
    server = VirtualServer(
        "rules: [{match: {api: uploads}, http: {body: {id: 1}}}, {match: {api: upload_parts}, http: {body: x}}, "
        "{match: {api: stored_uploads}, http: {body: x}}]"
    )
    assert create(server) == {"id": 1}
    assert add(server, "upload_x", b"a").bytes == b"x"
    assert end(server, "upload_x", []).bytes == end(server, "upload_x", [], "cancel").bytes == b"x"
