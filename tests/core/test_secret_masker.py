"""Secrets in the escapes of JSON and of URLs."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockllm.core.redaction import Redactor
from mockllm.core.secret_masker import MAX_ESCAPES, SecretMasker, without_json_escapes

SECRET = 'pl/"s\\eK7~aé'


def shown(data: bytes, secret: str = SECRET) -> bytes:
    masked = SecretMasker([secret, "another secret"]).replaced_in_escapes(data, lambda _: b"*")
    assert masked is not None
    return masked


def contained(data: bytes, *secrets: str) -> list[str]:
    return SecretMasker(secrets).contained(data)


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
    assert contained(data, SECRET, "another secret") == [SECRET]


@given(st.lists(st.sampled_from(FORMS), min_size=len(SECRET), max_size=len(SECRET)))
def test_secret_in_mixed_forms_is_masked(forms: list[str]) -> None:
    data = "".join(map(escaped, SECRET, forms)).encode()
    assert shown(b"a " + data + b" b") == b"a * b"
    assert contained(data, SECRET) == [SECRET]


@pytest.mark.parametrize("secret", ["a\\\\\\b", "\\ab\\", "u0041%41b", "\\"])
def test_secret_that_looks_escaped_is_found(secret: str) -> None:
    assert contained(b"a" + secret.encode() + b"b", secret) == [secret]
    assert b"b" not in shown(b"\\u0061b", "ab")


@pytest.mark.timeout(60)  # a step for each pair of backslashes takes hours
def test_many_backslashes_are_read_once() -> None:
    data = b"\\" * 1_000_000 + b"x my-own-\\u006bey"
    for secret in ("my-own-key", "\\\\\\my-own-key"):
        assert b"ey" not in shown(data, secret)


def test_letter_outside_the_plane_is_two_escapes() -> None:
    assert shown(b"key-\\ud83d\\uDE00!", "key-\U0001f600!") == b"*"


def test_secret_that_is_no_utf8_is_masked() -> None:
    assert shown(b"k\\u0065y-\xff", "key-\udcff") == b"*"
    assert contained(b"key-\xff", "key-\udcff") == ["key-\udcff"]


@pytest.mark.parametrize("data", [b"no escape", b"\\u0041\\n 50% of it", b"s\\e\\n\\cret", b"ab\\u00e9"])
def test_bytes_without_the_secret_stay(data: bytes) -> None:
    for secret in ("secretkey", "abcé"):
        assert shown(data, secret) == data
        assert contained(data, secret) == []


def test_redactor_masks_escapes_in_text_bytes_and_json() -> None:
    redactor = Redactor(("my-own-key",))
    assert redactor.text("/v1/my%2down-key?") == "/v1/REDACTED?"
    assert redactor.text("\ud800 50%") == "\ud800 50%"
    assert redactor.data(b"my-own-\\u006Bey.") == b"****************"[:15] + b"."
    found: Any = redactor.json({"a": '{"k": "my-own-\\u006bey"}'})
    assert found == {"a": '{"k": "REDACTED"}'}


@pytest.mark.parametrize("escape", [b"\\u0041", b"%41", b"\\n"])
def test_secret_among_too_many_escapes_may_be_there(escape: bytes) -> None:
    secret = SecretMasker(["my-own-key"])
    few, many = escape * (MAX_ESCAPES - 1), escape * (MAX_ESCAPES + 1)
    assert secret.masked(few + b"my-own-\\u006bey") == few + b"*" * 15
    assert secret.masked(many + b"my-own-\\u006bey") is None
    assert secret.contained(many + b"my-own-\\u006bey") == ["my-own-key"]
    redactor = Redactor(("my-own-key",))
    assert redactor.text((many + b"my-own-\\u006bey").decode()) == "REDACTED"
    assert set(redactor.data(many + b"my-own-\\u006bey")) == set(b"*")


def test_secrets_that_overlap_are_masked_in_escapes() -> None:
    data = b"a B\\u0065arer my-own-\\u006bey: my-own-\\u006bey-2 b"
    masked = SecretMasker(["Bearer my-own-key", "my-own-key-2", "own-key-2 b"]).masked(data)
    assert masked == b"a " + b"*" * 27 + b": " + b"*" * 19


def test_many_escapes_of_other_characters_are_searched() -> None:
    for escape in (b"\\u2019", b"\\n"):
        data = escape * 2 * MAX_ESCAPES
        assert SecretMasker(["my-own-key"]).masked(data) == data


@pytest.mark.timeout(60)  # a search that reads the secret at each byte takes hours
def test_long_secret_in_long_bytes_is_found_at_once() -> None:
    secret = "a" * 7_000 + "b1"
    data = b"a" * 5_000_000 + b"a" * 7_000 + b"b\\u0031"
    assert SecretMasker([secret]).masked(data) == b"a" * 5_000_000 + b"*" * 7_007


@pytest.mark.timeout(60)  # a search from each backslash takes hours
def test_many_backslashes_are_left_out_at_once() -> None:
    assert without_json_escapes(b"\\" * 5_000_000 + rb":\/\\u002f\\nx") == b":// x"


BEFORE = ["100%", "%4", "\\", "\\u00", "u0", "a\\n", "%5C"]


@given(
    st.sampled_from(BEFORE),
    st.text("beef&0123", min_size=10, max_size=12),
    st.lists(st.sampled_from(["json", "lower", "nested", "quoted"]), min_size=12, max_size=12),
)
def test_secret_after_the_begin_of_an_escape_is_masked(before: str, secret: str, forms: list[str]) -> None:
    data = before + secret[:5] + "".join(map(escaped, secret[5:], forms)) + "\\u0026"
    masked = SecretMasker([secret]).masked(data.encode())
    assert masked is not None
    assert len(masked) == len(data)
    assert secret[5:] not in masked.decode()


@pytest.mark.parametrize(
    ("secret", "data"),
    [
        ("sk-abcdefgh", rb'"sk-\u0061bcdefgh"'),
        ("sk-abcdefgh", b"sk-%61bcdefgh"),
        ("sk/abcdefgh", rb'"sk\/abcdefgh"'),
        ('sk"abcdefgh', rb'"sk\"abcdefgh"'),
        ("sk\x1fabcdefgh", rb'"sk\u001fabcdefgh"'),
        ("skéabcdefgh", rb'"sk\u00e9abcdefgh"'),
        ("sk€abcdefgh", rb'"sk\u20acabcdefgh"'),
    ],
)
def test_secret_in_any_escape_is_found(secret: str, data: bytes) -> None:
    assert SecretMasker([secret]).contained(data) == [secret]


def test_letter_of_an_escape_is_no_part_of_a_secret() -> None:
    assert SecretMasker(["sk-abnefgh"]).contained(rb'"sk-ab\nefgh"') == []
