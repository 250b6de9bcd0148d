"""A rule's own body that creates an object: the calls that read the object work, whatever members it has."""

from __future__ import annotations

import json

import pytest

from mockllm.core.json.codec import Json
from mockllm.dialects.stored_objects import completed
from tests.dialects.mistral import stored_requests as mistral
from tests.dialects.openai.batches.batch_requests import form, get, upload
from tests.language.virtual_server import ClientRequest, VirtualServer, raw_request

ODD: dict[str, Json] = {name: [] for name in ("purpose", "filename", "bytes", "status", "upload_id", "file")}


def server_with(id: str, more: dict[str, Json], *apis: str) -> VirtualServer:
    body = json.dumps({"id": id, **more})
    return VirtualServer(
        f"rules: [{{match: {{api: [{', '.join(apis)}]}}, http: {{status: 200, body: {body}}}}}, {{reply: Hi.}}]"
    )


def check(server: VirtualServer, *requests: ClientRequest) -> None:
    for request in requests:
        assert server.respond(request).status < 500, request


@pytest.mark.parametrize("more", [{}, ODD])
def test_file_of_mistral(more: dict[str, Json]) -> None:
    server = server_with("f1", more, "files")
    assert mistral.upload(server, purpose="batch").status == 200
    path = f"{mistral.FILES}/f1"
    shown = server.respond(get(path)).json
    assert (shown["filename"], shown["purpose"], shown["num_lines"]) == ("in.jsonl", "batch", 1)
    queries = ("purpose=batch", "sample_type=x&source=y", "search=in")
    check(server, *(get(mistral.FILES, query=query) for query in queries))
    check(server, get(f"{path}/content"), get(f"{path}/url"))
    job = mistral.create(server, input_files=["f1"]).json
    check(server, get(mistral.JOBS), get(f"{mistral.JOBS}/{job['id']}", 9.0))
    check(server, get(f"{mistral.JOBS}/{job['id']}/cancel", method="POST"), get(path, method="DELETE"))


@pytest.mark.parametrize("more", [{}, ODD])
def test_file_of_openai(more: dict[str, Json]) -> None:
    server = server_with("file-abc", more, "files")
    assert server.respond(upload()).status == 200
    shown = server.respond(get("/v1/files/file-abc")).json
    assert (shown["filename"], shown["purpose"], shown["bytes"]) == ("in.jsonl", "batch", 3)
    check(server, get("/v1/files/file-abc/content"), get("/v1/files", query="purpose=batch"))
    batch = {"input_file_id": "file-abc", "endpoint": "/v1/responses", "completion_window": "24h"}
    check(server, raw_request("/v1/batches", batch), get("/v1/batches", 9.0))
    check(server, get("/v1/files/file-abc", method="DELETE"))


def part(server: VirtualServer, upload: str) -> ClientRequest:
    return raw_request(f"/v1/uploads/{upload}/parts", form({"data": "abc"}, None), headers=mistral.FORM)


CREATION: Json = {"bytes": 3, "filename": "a", "mime_type": "text/plain", "purpose": "user_data"}


@pytest.mark.parametrize("more", [{}, ODD])
def test_upload_and_part_of_openai(more: dict[str, Json]) -> None:
    server = server_with("upload_1", more, "uploads")
    check(server, raw_request("/v1/uploads", CREATION))
    id = server.respond(part(server, "upload_1")).json["id"]
    done = server.respond(raw_request("/v1/uploads/upload_1/complete", {"part_ids": [id]})).json
    assert (done["status"], done["file"]["bytes"]) == ("completed", 3)
    server = server_with("part_1", more, "upload_parts")
    upload = server.respond(raw_request("/v1/uploads", CREATION)).json["id"]
    check(server, part(server, upload))
    done = server.respond(raw_request(f"/v1/uploads/{upload}/complete", {"part_ids": ["part_1"]})).json
    assert done["file"]["bytes"] == 3


@pytest.mark.parametrize("more", [{}, ODD, {"file": {}}, {"file": {"id": "file-1"}}])
@pytest.mark.parametrize("end", ["complete", "cancel"])
def test_end_of_upload_of_openai(more: dict[str, Json], end: str) -> None:
    server = server_with("upload_1", more, "stored_uploads")
    for _ in range(2):
        check(server, raw_request(f"/v1/uploads/upload_1/{end}", {"part_ids": []}))
    check(server, part(server, "upload_1"), get("/v1/files"), get("/v1/files/file-1/content"))


@pytest.mark.parametrize(
    ("api", "id", "path", "reads"),
    [
        ("conversations", "conv_1", "/v1/conversations", ("", "/items")),
        ("batches", "batch_1", "/v1/batches", ("", "/cancel")),
        ("videos", "video_1", "/v1/videos", ("", "/content")),
        ("batches", "b1", mistral.JOBS, ("",)),
    ],
)
def test_other_object(api: str, id: str, path: str, reads: tuple[str, ...]) -> None:
    server = server_with(id, {}, api)
    body: Json = {"prompt": "x", "model": "sora-2"} if api == "videos" else {}
    assert server.respond(raw_request(path, body)).status < 500
    check(server, get(path), *(get(f"{path}/{id}{read}") for read in reads))
    if api == "conversations":
        check(server, raw_request(f"{path}/{id}", {"metadata": {"a": "b"}}))


def test_members_of_another_type_are_replaced() -> None:
    own: dict[str, Json] = {"id": "a", "bytes": 3, "expires_at": None}
    assert completed({"bytes": True, "note": [], "expires_at": 5}, own) == {
        **own, "expires_at": 5, "note": [],
    }  # fmt: skip
