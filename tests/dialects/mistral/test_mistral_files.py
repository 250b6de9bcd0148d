"""Mistral's files: what an upload stores, and what further calls make of it."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.request.form_fields import MAX_FIELDS, urlencoded_fields
from mockllm.dialects.mistral import stored_calls
from tests.dialects.mistral.stored_requests import FILES, FORM, upload
from tests.dialects.openai.batches.batch_requests import form, get
from tests.language.virtual_server import NOW, VirtualServer, raw_request

RULES = "rules: [{reply: Hi.}]"


def test_upload_is_listed_read_and_deleted() -> None:
    server = VirtualServer(RULES)
    file = upload(server, b"{}\n{}", purpose="batch", expiry="2", visibility="user").json
    assert (file["bytes"], file["num_lines"], file["sample_type"]) == (5, 2, "batch_request")
    assert (file["expires_at"], file["visibility"], file["source"]) == (int(NOW) + 7200, "user", "upload")
    path = f"{FILES}/{file['id']}"
    assert server.respond(get(path)).json == {**file, "deleted": False}
    assert server.respond(get(f"{path}/content")).bytes == b"{}\n{}"
    assert server.respond(get(FILES)).json == {"data": [file], "object": "list", "total": 1}
    deleted = server.respond(get(path, method="DELETE")).json
    assert deleted == {"id": file["id"], "object": "file", "deleted": True}
    missing = server.respond(get(path))
    assert (missing.status, missing.json["raw_status_code"]) == (404, 404)
    assert file["id"] in missing.json["message"]


def test_upload_without_purpose_is_for_fine_tuning() -> None:
    file = upload(VirtualServer(RULES), name="a.mp3").json
    assert (file["purpose"], file["sample_type"], file["num_lines"]) == ("fine-tune", "instruct", 0)
    assert upload(VirtualServer(RULES), purpose="ocr").json["sample_type"] == "ocr_input"


def test_equal_uploads_have_equal_ids() -> None:
    assert upload(VirtualServer(RULES)).json == upload(VirtualServer(RULES)).json
    other = upload(VirtualServer(RULES, seed=2)).json["id"]
    assert upload(VirtualServer(RULES)).json["id"] != other


def test_wrong_upload_is_refused() -> None:
    server = VirtualServer(RULES)
    for refused in (upload(server, purpose="x"), upload(server, visibility="x"), upload(server, expiry="-1")):
        assert refused.status == 400
        assert refused.json["object"] == "error"
    assert server.respond(raw_request(FILES, form({}, None), headers=FORM)).status == 400


def test_files_are_filtered_and_paged() -> None:
    server = VirtualServer(RULES)
    names = [f"{letter}.txt" for letter in "abc"]
    for name in names:
        upload(server, name=name, purpose="ocr")
    upload(server, purpose="batch")

    def found(query: str) -> list[Json]:
        return [file["filename"] for file in server.respond(get(FILES, query=query)).json["data"]]

    assert found("purpose=ocr") == names[::-1]
    assert found("sample_type=batch_request&sample_type=instruct") == ["in.jsonl"]
    assert found("page_size=2&page=1") == ["b.txt", "a.txt"]
    assert found("search=b.&source=upload") == ["b.txt"]
    assert found("source=mistral") == []
    assert server.respond(get(FILES, query="include_total=false")).json["total"] is None


def test_query_of_a_list_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    server, read = VirtualServer(RULES), list[bytes]()
    for number in range(3):
        upload(server, name=f"{number}.txt", purpose="ocr")

    def reading(text: bytes) -> list[tuple[str, str]]:
        read.append(text)
        return urlencoded_fields(text)

    monkeypatch.setattr(stored_calls, "urlencoded_fields", reading)
    assert server.respond(get(FILES, query="purpose=ocr&source=upload&source=")).json["total"] == 3
    assert len(read) == 1
    assert server.respond(get(FILES, query="purpose=batch&" * (MAX_FIELDS + 1))).json["total"] == 3


def test_address_of_file_has_its_content() -> None:
    server = VirtualServer(RULES)
    path = f"{FILES}/{upload(server, b'text').json['id']}"
    url = server.respond(get(f"{path}/url", query="expiry=168")).json["url"]
    assert url == f"http://localhost:8080{path}/content"
    content = server.respond(get(f"{path}/content"))
    assert (content.bytes, content.headers["content-type"]) == (b"text", "application/octet-stream")
    assert server.respond(get(f"{path}/url", query="expiry=169")).status == 400


def test_file_of_another_provider_is_not_found() -> None:
    server = VirtualServer(RULES)
    file = server.respond(
        raw_request("/v1/files", form({"purpose": "vision"}, ("a", b"a")), headers=FORM)
    ).json
    assert server.respond(get(f"{FILES}/{file['id']}")).status == 404
    assert server.respond(get(FILES)).json["data"] == []


def test_rule_faults_an_upload() -> None:
    server = VirtualServer("rules: [{match: {api: files, form: {purpose: ocr}}, error: overloaded}]")
    assert upload(server, purpose="ocr").status == 503
    assert upload(server).status == 200
