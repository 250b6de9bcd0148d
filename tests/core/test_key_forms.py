"""Keys by their forms."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest

from mockllm.core import key_forms
from mockllm.core.key_forms import REDACTED, redact_bytes, redact_text, without_random
from mockllm.core.redaction import Redactor, redacted

KEYS = [
    "sk-" + "aB3" * 8,
    "sk-proj-" + "aB3_" * 8,
    "sk-ant-api03-" + "aB3-" * 8,
    "gsk_" + "aB3d" * 8,
    "hf_" + "aB3d" * 8,
    "gho_" + "aB3d" * 8,
    "ghs_" + "aB3d" * 8,
    "ek_" + "aB3d" * 8,
    "xai-" + "aB3d" * 8,
    "pplx-" + "aB3d" * 8,
    "AIza" + "aB3d" * 8,
    "ya29." + "aB3d" * 8,
    "GOCSPX-" + "aB3d" * 8,
    "1//0" + "aB3d" * 8,
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
    ("text", "shown"),
    [
        ("at https://bob:open-sesame@x/y", "at https://bob:REDACTED@x/y"),
        ("a://:p@x", "a://:REDACTED@x"),
        ("{'url': 'redis://:it's@y@x'} b@c", "{'url': 'redis://:REDACTED@x'} b@c"),
        ("https://x:80/y@v1 a@b", "https://x:80/y@v1 a@b"),
        ("https://bob@x:443/ and ssh://git@x", "https://bob@x:443/ and ssh://git@x"),
    ],
)
def test_password_of_a_url_in_a_text_is_masked(text: str, shown: str) -> None:
    assert redact_text(text) == shown
    assert (
        redact_bytes(text.encode())
        == shown.replace(REDACTED, "*" * (len(text) - len(shown) + len(REDACTED))).encode()
    )


def test_password_of_a_url_inside_json_is_masked() -> None:
    assert redact_bytes(b'"{\\"a\\":\\"a://b:c@d\\"}"') == b'"{\\"a\\":\\"a://b:*@d\\"}"'


@pytest.mark.timeout(60)  # a step for each pair of characters takes hours
@pytest.mark.parametrize("part", ["://a", "://:", "://a:b", "a:", "://"])
def test_redact_text_ends_for_many_urls(part: str) -> None:
    text = part * 300_000
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "text", ["ask-me-anything-you-like", "a risk-free-operation", "gpt-4o-mini", "max_tokens"]
)
def test_redact_text_leaves_words(text: str) -> None:
    assert redact_text(text) == text


def test_redact_bytes_has_the_same_length() -> None:
    payload = b'{"key":"sk-aaaaaaaaaaaaaaa1aaaaaaaa","mine":"secret-1"}'
    found = Redactor(["secret-1"]).data(payload)
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


@pytest.mark.parametrize(
    "key", ["sk-12345678901a", "hf_123456789012", "ya29.1234567890", "Bearer 12345678", "Basic a1b2c3d4e5"]
)
def test_redact_text_finds_shortest_keys(key: str) -> None:
    assert redact_text(key) == REDACTED


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
        "The risk of a basic task is that it co-operates. " * 1_000,
    ],
    ids=["sk", "in words", "JWT without an end", "JWT in words", "short JWTs", "hf", "prose"],
)
def test_text_of_many_beginnings_is_read_once(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = [
        (CountedPattern(form.pattern), form.run and CountedPattern(form.run))
        for form in key_forms._text_forms()
    ]
    forms = [
        form._replace(pattern=cast(Any, pattern), run=cast(Any, run))
        for form, (pattern, run) in zip(key_forms._text_forms(), counted, strict=True)
    ]
    monkeypatch.setattr(key_forms, "_text_forms", lambda: forms)
    redact_text(text)
    read_far = [(pattern.tries, run.tries) for pattern, run in counted if run is not None]
    assert max(tries for _, tries in read_far) <= 2
    assert max(tries for tries, _ in read_far) <= 2 + len(text) // 8


@pytest.mark.parametrize("gap", [1, 400, 497, 499, 500, 501, 502, 600, 995, 999, 1000, 1001, 1100])
@pytest.mark.parametrize("mark", ["sk-", " sk-", "eyJ", "-eyJ"])
@pytest.mark.parametrize("end", ["1abcdefghijkl", ".abcdefgh.", ".abcdefg.", ".abcdefgh", "!", ""])
@pytest.mark.covering
def test_skipping_finds_what_trying_each_beginning_finds(mark: str, gap: int, end: str) -> None:
    text = (mark + "a" * gap) * 3 + end
    naive = [form._replace(run=None) for form in key_forms._text_forms()]
    assert key_forms._keys(text, text.lower(), key_forms._text_forms()) == key_forms._keys(
        text, text.lower(), naive
    )
    data = text.encode()
    assert len(redact_bytes(data)) == len(data)


def test_words_that_look_random_are_masked() -> None:
    words = "user expected zq81hv93kd02nf64, found a-name-without-a-digit zq81hv93kd02nf6"
    assert without_random(words) == "user expected REDACTED found a-name-without-a-digit zq81hv93kd02nf6"
