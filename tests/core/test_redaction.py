"""Secrets are redacted by name and by form."""

from __future__ import annotations

import re
import time
from typing import Any, cast

import pytest

from mockllm.core import redaction
from mockllm.core.redaction import (
    HARMLESS,
    PERSONAL,
    REDACTED,
    SECRETS,
    is_secret,
    redact_bytes,
    redact_text,
    redacted,
    secret_field,
    secret_name,
)

KEYS = [
    "sk-" + "aB3" * 8,
    "sk-proj-" + "aB3_" * 8,
    "sk-ant-api03-" + "aB3-" * 8,
    "gsk_" + "aB3d" * 8,
    "hf_" + "aB3d" * 8,
    "xai-" + "aB3d" * 8,
    "pplx-" + "aB3d" * 8,
    "AIza" + "aB3d" * 8,
    "ya29." + "aB3d" * 8,
    "AKIA" + "ABCD" * 4,
    "Bearer " + "aB3d" * 8,
    "Basic dXNlcjpwYXNz",
    "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln",
]


@pytest.mark.parametrize("key", KEYS)
def test_redact_text_finds_keys_by_form(key: str) -> None:
    assert redact_text(f"before {key} behind") == f"before {REDACTED} behind"
    assert redacted({"messages": [{"content": f"my key is {key}"}]}) == {
        "messages": [{"content": f"my key is {REDACTED}"}]
    }


@pytest.mark.parametrize(
    "text", ["ask-me-anything-you-like", "a risk-free-operation", "gpt-4o-mini", "max_tokens"]
)
def test_redact_text_keeps_words(text: str) -> None:
    assert redact_text(text) == text


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


def test_redacted_keeps_numbers() -> None:
    assert redacted({"token": 7, "key": None, "secret": {"a": True}, "password": ""}) == {
        "token": 7, "key": None, "secret": {"a": True}, "password": "",
    }  # fmt: skip


def test_redact_bytes_keeps_length() -> None:
    payload = b'{"key":"sk-aaaaaaaaaaaaaaa1aaaaaaaa","mine":"secret-1"}'
    found = redact_bytes(payload, ["secret-1"])
    assert len(found) == len(payload)
    assert b"aaaa" not in found
    assert b'"mine":"********"' in found
    assert redact_bytes(b"plain") == b"plain"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bearer sk-" + "aB3" * 8, REDACTED),
        ("sk-a1aaaaaaaaaaa-eyJaaaaaaaa.bbbbbbbb.c", REDACTED),
        (f"{KEYS[0]} and {KEYS[3]}", f"{REDACTED} and {REDACTED}"),
        (f"ask-nobody {KEYS[0]}", f"ask-nobody {REDACTED}"),
        (f"\u0130\u0130 {KEYS[9]}", f"\u0130\u0130 {REDACTED}"),
        (f"BEARER {KEYS[0]}.", REDACTED),
    ],
    ids=["one in another", "one into another", "two", "behind a word", "behind letters that grow", "cried"],
)  # fmt: skip
def test_redact_text_adjacent_and_nested_keys(text: str, shown: str) -> None:
    assert redact_text(text) == shown
    masked = redact_bytes(text.encode())
    assert len(masked) == len(text.encode())
    assert b"aB3" not in masked


@pytest.mark.parametrize("text", ["sk-", "-eyJ", "bearer ", "Basic ", "eyJaaaaaaaa."])
def test_redact_text_of_key_beginnings_is_fast(text: str) -> None:
    before = time.process_time()
    long = text * (200_000 // len(text))
    redact_text(long)
    redact_bytes(long.encode())
    assert time.process_time() - before < 5  # not minutes


@pytest.mark.parametrize(
    "key", ["sk-12345678901a", "hf_123456789012", "ya29.1234567890", "Bearer 12345678", "Basic a1b2c3d4e5"]
)
def test_redact_text_finds_shortest_keys(key: str) -> None:
    assert redact_text(key) == REDACTED


def test_redact_text_of_long_text_is_fast() -> None:
    text = "The risk of a basic task is that it co-operates. " * 20_000
    before = time.process_time()
    assert redact_text(text) == text
    assert time.process_time() - before < 1


class CountedPattern:
    """A pattern that counts how often it is tried."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        self.tries = 0

    def match(self, text: str, at: int) -> re.Match[str] | None:
        self.tries += 1
        return self._pattern.match(text, at)


@pytest.mark.parametrize(
    "text",
    [
        "sk-" * 10_000,
        "ask-" * 10_000,
        "eyJ-" * 10_000,
        "aeyJ" * 250 + "." + "a" * 8000 + ".",
        ("eyJ" + "a" * 9 + ".") * 1_000,
        "hf" * 10_000,
    ],
    ids=["sk", "in words", "JWT without an end", "JWT in words", "short JWTs", "hf"],
)
def test_text_of_many_beginnings_is_read_once(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = [
        (CountedPattern(form.pattern), form.run and CountedPattern(form.run))
        for form in redaction._TEXT_FORMS
    ]
    forms = [
        form._replace(pattern=cast(Any, pattern), run=cast(Any, run))
        for form, (pattern, run) in zip(redaction._TEXT_FORMS, counted, strict=True)
    ]
    monkeypatch.setattr(redaction, "_TEXT_FORMS", forms)
    redact_text(text)
    read_far = [(pattern.tries, run.tries) for pattern, run in counted if run is not None]
    assert max(tries for _, tries in read_far) <= 2
    assert max(tries for tries, _ in read_far) <= 2 + len(text) // 8


@pytest.mark.parametrize("gap", [1, 400, 497, 499, 500, 501, 502, 600, 995, 999, 1000, 1001, 1100])
@pytest.mark.parametrize("mark", ["sk-", " sk-", "eyJ", "-eyJ"])
@pytest.mark.parametrize("end", ["1abcdefghijkl", ".abcdefgh.", ".abcdefg.", ".abcdefgh", "!", ""])
def test_skipping_finds_what_trying_each_beginning_finds(mark: str, gap: int, end: str) -> None:
    text = (mark + "a" * gap) * 3 + end
    naive = [form._replace(run=None) for form in redaction._TEXT_FORMS]
    assert redaction._keys(text, text.lower(), redaction._TEXT_FORMS) == redaction._keys(
        text, text.lower(), naive
    )
    data = text.encode()
    assert len(redact_bytes(data)) == len(data)
