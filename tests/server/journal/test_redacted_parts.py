"""The parts of a request that a journal entry shows have no secrets."""

from __future__ import annotations

import pytest

from mockllm.core.header_secrets import shown_headers
from mockllm.core.redaction import client_key_hash
from mockllm.core.secret_names import SECRETS
from mockllm.core.url_secrets import without_credentials

SECRET = "sk-s3cret"
TARGETS = {
    "/v1/x": "/v1/x",
    "/v1/x?alt=sse": "/v1/x?alt=sse",
    f"/v1/x?alt=sse&key={SECRET}&a=b": "/v1/x?alt=sse&key=REDACTED&a=b",
    f"/v1/x?%6bey={SECRET}": "/v1/x?%6bey=REDACTED",
    f"/v1/x?API_KEY={SECRET}": "/v1/x?API_KEY=REDACTED",
}


@pytest.mark.parametrize(("came", "kept"), TARGETS.items(), ids=TARGETS)
def test_target_is_stored_without_key(came: str, kept: str) -> None:
    assert without_credentials(came) == kept


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_secret_header_is_redacted(name: str) -> None:
    assert shown_headers([(name.title(), SECRET)]) == ((name.title(), "REDACTED"),)
    assert shown_headers([(name, f"Bearer {SECRET}")]) == ((name, "Bearer REDACTED"),)


def test_other_headers_stay_and_are_text() -> None:
    assert shown_headers([("x-a", "b"), ("x-b", "caf\udce9")]) == (("x-a", "b"), ("x-b", "caf\ufffd"))


def test_keys_have_distinct_labels_in_any_place() -> None:
    first = client_key_hash({"authorization": f"Bearer {SECRET}"}, "/")
    assert first is not None
    assert SECRET not in first
    assert client_key_hash({"x-api-key": SECRET}, "/") == first
    assert client_key_hash({}, f"/?key={SECRET}") == first
    assert client_key_hash({"api-key": "other"}, "/") != first
    assert client_key_hash({}, "/") is client_key_hash({}, "/?a=b") is None
