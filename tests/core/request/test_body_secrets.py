"""The secrets of bodies: of forms, of multipart fields, and of the URLs in them."""

from __future__ import annotations

import time
from urllib.parse import unquote_plus

import pytest

from mockllm.core.redaction import Redactor
from mockllm.core.request import body_secrets as module
from mockllm.core.request.body_secrets import MAX_FORM_FIELDS, MAX_FORM_SECRETS, body_secrets

FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=XX"
KEY = "zq81hv93kd02nf64"


def multipart(*fields: tuple[str, str]) -> bytes:
    parts = [f"--XX\r\nContent-Disposition: form-data; {name}\r\n\r\n{value}\r\n" for name, value in fields]
    return ("".join(parts) + "--XX--\r\n").encode()


def shown(content_type: str, raw: bytes) -> bytes:
    masked = Redactor(body_secrets(content_type, raw)).data(raw)
    assert len(masked) == len(raw)
    return masked


@pytest.mark.parametrize(
    "name",
    ["api_key", "password", "client_secret", "clientSecret", "token", "key", "a[api_key]", "api%5Fkey"],
)
@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=utf-8", ""])
def test_secret_of_a_form_is_masked(name: str, content_type: str) -> None:
    raw = f"grant_type=x&{name}={KEY}&model=m".encode()
    assert shown(content_type, raw) == raw.replace(KEY.encode(), b"*" * len(KEY))


@pytest.mark.parametrize(
    ("raw", "hidden"),
    [
        (b"file_url=https%3A%2F%2Fuser%3Ahunter2LONGPW%40x%2Fa.wav", b"hunter2LONGPW"),
        (b"file_url=https%3a%2f%2fuser%3ahunter2%2CLONGPW%40x%2fa.wav", b"hunter2%2CLONGPW"),
        (b"file_url=https%3A%2F%2Fuser%3Apw1%40x%2Fa.wav", b"pw1"),
        (b"file_url=https%3A%2F%2Fx%2Fa%3Fkey%3Dzq81hv93kd02nf64", b"zq81hv93kd02nf64"),
        (b"file_url=https%3A%2F%2Fx%2Fa%3Fkey%3Dplain", b"plain"),
        (b"file_url=https://x/a?key=zq81hv93kd02nf64", b"zq81hv93kd02nf64"),
        (b"a=b&password=correct+horse%20battery", b"correct+horse%20battery"),
        (b"a=b&password=%E9%E8%2Babcdefgh", b"%E9%E8%2Babcdefgh"),
        (b"a=b&password=pw", b"password=pw"),
        (b"a=%7B%22api_key%22%3A%22zq81hv93kd02nf64%22%7D", b"zq81hv93kd02nf64"),
        (
            b"a=%7B%22b%22%3A%5B%7B%22password%22%3A%22pw1%22%7D%5D%7D",
            b"%7B%22b%22%3A%5B%7B%22password%22%3A%22pw1%22%7D%5D%7D",
        ),
        (b"{\"a\": \"see https%3A%2F%2Fuser%3AhunterTWO9%40x%2Fa\"}", b"hunterTWO9"),
        (b"{\"a\": \"see https%3a//user%3AhunterTWO9%40x%2Fa\"}", b"hunterTWO9"),
        (b"{\"a\": \"https%3A%2F%2Fx%2Fa%3Fkey%3Dzq81hv93kd02nf64\"}", b"zq81hv93kd02nf64"),
    ],
)  # fmt: skip
def test_secret_in_a_form_is_masked_as_it_is_written(raw: bytes, hidden: bytes) -> None:
    masked = shown(FORM, raw)
    assert hidden not in masked
    assert masked.startswith(raw[:2])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ('name="api_key"', KEY),
        ("name=api_key", KEY),
        ('name="password"', "pw17"),
        ('name="password"', "correct horse battery"),
        ('name="metadata"', f'{{"api_key":"{KEY}"}}'),
        ('name="file_url"', f"https://x/a?key={KEY}"),
    ],
)
def test_secret_in_a_multipart_field_is_masked(name: str, value: str) -> None:
    raw = multipart(('name="model"', "whisper-1"), (name, value), ('name="file"; filename="a"', "sound"))
    masked = shown(PARTS, raw)
    assert (KEY if KEY in value else value).encode() not in masked
    assert b"whisper-1" in masked
    assert b"sound" in masked


@pytest.mark.parametrize("raw", [b"model=m&prompt=a+b%2C&max_tokens=5&key=", b"a=%7Bno+JSON", b"a", b""])
def test_form_without_secrets_stays(raw: bytes) -> None:
    assert shown(FORM, raw) == raw


def test_multipart_without_secrets_stays() -> None:
    raw = multipart(
        ('name="model"', "m"), ('name="password"', ""), ('name="x"; filename="key"', "password=abcdefghij")
    )
    assert shown(PARTS, raw) == raw
    assert body_secrets(PARTS, b"--XX\r\nno head") == body_secrets("multipart/form-data", raw) == ()
    assert body_secrets("text/plain", b"the password = abcdefghij") == ()


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("%3A%2F%2Fuser%3Apw1%40x", "%3A%2F%2Fuser%3Apw1%40"),
        ("https%3A%2F%2Fuser%3Along-word%40x", "long-word"),
        ("50%, and https%3A%2F%2Fx", None),
        ("https%3A%2F%2Fx%3F%2Bkey%3D%2540%22", "%3F%2Bkey%3D%2540"),
        ("https%3A%2F%2Fx%3Fa%3D1%3Bkey%3Dword", "%3Bkey%3Dword"),
    ],
)
def test_encoded_url_of_json_has_no_password(text: str, hidden: str | None) -> None:
    raw = b'{"messages":[{"content":"%s","more":["5%%"]}]}' % text.encode()
    expected = raw if hidden is None else raw.replace(hidden.encode(), b"*" * len(hidden))
    assert shown("application/json", raw) == expected


def test_short_secret_of_json_in_a_form_hides_its_field() -> None:
    raw = multipart(
        ('name="model"', "m"), ('name="metadata"', '[{"a":["b"],"password":"pw1"}, {"password":""}]')
    )
    assert b"pw1" not in shown(PARTS, raw)
    plain = multipart(('name="metadata"', '[{"a":["b"],"password":""}]'))
    assert shown(PARTS, plain) == plain


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (f"see https://x/a?key={KEY}, and", KEY),
        (f"see <https://x/a?b=c&token={KEY}>", KEY),
        (f"see https:\\/\\/x/a?key={KEY}", KEY),
        ("see https://x/a?key=plain.", "?key=plain"),
    ],
)
def test_key_in_a_url_of_json_is_masked(text: str, hidden: str) -> None:
    raw = b'{"messages":[{"content":"%s"}]}' % text.encode()
    assert shown("application/json", raw) == raw.replace(hidden.encode(), b"*" * len(hidden))


@pytest.mark.parametrize(
    "text", ["what is a?key=0123456789abcdefgh", "https://x/a?page=0123456789abcdefgh", "https://x/a?key="]
)
def test_other_texts_of_json_stay(text: str) -> None:
    assert body_secrets("application/json", b'["%s", 3, null]' % text.encode()) == ()


@pytest.mark.parametrize(
    ("content_type", "raw"),
    [
        (FORM, b"a=b&" * (MAX_FORM_FIELDS + 1)),
        (FORM, b"&".join(b"key=secret-%05d" % number for number in range(MAX_FORM_SECRETS + 1))),
        (FORM, b"a=" + b"%41" * 200_000),
        (PARTS, b"--XX\r\n" * (MAX_FORM_FIELDS + 1)),
    ],
    ids=["fields", "secrets", "escapes", "parts"],
)
def test_form_beyond_the_bounds_is_hidden(content_type: str, raw: bytes) -> None:
    assert shown(content_type, raw) == b"*" * len(raw)


def test_form_with_a_long_search_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockllm.core.request.body_secrets.MAX_WORK", 100)
    raw = b"key=zq81hv93kd02nf64&x=" + b"y" * 50
    assert shown(FORM, raw) == b"*" * len(raw)


@pytest.mark.parametrize(
    ("content_type", "raw"),
    [
        (FORM, b"a=" + b"https://u:" * 300_000),
        (FORM, b"a=" + b"https://u?key=" * 300_000),
        (FORM, b"=" * 3_000_000),
        (FORM, b"a=https://u?key=" + b")" * 1_000_000 + b"x"),
        (FORM, b"a=https://u?" + b"&-" * 1_000_000),
        ("", b"a" * 3_000_000),
        (PARTS, b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"://u:" * 600_000),
        (PARTS, b"--XX\r\n" + b";name=" * 500_000),
        (PARTS, (b"--XX\r\n" + b" " * 300) * 9_000 + b"\r\n\r\n"),
    ],
    ids=["users", "queries", "equals", "punctuation", "marks", "letters", "multipart", "names", "heads"],
)  # fmt: skip
def test_long_forms_take_linear_time(content_type: str, raw: bytes) -> None:
    start = time.perf_counter()
    body_secrets(content_type, raw)
    assert time.perf_counter() - start < 5


def test_only_secrets_of_a_long_text_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """To decode all escapes of a text of 18 MB held the server for four seconds."""
    lengths: list[int] = []

    def decoded(text: str, **more: str) -> str:
        lengths.append(len(text))
        return unquote_plus(text, **more)

    monkeypatch.setattr(module, "unquote_plus", decoded)
    url = "https%3a%2F%2Fuser%3Along-w%C3%B6rd%40x%2Fa%3Fkey%3Dw%C3%B6rt"
    raw = b'{"a":"%s+%s"}' % (url.encode(), b"%C3%A4" * 5_000)
    hidden = raw.replace(b"long-w%C3%B6rd", b"*" * 14).replace(b"%3Fkey%3Dw%C3%B6rt", b"*" * 18)
    assert shown("application/json", raw) == hidden
    assert sum(lengths) < 500


JSON = "application/json"


@pytest.mark.parametrize("content_type", [JSON, "", FORM])
@pytest.mark.parametrize(
    ("raw", "hidden"),
    [
        ('{"model":"m","api_key":"%s","m":[{"x":', KEY),
        ('\ufeff{"api_key":"%s"}', KEY),
        ('\ufeff{"a":{"headers":{"Cookie":"a=b; sid=%s"}}}', KEY),
        ('\ufeff {"api_key": "%s", "x', KEY),
        ('{"a":{"api_key":"%s"}}\n{"b":1}\n', KEY),
        ('[{"b=c":1},\n{"client_secret" : "%s"},]', KEY),
        ('{"m":1,"password":"%s', "hunter2"),
        ('{"m":1,"password":"%s\\', "hunter2 hunter2"),
        ('{"m":1,"password":"%s",}', "hunter2"),
        ('{"m":1,"arguments":"{\\"api_key\\": \\"%s\\"}', KEY),
        ('{"m":1,"arguments":"{\\"api_key\\": \\"%s\\", ', KEY),
        ('{"m":1,"Authorization":"Bearer %s",}', "my-own-key"),
        ('{"m":1,"\\u0070assword":"%s",}', "my-own-key"),
        ('{"m":1,"p\\xassword":"","password":"%s","m":"\\x"}', "my-own-key"),
        ('{"m":["see https://x/a?b=c&key=%s"', KEY),
        ('{"m":["{\\"api_key\\": \\"%s\\"}"', KEY),
        ('{"m":["{\\"api_key\\": \\"%s\\"', KEY),
        ('{"m":["see https:\\/\\/x/a?key=%s", 1, "and', KEY),
    ],
)
def test_secret_of_broken_json_is_masked(content_type: str, raw: str, hidden: str) -> None:
    masked = shown(content_type, (raw % hidden).encode())
    assert hidden.encode() not in masked
    assert masked.startswith(raw[:4].encode())


@pytest.mark.parametrize("escape", ["\\u0065", "e"])
def test_secret_of_broken_json_is_masked_elsewhere(escape: str) -> None:
    raw = f'{{"password":"my-own-k{escape}y","m":"Is it my-own-key?"'.encode()
    assert b"-own-" not in shown(JSON, raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"m":"my-own-key","token":"word',
        b'{"password":"',
        b'["password","my-own-key",',
        b"{",
        b'{"a":"\\',
        b"\xef\xbb\xbf",
    ],
)
def test_broken_json_without_secrets_stays(raw: bytes) -> None:
    assert shown(JSON, raw) == raw


def test_broken_json_with_many_secrets_is_hidden() -> None:
    raw = b'[{"key":1}, ' + b", ".join(
        b'{"password":"secret-%05d"}' % number for number in range(MAX_FORM_SECRETS + 1)
    )
    assert shown(JSON, raw) == b"*" * len(raw)


def test_json_file_of_a_form_has_no_secret() -> None:
    lines = f'{{"body":{{"tools":[{{"api_key":"{KEY}"}}]}}}}\n{{"body":{{"password":"pw1"}}}}\n'
    raw = multipart(('name="purpose"', "batch"), ('name="file"; filename="a.jsonl"', lines))
    masked = shown(PARTS, raw)
    assert KEY.encode() not in masked
    assert b"pw1" not in masked
    assert b"a.jsonl" in masked
    assert b"tools" in masked


def test_long_json_file_of_a_form_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = multipart(('name="file"; filename="a.jsonl"', f'{{"api_key":"{KEY}"}}'))
    assert KEY.encode() not in shown(PARTS, raw)
    monkeypatch.setattr("mockllm.core.request.body_secrets.MAX_JSON_FILE", 10)
    assert shown(PARTS, raw) == raw


@pytest.mark.parametrize(
    "raw",
    [
        b'{"' + b'\\"' * 1_500_000,
        b'{"' + b"\\" * 3_000_001,
        b"{" + b'"a":' * 700_000,
        b"{" + b'"a"' + b" " * 3_000_000,
        b"{" + (b'"a"' + b" " * 300) * 9_000,
        b"{" + b'"a":"https://?",' * 200_000,
        b'{"a":"' + b'[\\"' * 700_000,
        b"{" + b'"a":"{",' * 300_000,
    ],
    ids=["quotes", "backslashes", "names", "blanks", "many blanks", "URLs", "nested", "texts"],
)
@pytest.mark.timeout(60)  # a step for each pair of characters takes hours
def test_long_broken_json_is_read_once(raw: bytes) -> None:
    body_secrets(JSON, raw)
