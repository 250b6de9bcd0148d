"""What is taken out of a request before it is stored, and what is masked when it is told."""

from __future__ import annotations

import pytest

from mockllm.server import redacting

KEY = "sk-" + "aB3" * 8


def test_the_requests_own_key_is_taken_out_of_its_body() -> None:
    assert redacting.without("my-own-key", b'{"k":"my-own-key"}') == b'{"k":"**********"}'
    assert redacting.without("my-own-key", b"other") == b"other"


@pytest.mark.parametrize("key", [None, "", "test", "1234567"])
def test_a_short_key_is_a_word_like_others(key: str | None) -> None:
    assert redacting.without(key, b"test 1234567") == b"test 1234567"


def test_a_key_is_masked_across_the_parts_that_it_was_sent_in() -> None:
    parts = [b"data: " + KEY[:10].encode(), KEY[10:].encode() + b"\n", b"", b"end"]
    told = redacting.parts(parts)
    assert [len(each) for each in told] == [len(each) for each in parts]
    assert b"".join(told) == b"data: " + b"*" * len(KEY) + b"\nend"
    assert redacting.parts([]) == []


def test_a_body_is_told_without_keys_and_with_all_else() -> None:
    body = {"model": "m", "metadata": {"key": "color", "api_key": "x"}, "input": f"my key: {KEY}"}
    assert redacting.body(body) == {
        "model": "m",
        "metadata": {"key": "color", "api_key": "REDACTED"},
        "input": "my key: REDACTED",
    }


def test_an_empty_bearer_is_no_key() -> None:
    assert redacting.key_of({"authorization": "Bearer "}, "/") is None
    assert redacting.key_of({}, "/?key=") is None
