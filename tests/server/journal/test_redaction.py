"""What is taken out of a request before it is stored, and what is masked when it is told."""

from __future__ import annotations

import pytest

from mockllm.server.journal import redaction

KEY = "sk-" + "aB3" * 8


def test_key_of_request_is_masked_in_body() -> None:
    assert redaction.without("my-own-key", b'{"k":"my-own-key"}') == b'{"k":"**********"}'
    assert redaction.without("my-own-key", b"other") == b"other"


@pytest.mark.parametrize("key", [None, "", "test", "1234567"])
def test_short_key_is_not_masked(key: str | None) -> None:
    assert redaction.without(key, b"test 1234567") == b"test 1234567"


def test_key_is_masked_across_parts() -> None:
    parts = [b"data: " + KEY[:10].encode(), KEY[10:].encode() + b"\n", b"", b"end"]
    told = redaction.parts(parts)
    assert [len(each) for each in told] == [len(each) for each in parts]
    assert b"".join(told) == b"data: " + b"*" * len(KEY) + b"\nend"
    assert redaction.parts([]) == []


def test_body_is_redacted_by_key_names_only() -> None:
    body = {"model": "m", "metadata": {"key": "color", "api_key": "x"}, "input": f"my key: {KEY}"}
    assert redaction.body(body) == {
        "model": "m",
        "metadata": {"key": "color", "api_key": "REDACTED"},
        "input": "my key: REDACTED",
    }


def test_empty_bearer_is_no_key() -> None:
    assert redaction.hashed(redaction.key_in({"authorization": "Bearer "}, "/")) is None
    assert redaction.hashed(redaction.key_in({}, "/?key=")) is None


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("/v1/models?key=abc&page=1", "/v1/models?key=REDACTED&page=1"),
        ("/v1/models?auth=abc", "/v1/models?auth=REDACTED"),
        (
            "http://bob:abc@localhost/v1/models?token=abc",
            "http://REDACTED@localhost/v1/models?token=REDACTED",
        ),
        ("http://bob:ab@c@localhost", "http://REDACTED@localhost"),
        ("http://localhost/@me?page=a@b", "http://localhost/@me?page=a@b"),
        ("/@me", "/@me"),
        ("-", "-"),
    ],
)
def test_target_is_redacted(target: str, told: str) -> None:
    assert redaction.target(target) == told


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("X-Custom", f"my {KEY}", "my REDACTED"),
        ("Sec-WebSocket-Protocol", f"realtime, insecure.{KEY}", "realtime, insecure.REDACTED"),
        ("Referer", "http://me:pw@x/?key=abc&page=1", "http://REDACTED@x/?key=REDACTED&page=1"),
        ("User-Agent", "OpenAI/Python 1.0", "OpenAI/Python 1.0"),
    ],
)
def test_header_value_is_redacted(name: str, value: str, told: str) -> None:
    assert redaction.header(name, value) == told


@pytest.mark.parametrize("name", ["X-Auth", "Helicone-Auth", "x-portkey-api-key"])
def test_gateway_key_header_is_redacted(name: str) -> None:
    assert redaction.headers([(name, "Bearer abc")]) == ((name, "Bearer REDACTED"),)
