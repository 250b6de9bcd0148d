"""OpenAI's calls on files."""

from __future__ import annotations

import pytest

from mockllm.core.request.stored_objects import StoredObject
from mockllm.dialects.gemini.files import GeminiFileRequest
from mockllm.dialects.openai.files.file_calls import FileRequest
from mockllm.dialects.stored_objects import ObjectRequest
from mockllm.state.fetched_objects import FetchedLookup, MissingStoredObject
from tests.dialects.openai.batches.batch_requests import form, get, upload
from tests.language.virtual_server import VirtualServer, raw_request

RULES = "rules: [{reply: Hi.}]"
FORM = {"content-type": "multipart/form-data; boundary=xyz"}


@pytest.fixture
def server() -> VirtualServer:
    return VirtualServer(RULES)


def test_uploaded_file_is_found_and_has_its_content(server: VirtualServer) -> None:
    file = server.respond(upload("fine-tune", "a b.jsonl", b"\x00\xff{}\n")).json
    assert (file["object"], file["filename"], file["bytes"]) == ("file", "a b.jsonl", 5)
    assert (file["purpose"], file["status"], file["expires_at"]) == ("fine-tune", "processed", None)
    assert server.respond(get(f"/v1/files/{file['id']}")).json == file
    content = server.respond(get(f"/v1/files/{file['id']}/content"))
    assert content.bytes == b"\x00\xff{}\n"
    assert content.headers["content-type"] == "application/octet-stream"
    assert content.headers["content-disposition"] == 'attachment; filename="a b.jsonl"'


def test_file_expires_as_its_form_says(server: VirtualServer) -> None:
    file = server.respond(upload(life="3600"))
    assert file.json["expires_at"] == file.json["created_at"] + 3600
    batch = server.respond(upload()).json
    assert batch["expires_at"] == batch["created_at"] + 30 * 24 * 3600


def test_deleted_file_is_gone(server: VirtualServer) -> None:
    id = server.respond(upload()).json["id"]
    deleted = server.respond(get(f"/v1/files/{id}", method="DELETE"))
    assert deleted.json == {"object": "file", "deleted": True, "id": id}
    for path in (f"/v1/files/{id}", f"/v1/files/{id}/content"):
        missing = server.respond(get(path))
        assert (missing.status, missing.message) == (404, f"No such File object: {id}")
        assert missing.json["error"]["param"] == "id"
    assert server.respond(get(f"/v1/files/{id}", method="DELETE")).status == 404


def test_list_has_pages_and_purposes(server: VirtualServer) -> None:
    ids = [
        server.respond(upload(purpose, f"{number}.jsonl")).json["id"]
        for number, purpose in enumerate(["batch", "vision", "batch"])
    ]
    page = server.respond(get("/v1/files", query="limit=2")).json
    assert [file["id"] for file in page["data"]] == [ids[2], ids[1]]
    assert page["has_more"] is True
    assert server.respond(get("/v1/files", query=f"limit={'9' * 5_000}")).status == 200
    rest = server.respond(get("/v1/files", query=f"limit=2&after={page['last_id']}")).json
    assert ([file["id"] for file in rest["data"]], rest["has_more"]) == ([ids[0]], False)
    batch = server.respond(get("/v1/files", query="purpose=batch&order=asc")).json
    assert [file["id"] for file in batch["data"]] == [ids[0], ids[2]]


@pytest.mark.parametrize("purpose", ["assistants", "user_data"])
def test_some_purposes_cannot_be_downloaded(server: VirtualServer, purpose: str) -> None:
    id = server.respond(upload(purpose)).json["id"]
    refused = server.respond(get(f"/v1/files/{id}/content"))
    assert (refused.status, refused.message) == (400, f"Not allowed to download files of purpose: {purpose}")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (form({}, ("a.txt", b"x")), "'purpose' is a required property"),
        (form({"purpose": "batch"}, None), "'file' is a required property"),
        (form({"purpose": "batch", "file": "text"}, None), "'file' is a required property"),
        (b"{}", "'file' is a required property"),
        (
            form({"purpose": "jokes"}, ("a.txt", b"x")),
            "'jokes' is not one of ['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals'] - 'purpose'",
        ),
        (form({"purpose": "batch"}, ("a.csv", b"x")), "Invalid file format for Batch API. Must be .jsonl"),
    ],
)
def test_invalid_upload_is_refused(server: VirtualServer, body: bytes, message: str) -> None:
    refused = server.respond(raw_request("/v1/files", body, headers=FORM))
    assert (refused.status, refused.message) == (400, message)
    assert refused.json["error"]["type"] == "invalid_request_error"


def test_unchecked_upload_stores_the_body() -> None:
    server = VirtualServer("validation: 'off'\nrules: [{reply: Hi.}]")
    file = server.respond(raw_request("/v1/files", b"bytes")).json
    assert (file["filename"], file["purpose"], file["bytes"]) == ("upload", "user_data", 5)


def test_lenient_upload_needs_a_file_and_no_purpose() -> None:
    server = VirtualServer("validation: lenient\nrules: [{reply: Hi.}]")
    file = server.respond(raw_request("/v1/files", form({}, ("a.txt", b"x")), headers=FORM)).json
    assert (file["filename"], file["purpose"]) == ("a.txt", "user_data")
    assert server.respond(raw_request("/v1/files", {"purpose": "batch"})).status == 400


def test_rule_may_refuse_an_upload_by_its_form() -> None:
    rules = """
    rules:
      - match: {api: files, form: {purpose: vision}}
        error: {type: rate_limit}
      - match: {api: files, form: {purpose: evals}}
        http: {body: mine}
    """
    server = VirtualServer(rules)
    assert server.respond(upload("vision")).status == 429
    assert server.respond(upload("evals")).bytes == b"mine"
    assert server.respond(get("/v1/files")).json["data"] == []


def test_path_of_another_object_is_no_file(server: VirtualServer) -> None:
    assert server.respond(get("/v1/files/batch_1")).status == 404


@pytest.mark.parametrize(
    ("request_class", "file"),
    [(FileRequest, "file-abc"), (GeminiFileRequest, "abc")],
    ids=["OpenAI", "Gemini"],
)
def test_output_of_a_batch_is_looked_up_again_after_its_batch(
    request_class: type[ObjectRequest], file: str
) -> None:
    """Another process has the objects: each lookup interrupts the request, which then reads again."""
    request = request_class(
        method="GET", path="/", headers={}, raw=b"", path_variables={"file": file}, session="s"
    )
    output = StoredObject(request.object_id, "batch_1", b"", b'{"id": "file-abc"}')
    in_store = {("stored", request.object_id): output, ("stored", "batch_1"): None}
    lookup = FetchedLookup("s", {})
    for _ in in_store:
        request.object_lookup = lookup
        with pytest.raises(MissingStoredObject) as required:
            _ = request.stored
        lookup = lookup.having(required.value.key, in_store[required.value.key])
    request.object_lookup = lookup
    assert request.stored is None, "the batch is gone"
