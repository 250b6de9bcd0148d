"""Secrets in the escapes of JSON and of URLs."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockllm.core.escaped_secrets import MAX_ESCAPES, contained_secrets, has_many_escapes, replace_escaped
from mockllm.core.redaction import Redactor

SECRET = 'pl/"s\\eK7~aé'


def shown(data: bytes, secret: str = SECRET) -> bytes:
    return replace_escaped(data, [secret, "another secret"], lambda _: b"*")


def escaped(character: str, form: str) -> str:
    """A character in one of the forms in which JSON or a URL may have it."""
    code = f"{ord(character):04x}"
    forms = {
        "json": json.dumps(character, ensure_ascii=False)[1:-1],
        "slash": character.replace("/", "\\/") if character == "/" else json.dumps(character)[1:-1],
        "lower": f"\\u{code}",
        "upper": f"\\u{code.upper()}",
        "nested": f"\\\\u{code}",
        "url": "".join(f"%{byte:02X}" for byte in character.encode()),
        "quoted": quote(character, safe="").lower() if character != "K" else "K",
    }
    return forms[form]


FORMS = ["json", "slash", "lower", "upper", "nested", "url", "quoted"]


@pytest.mark.parametrize("form", FORMS)
def test_secret_in_one_form_is_masked(form: str) -> None:
    data = "".join(escaped(character, form) for character in SECRET).encode()
    assert shown(b'{"a":"' + data + b'"}') == b'{"a":"*"}'
    assert contained_secrets(data, [SECRET, "another secret"]) == [SECRET]


@given(st.lists(st.sampled_from(FORMS), min_size=len(SECRET), max_size=len(SECRET)))
def test_secret_in_mixed_forms_is_masked(forms: list[str]) -> None:
    data = "".join(map(escaped, SECRET, forms)).encode()
    assert shown(b"a " + data + b" b") == b"a * b"
    assert contained_secrets(data, [SECRET]) == [SECRET]


@pytest.mark.parametrize("secret", ["a\\\\\\b", "\\ab\\", "u0041%41b", "\\"])
def test_secret_that_looks_escaped_is_found(secret: str) -> None:
    assert contained_secrets(b"a" + secret.encode() + b"b", [secret]) == [secret]
    assert b"ab" not in replace_escaped(b"\\u0061b", ["ab"], lambda _: b"*")


@pytest.mark.timeout(60)  # a step for each pair of backslashes takes hours
def test_many_backslashes_are_read_once() -> None:
    data = b"\\" * 1_000_000 + b"x my-own-\\u006bey"
    for secret in ("my-own-key", "\\\\\\my-own-key"):
        assert b"ey" not in shown(data, secret)


def test_letter_outside_the_plane_is_two_escapes() -> None:
    assert shown(b"key-\\ud83d\\uDE00!", "key-\U0001f600!") == b"*"


def test_secret_that_is_no_utf8_is_masked() -> None:
    assert shown(b"k\\u0065y-\xff", "key-\udcff") == b"*"
    assert contained_secrets(b"key-\xff", ["key-\udcff"]) == ["key-\udcff"]


@pytest.mark.parametrize("data", [b"no escape", b"\\u0041\\n 50% of it", b"s\\e\\n\\cret", b"ab\\u00e9"])
def test_bytes_without_the_secret_stay(data: bytes) -> None:
    for secret in ("secretkey", "abcé"):
        assert shown(data, secret) == data
        assert contained_secrets(data, [secret]) == []


def test_redactor_masks_escapes_in_text_bytes_and_json() -> None:
    redactor = Redactor(("my-own-key",))
    assert redactor.text("/v1/my%2down-key?") == "/v1/REDACTED?"
    assert redactor.text("\ud800 50%") == "\ud800 50%"
    assert redactor.data(b"my-own-\\u006Bey.") == b"****************"[:15] + b"."
    found: Any = redactor.json({"a": '{"k": "my-own-\\u006bey"}'})
    assert found == {"a": '{"k": "REDACTED"}'}


def test_many_escapes_are_not_searched() -> None:
    assert not has_many_escapes(b"\\u0041" * MAX_ESCAPES)
    many = b"\\u0041" * MAX_ESCAPES + b"%"
    assert has_many_escapes(many)
    assert contained_secrets(many, [SECRET]) == [SECRET], "it may be there"
    assert not has_many_escapes(b"\\u2019" * 2 * MAX_ESCAPES)
