"""The secrets of headers, in whatever form clients write them."""

from __future__ import annotations

from base64 import b64encode

import pytest

from mockllm.core.header_secrets import shown_headers
from mockllm.core.redaction import Redactor, secrets_of


def masked(name: str, value: str, text: str) -> str:
    return Redactor(secrets_of([(name, value)])).text(text)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("padding", ["=", ""])
def test_basic_credentials_beyond_ascii_are_masked(encoding: str, padding: str) -> None:
    raw = "bøb:pässwörd?>~ÿÿ".encode(encoding)
    for encoded in (b64encode(raw), b64encode(raw, b"-_")):
        value = "Basic " + encoded.decode().rstrip("=") + padding * (-len(encoded.rstrip(b"=")) % 4)
        assert masked("Authorization", value, "Is it pässwörd?>~ÿÿ?") == "Is it REDACTED?"
        assert masked("Authorization", value, "Is it bøb:pässwörd?>~ÿÿ?") == "Is it REDACTED?"


@pytest.mark.parametrize(
    "value", ["Basic pässwörd", "Basic p\udce4ssword", "Basic abcdefghi", "Basic no base64!"]
)
def test_basic_credentials_that_are_no_base64_are_masked(value: str) -> None:
    assert masked("Authorization", value, f"Is it {value[6:]}?") == "Is it REDACTED?"


def test_basic_credentials_as_bytes_of_latin1_are_masked() -> None:
    raw = "bøb:pässwörd".encode("latin-1")
    redactor = Redactor(secrets_of([("Authorization", f"Basic {b64encode(raw).decode()}")]))
    assert redactor.data(b"Is it p\xe4ssw\xf6rd?") == b"Is it ********?"


@pytest.mark.parametrize(
    ("protocols", "shown"),
    [
        ("realtime, openai-insecure-api-key.my-own-key", "realtime, openai-insecure-api-key.REDACTED"),
        ("x.api_key.my-own-key.with.dots,realtime", "x.api_key.REDACTED,realtime"),
        ("token.pw, a", "token.REDACTED, a"),
        ("a, token.pw", "a, token.REDACTED"),
        ("realtime, beta.v1", "realtime, beta.v1"),
        ("api-key.", "api-key."),
        ("", ""),
    ],
)
def test_key_in_websocket_protocols_is_not_shown(protocols: str, shown: str) -> None:
    assert shown_headers([("Sec-WebSocket-Protocol", protocols)]) == (("Sec-WebSocket-Protocol", shown),)


def test_key_in_websocket_protocols_is_masked_everywhere() -> None:
    protocols = "realtime, openai-insecure-api-key.my-own-key, model.gpt-4o-realtime"
    text = "Is my-own-key a key of gpt-4o-realtime?"
    assert masked("Sec-WebSocket-Protocol", protocols, text) == text.replace("my-own-key", "REDACTED")


@pytest.mark.parametrize("name", ["Referer", "referer", "Location"])
@pytest.mark.parametrize("key", ["my-own-key", "my%2Down%2Dkey"])
def test_key_in_the_query_of_a_header_is_masked_everywhere(name: str, key: str) -> None:
    url = f"https://bob:pass%20word@x/?page=a-long-page&api_key={key}#a"
    text = "Is my-own-key on a-long-page? No, pass word."
    assert masked(name, url, text) == "Is REDACTED on a-long-page? No, REDACTED."
    assert shown_headers([(name, url)]) == ((name, url),)
