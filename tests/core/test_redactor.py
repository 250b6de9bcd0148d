"""What no reader may see: the secrets of one request wherever they occur, and what looks like a key."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import quote

import pytest

from mockllm.core import redaction
from mockllm.core.display import shortened
from mockllm.core.header_secrets import shown_headers
from mockllm.core.json.codec import Json
from mockllm.core.key_forms import may_show_random
from mockllm.core.redaction import MAX_SECRETS, Redactor, client_key_hash, secrets_of
from mockllm.core.url_secrets import without_credentials, without_password, without_passwords

KEY = "sk-" + "aB3" * 8
OWN = "my-own-key"
BASIC = b64encode(b"bob:open sesame").decode()


@pytest.mark.parametrize(
    ("header", "secrets"),
    [
        (("Authorization", f"Bearer {OWN}"), {OWN}),
        (("X-Api-Key", OWN), {OWN}),
        (("X-Api-Key", "short"), set()),
        (("Authorization", "Bearer "), set()),
        (("Cookie", "theme=dark; sid=0123456789; flag"), {"theme=dark; sid=0123456789; flag", "0123456789"}),
        (("Set-Cookie", "sid=0123456789; Path=/"), {"sid=0123456789; Path=/", "0123456789"}),
        (
            ("Authorization", f"Basic {BASIC}"),
            {BASIC, "bob:open sesame", "open sesame"},
        ),
        (("Authorization", "Basic no base64!"), {"no base64!"}),
        (("Authorization", "AWS4 Credential=AKIA12345, Signature=0123abcd"), {"AKIA12345", "0123abcd"}),
        (("x-page-token", "following"), set()),
        (("x-page-token", "0123456789abcdef"), {"0123456789abcdef"}),
        (("x-real-ip", "fe80::0123:4567:89ab"), set()),
        (("x-api-key", "abcd/efgh"), {"abcd/efgh"}),
    ],
)  # fmt: skip
def test_secrets_of_a_header_are_found(header: tuple[str, str], secrets: set[str]) -> None:
    assert {text for text in secrets_of([header]) if "Credential" not in text} == {
        form for text in secrets for form in (text, quote(text, safe=""), text.replace("/", "\\/"))
    }


@pytest.mark.parametrize(
    ("target", "secrets"),
    [
        ("/v1/models?key=0123456789&page=0123456789a", {"0123456789"}),
        ("/v1/models?key=a%2Fb-01234567", {"a%2Fb-01234567", "a%252Fb-01234567", "a/b-01234567", "a\\/b-01234567"}),
        ("http://bob:password@x/v1?a=b", {"bob:password", "bob%3Apassword", "password"}),
        ("http://x/a@b", set()),
        ("/v1/models", set()),
    ],
)  # fmt: skip
def test_secrets_of_a_target_are_found(target: str, secrets: set[str]) -> None:
    assert {*secrets_of((), target)} == secrets


def test_secrets_of_a_body_are_its_random_fields() -> None:
    body: Json = {"a": [{"api_key": "0123456789abcdefgh", "key": "color"}], "token": "0123456789abcdefgi"}
    assert {*secrets_of((), "", body)} == {"0123456789abcdefgh", "0123456789abcdefgi"}


def test_secrets_of_a_nested_body_are_found_in_lists() -> None:
    body = {
        "a": [{"api_key": "abc1234567890defg", "token": "short1", "x": ["y", 1]}],
        "secret": "no digits in here",
    }
    assert secrets_of((), "", body) == ("abc1234567890defg",)


@pytest.mark.parametrize(
    ("text", "random"),
    [("found abc1234567890defg", True), ("abcdefghijklmnopqrst", False), ("12345678901234567", False), ("a1", False)],
)  # fmt: skip
def test_may_show_random_finds_long_words_of_both_kinds(text: str, random: bool) -> None:
    assert may_show_random(["plain", text]) is random


def test_personal_headers_are_secrets_only_on_demand() -> None:
    headers = [("openai-organization", "org-0123456789abc")]
    assert secrets_of(headers) == ()
    assert secrets_of(headers, personal=True) == ("org-0123456789abc",)


def test_secrets_of_many_cookies_are_bounded() -> None:
    cookies = "; ".join(f"c{number}=value-{number:05}" for number in range(2000))
    assert len(secrets_of([("cookie", cookies)])) == MAX_SECRETS


@pytest.mark.parametrize(
    "target", ["/" + "a" * 500_000 + "?%", "?" * 500_000, "/?" + "a=" * 250_000, "/" + "%41" * 150_000, "a" * 500_000]
)  # fmt: skip
@pytest.mark.timeout(60)  # a step for each pair of characters takes hours
def test_redactor_ends_for_a_long_target(target: str) -> None:
    redactor = Redactor(secrets_of([("authorization", "x " + target)], target))
    assert len(redactor.target(target)) <= len(target)


def test_own_key_is_masked_in_text_bytes_and_json() -> None:
    redactor = Redactor(secrets_of([("authorization", f"Bearer {OWN}")]))
    assert redactor.text(f"Say {OWN}.") == "Say REDACTED."
    assert redactor.data(b'{"k":"my-own-key"}') == b'{"k":"**********"}'
    assert redactor.data(b"other") == b"other"
    assert redactor.json({OWN: [OWN, 1, None], "api_key": "x"}) == {
        "REDACTED": ["REDACTED", 1, None],
        "api_key": "REDACTED",
    }


@pytest.mark.parametrize(
    "form",
    [
        b"sk-\x80abcd/efgh",
        b"sk-\xef\xbf\xbdabcd/efgh",
        b"sk-\xef\xbf\xbdabcd\\/efgh",
        b"sk-%80abcd%2Fefgh",
        b"sk-%EF%BF%BDabcd%2Fefgh",
    ],
)
def test_key_that_is_no_utf8_is_masked_in_every_form(form: bytes) -> None:
    redactor = Redactor(secrets_of([("authorization", "Bearer sk-\udc80abcd/efgh")]))
    assert redactor.text(f"Say {form.decode('utf-8', 'surrogateescape')}.") == "Say REDACTED."
    assert redactor.data(b"Say %b." % form) == b"Say %b." % (b"*" * len(form))


@pytest.mark.parametrize("secrets", [("abcdefgh", "abcdefgh-ijkl"), ("abcdefgh-ijkl", "abcdefgh")])
def test_longest_of_further_secrets_is_masked_first(secrets: tuple[str, str]) -> None:
    redactor = Redactor(secrets[:1]).with_secrets(secrets[1:])
    assert redactor.text("a abcdefgh-ijkl b") == "a REDACTED b"
    assert redactor.data(b"a abcdefgh-ijkl b") == b"a ************* b"


@pytest.mark.parametrize("length", [0, 5, 20, 21, 3_000, 100_000])
@pytest.mark.parametrize("more", ["", "é", " sk-", "%"])
def test_beginning_of_a_text_is_as_of_the_whole_masked_text(length: int, more: str) -> None:
    redactor = Redactor((f"{OWN}-2", OWN))
    for before in range(25):
        text = f"{'ä' * before}{OWN}{'- * b' * length}{more}{KEY}"
        assert redactor.beginning(text, 20) == shortened(redactor.text(text), 20)


@pytest.mark.parametrize("at", [0, 10, 19, 20, 10_000, 20_000, 20_018, 20_025, 20_040])
@pytest.mark.parametrize(
    "secret", [KEY, "%6" + "my-" * 700, "my%2Down-key", f"bearer {KEY}", "eyJ" + "ab." * 3_000]
)
def test_secret_at_the_end_of_the_beginning_is_not_half_shown(at: int, secret: str) -> None:
    redactor = Redactor((OWN, "my-" * 700))
    shown = redactor.beginning(f"{'a ' * at}{secret}{'b ' * 50_000}", 20)
    expected = shortened(redactor.text(f"{'a ' * at}{secret}{'b ' * 50}"), 20)
    assert shown == expected


def test_beginning_of_many_secrets_shows_none() -> None:
    assert Redactor((OWN,)).beginning(OWN * 50_000, 20) == "REDACTED…"
    assert Redactor((OWN,)).beginning("%41" * 200_000, 20) == "%41%41%41%41%41%41%…"
    text = f"k-\udc80 {OWN} \ud800"
    assert Redactor((OWN,)).beginning(text * 9_000, 20) == "k-\udc80 REDACTED \ud800k-\udc80 R…"
    assert Redactor(("key-\udc80-abc",)).beginning("key-\udc80-abc, " * 9_000, 20) == "REDACTED, REDACTED,…"


def test_little_of_a_long_text_is_searched_for_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    """To search 20 MB held the server for a second."""
    lengths: list[int] = []

    def redacted(data: bytes) -> bytes:
        lengths.append(len(data))
        return data

    monkeypatch.setattr(redaction, "redact_bytes", redacted)
    assert Redactor((OWN,)).beginning("a" * 20_000_000, 20) == "a" * 19 + "…"
    assert sum(lengths) < 30_000


def test_redactor_shows_no_secret_in_a_traceback() -> None:
    assert repr(Redactor((OWN,))) == "Redactor(1 secrets)"


def test_key_is_masked_across_the_parts_it_was_sent_in() -> None:
    parts = [b"data: " + KEY[:10].encode(), KEY[10:].encode() + b"\n", b"", b"end"]
    shown = Redactor().parts(parts)
    assert [len(part) for part in shown] == [len(part) for part in parts]
    assert b"".join(shown) == b"data: " + b"*" * len(KEY) + b"\nend"
    assert Redactor().parts([]) == []


def test_body_is_shown_without_keys_and_with_all_else() -> None:
    body: Json = {"model": "m", "metadata": {"key": "color", "api_key": "x"}, "input": f"my key: {KEY}"}
    assert Redactor().json(body) == {
        "model": "m",
        "metadata": {"key": "color", "api_key": "REDACTED"},
        "input": "my key: REDACTED",
    }


def test_session_that_is_a_key_has_another_stable_id() -> None:
    shown = Redactor().session(KEY)
    assert shown == Redactor().session(KEY) != Redactor().session(KEY + "x")
    assert shown.startswith("REDACTED-")
    assert Redactor().session("worker-1") == "worker-1"
    assert Redactor((OWN,)).session(OWN).startswith("REDACTED-")


def test_client_key_is_a_hash_of_the_key_in_any_place() -> None:
    first = client_key_hash({"authorization": f"Bearer {KEY}"}, "/")
    assert first is not None
    assert KEY not in first
    assert client_key_hash({"x-api-key": KEY}, "/") == client_key_hash({}, f"/?key={KEY}") == first
    assert client_key_hash({"api-key": "other"}, "/") != first
    assert client_key_hash({"authorization": "Bearer "}, "/") is None
    assert client_key_hash({}, "/?key=") is client_key_hash({}, "/?a=b") is client_key_hash({}, "/") is None


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/v1/models?key=abc&page=1", "/v1/models?key=REDACTED&page=1"),
        ("/v1/models?auth=abc", "/v1/models?auth=REDACTED"),
        ("http://bob:abc@localhost/v1/models?token=abc", "http://REDACTED@localhost/v1/models?token=REDACTED"),
        ("http://bob:ab@c@localhost", "http://REDACTED@localhost"),
        ("http://localhost/@me?page=a@b", "http://localhost/@me?page=a@b"),
        ("/??key=abc", "/??key=REDACTED"),
        ("/@me", "/@me"),
        ("-", "-"),
    ],
)  # fmt: skip
def test_target_is_shown_without_credentials(target: str, shown: str) -> None:
    assert without_credentials(target) == Redactor().target(target) == shown


def test_target_is_shown_without_an_encoded_key() -> None:
    encoded = "".join(f"%{ord(char):02x}" for char in KEY)
    assert Redactor().target(f"/v1/{encoded}?a={encoded}&b=%20") == "/v1/REDACTED?a=REDACTED&b=%20"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("X-Custom", f"my {KEY}", "my REDACTED"),
        ("Sec-WebSocket-Protocol", f"realtime, insecure.{KEY}", "realtime, insecure.REDACTED"),
        ("Referer", "http://me:pw@x/?key=abc&page=1", "http://REDACTED@x/?key=REDACTED&page=1"),
        ("User-Agent", "OpenAI/Python 1.0", "OpenAI/Python 1.0"),
    ],
)
def test_header_is_shown_without_what_looks_like_a_key(name: str, value: str, shown: str) -> None:
    assert Redactor().header(name, value) == shown


@pytest.mark.parametrize("name", ["X-Auth", "Helicone-Auth", "x-portkey-api-key"])
def test_headers_of_other_gateways_are_shown_without_keys(name: str) -> None:
    assert shown_headers([(name, "Bearer abc"), ("x-b", "caf\udce9")]) == (
        (name, "Bearer REDACTED"),
        ("x-b", "caf\ufffd"),
    )


@pytest.mark.parametrize(
    ("text", "shown", "stored"),
    [
        ("at https://bob:pw@x/y", "at https://bob:REDACTED@x/y", "at https://bob@x/y"),
        (f"https://{KEY}@x/y", "https://REDACTED@x/y", "https://x/y"),
        (f"https://{'a' * 40}:x@x/y", "https://REDACTED@x/y", "https://x/y"),
        ("https://a@b.c:pw@x/y@v1", "https://a@b.c:REDACTED@x/y@v1", "https://a@b.c@x/y@v1"),
        ("https://:pw@x", "https://:REDACTED@x", "https://x"),
        ("ssh://git@x:22/y@v1", "ssh://git@x:22/y@v1", "ssh://git@x:22/y@v1"),
        ("at https://a:p/w?#@x/y@v1 z", "at https://a:REDACTED@v1 z", "at https://a@v1 z"),
        ("https://a:1/w@x/y", "https://a:1/w@x/y", "https://a:1/w@x/y"),
        ("https://x:80/y@v1 a@b", "https://x:80/y@v1 a@b", "https://x:80/y@v1 a@b"),
        ("git+https://[::1]/x@v1", "git+https://[::1]/x@v1", "git+https://[::1]/x@v1"),
        ("https://git@[::1]:8443/x@v1", "https://git@[::1]:8443/x@v1", "https://git@[::1]:8443/x@v1"),
        (
            "https://[fe80::1%25eth0]:80/x@v1",
            "https://[fe80::1%25eth0]:80/x@v1",
            "https://[fe80::1%25eth0]:80/x@v1",
        ),
        (
            "http://x:8080,http://y:9090/v1/a@b",
            "http://x:8080,http://y:9090/v1/a@b",
            "http://x:8080,http://y:9090/v1/a@b",
        ),
        ("(http://x:80)/a@b", "(http://x:80)/a@b", "(http://x:80)/a@b"),
        ("https://a:pw@[::1]:80/x@v1", "https://a:REDACTED@[::1]:80/x@v1", "https://a@[::1]:80/x@v1"),
        (f"https://{KEY}@[::1]:80/x@v1", "https://REDACTED@[::1]:80/x@v1", "https://[::1]:80/x@v1"),
        ("https://[a:p/w@x", "https://[a:REDACTED@x", "https://[a@x"),
    ],
)
def test_passwords_of_urls_are_masked(text: str, shown: str, stored: str) -> None:
    assert without_passwords(text) == shown
    assert without_password(text) == stored
