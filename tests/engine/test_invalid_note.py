"""The note on a refused request, in the log, in the journal and in `explain`."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import MISSING
from mockllm.dialects.openai import provider as openai
from mockllm.engine.invalid_note import invalid_note
from tests.language.virtual_server import raw_request, respond_once

RULES = "rules: [{reply: x}]"
COMMA = "invalid: the body is not JSON, line 1 column 9: trailing comma is not allowed"
PATHS = (
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/embeddings",
    "/v1/messages",
    "/v1beta/models/gemini-3.5-flash:generateContent",
    "/v1beta/models/gemini-embedding-001:embedContent",
    "/api/chat",
    "/cohere/v2/chat",
    "/model/anthropic.claude-v2/converse",
    "/mistral/v1/fim/completions",
)


@pytest.mark.parametrize("path", PATHS)
def test_unreadable_body_has_a_note_with_its_reason(path: str) -> None:
    response = respond_once(RULES, raw_request(path, b'{"a": [],}'))
    assert response.status in (400, 422)
    assert response.notes == COMMA


@pytest.mark.parametrize("validation", ["exact", "lenient"])
def test_other_validations_have_the_note_too(validation: str) -> None:
    rules = f"validation: {validation}\n{RULES}"
    assert respond_once(rules, raw_request("/v1/chat/completions", b'{"a": [],}')).notes == COMMA


def test_body_of_curl_is_no_form() -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    request = raw_request("/v1/chat/completions", b' {"a": [],}', headers=headers)
    assert "line 1 column 10: trailing comma" in respond_once(RULES, request).notes


FORM = "invalid: the body is a form; send JSON (content-type: application/json)"
MULTIPART = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nx\r\n--b--\r\n'


@pytest.mark.parametrize(
    ("kind", "raw", "note"),
    [
        ("application/x-www-form-urlencoded", b"model=gpt-4o", FORM),
        ("multipart/form-data; boundary=b", MULTIPART, FORM),
        ("application/x-www-form-urlencoded", b"", "invalid: the request has no body"),
    ],
)
@pytest.mark.parametrize("path", PATHS)
def test_note_on_form_says_to_send_json(path: str, kind: str, raw: bytes, note: str) -> None:
    response = respond_once(RULES, raw_request(path, raw, headers={"content-type": kind}))
    assert response.status in (400, 422)
    assert response.notes.strip() == note


@pytest.mark.parametrize(
    ("path", "note"),
    [
        ("/v1/files", "invalid: 'file' is a required property"),
        ("/v1/audio/transcriptions", "invalid: the body is neither JSON nor multipart/form-data"),
        ("/v1/images/edits", "invalid: the body is neither JSON nor multipart/form-data"),
    ],
)
def test_note_on_form_where_another_form_is_read(path: str, note: str) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert respond_once(RULES, raw_request(path, b"a=b", headers=headers)).notes == note


def test_missing_body_has_a_note() -> None:
    response = respond_once(RULES, raw_request("/v1/chat/completions", b""))
    assert response.notes == "invalid: the request has no body"


def test_refusal_of_a_readable_body_is_noted() -> None:
    response = respond_once(RULES, raw_request("/v1/chat/completions", b"[]"))
    assert response.notes == "invalid: Invalid request body: expected an object, but got an array instead."


def test_readable_body_that_is_missing_is_noted_by_its_refusal() -> None:
    dialect = openai.PROVIDER.call("chat").dialect
    request = dialect.request_class(method="POST", path="/v1/chat/completions", headers={}, raw=b"{}")
    vars(request)["body"] = MISSING
    failure = dialect.check_readable(request)
    assert failure is not None
    assert invalid_note(failure, dialect, request) == f"invalid: {failure.short_message}"
