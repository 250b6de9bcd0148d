"""Secrets are recognized by their names."""

from __future__ import annotations

import pytest

from mockllm.core.key_forms import REDACTED
from mockllm.core.redaction import redacted
from mockllm.core.secret_names import HARMLESS, PERSONAL, SECRETS, is_secret, secret_field, secret_name
from mockllm.core.url_secrets import without_passwords


@pytest.mark.parametrize(
    "name",
    ["Authorization", "x-api-key", "api-key", "X-Goog-Api-Key", "Cookie", "set-cookie", "key", "access_token",
     "openai_api_key", "X-Amz-Signature", "x-vendor-secret"],
)  # fmt: skip
def test_is_secret_by_name(name: str) -> None:
    assert secret_name(name)
    assert redacted({name: "anything", "other": "stays"}) == {name: REDACTED, "other": "stays"}


@pytest.mark.parametrize("name", ["max_tokens", "content-type", "monkey", "tokens", "x-request-id", "model"])
def test_is_secret_of_harmless_name_is_false(name: str) -> None:
    assert not secret_name(name)


@pytest.mark.parametrize("name", sorted({*SECRETS, "X-Vendor-Token", "key", "api_key", "X-Api-Key"}))
def test_secret_header_is_secret_everywhere(name: str) -> None:
    assert is_secret(name)
    assert secret_name(name)


@pytest.mark.parametrize("name", sorted(PERSONAL))
def test_personal_header_is_secret_in_files_only(name: str) -> None:
    assert secret_name(name.title())
    assert not is_secret(name.title())


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_harmless_header_stays_in_the_journal(name: str) -> None:
    assert not is_secret(name.title())


@pytest.mark.parametrize(
    ("name", "secret"),
    [("api_key", True), ("OPENAI_API_KEY", True), ("client_secret", True), ("password", True), ("key", False),
     ("token", False), ("tokens", False), ("authorization", True), ("max_tokens", False)],
)  # fmt: skip
def test_secret_field_is_certain(name: str, secret: bool) -> None:
    assert secret_field(name) is secret
    assert redacted({name: "x"}, secret_field) == {name: REDACTED if secret else "x"}
    assert redacted([{"a": {name: "x"}}], secret_field) == [{"a": {name: REDACTED if secret else "x"}}]


def test_redacted_leaves_numbers() -> None:
    assert redacted({"token": 7, "key": None, "secret": {"a": True}, "password": ""}) == {
        "token": 7, "key": None, "secret": {"a": True}, "password": "",
    }  # fmt: skip


@pytest.mark.timeout(60)  # a search that takes the square of the length takes hours
def test_long_names_and_texts_are_searched_at_once() -> None:
    for name in ("x-amz-" * 200_000 + "_", "-key" * 300_000, "a." * 500_000):
        assert not is_secret(name + ".")
        assert not secret_name(name + "!")
    assert is_secret("x-" * 200 + "x-amz-signed-headers")
    assert without_passwords("a." * 500_000) == "a." * 500_000
    for text in (
        "a://" + "[" * 500_000,
        "a://" + "[::" * 200_000,
        "a://[" + ":" * 500_000,
        "[::1]@" * 99_999,
    ):
        assert without_passwords(text) == text
    assert without_passwords("a://" + "@a" * 200_000) == "a://REDACTED@a"
