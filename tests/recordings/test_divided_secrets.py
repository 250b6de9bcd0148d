"""Keys that several events, or items of an array, divide."""

from __future__ import annotations

import json
from unittest.mock import Mock

import pytest

from mockllm.core.json.codec import loads
from mockllm.core.redaction import Redactor
from mockllm.recordings import divided_secrets
from mockllm.recordings.divided_secrets import without_divided_secrets
from tests.language.virtual_server import cases
from tests.recordings.divided_bodies import array, stream


@cases(
    "texts",
    [
        ("two events", ["The key sk-proj-abcdef", "ghijkl123456, keep it"]),
        ("many events", ["k: ", "sk", "-", "a", "content", "b", "1", "234567890", "12345", " end"]),
        ("letters with escapes", ['Der Schl\u00fcssel:\n"sk-proj-abc', 'def1234567" g\u00fcltig']),
        ("keys of Google", ["AIza", "SyA1234567890", "abcdefghijklmnopq"]),
    ],
)
def test_key_that_events_divide_is_masked(texts: list[str]) -> None:
    body = stream(*texts)
    clean = without_divided_secrets(body, Redactor())
    assert len(clean) == len(body)
    events = [json.loads(line[5:]) for line in clean.split(b"\n\n") if line]
    text = "".join(event["choices"][0]["delta"]["content"] for event in events)
    assert text == Redactor().data("".join(texts).encode()).decode()
    assert "*" * 12 in text


def test_equal_parts_of_two_keys_have_all_their_asterisks() -> None:
    both = "123456 xyz AIzaSyA12345"
    events = [
        {"a": "sk-proj-abcdef", "b": "ghi"},
        {"a": both, "b": both},
        {"a": "!", "b": "67890abcdefghijk"},
    ]
    body = b"\n".join(b"data: " + json.dumps(event).encode() for event in events)
    last = without_divided_secrets(body, Redactor()).split(b"\n")[1]
    assert last == b'data: {"a": "****** xyz ************", "b": "****** xyz ************"}'


def test_each_text_of_an_event_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    decode = Mock(side_effect=loads)
    monkeypatch.setattr(divided_secrets, "loads", decode)
    counts = []
    for members in (20, 40):
        first = {f"m{number}": "sk-proj-abcdef" for number in range(members)}
        last = {f"m{number}": f"ghijkl12345{number}" for number in range(members)}
        body = b"\n".join(b"data: " + json.dumps(event).encode() for event in (first, last))
        decode.reset_mock()
        assert b"ghi" not in without_divided_secrets(body, Redactor())
        counts.append(decode.call_count)
    assert counts[1] <= 2.1 * counts[0]


DEEP = (
    b'data: {"a":'
    + b"[" * 5000
    + b"]" * 5000
    + b"}\n\n"
    + b'data: {"a":'
    + b"[" * 900
    + b"]" * 900
    + b"}\n\n"
)


def test_stream_without_a_key_is_unchanged() -> None:
    for body in (
        stream("sk-", "is short"),
        stream("One", "two"),
        b"data: [DONE]\n\n",
        b"\xff\x00data: {",
        b"",
        DEEP,
    ):
        assert without_divided_secrets(body, Redactor()) == body


@cases(
    "texts, change",
    [
        ("two items", ["The key sk-proj-abcdef", "ghijkl123456, keep it"], (b"", b"")),
        ("many items", ["k: ", "sk", "-", "a", "text", "b", "1", "234567890", "12345", " end"], (b"", b"")),
        ("escapes of Google", ["key=<sk-proj-abc", "def1234567>"], (b"=<", rb"\u003d\u003c")),
        (
            "letters of several bytes",
            ["M\u00fcller: sk-proj-abc", "def1234567"],
            (rb"\u00fc", "\u00fc".encode()),
        ),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("end", [b"\n]\n", b'\n,\r\n{\n  "candidates": [', b""])
def test_key_that_items_of_array_divide_is_masked(
    texts: list[str], change: tuple[bytes, bytes], indent: int | None, end: bytes
) -> None:
    items = array(*texts, indent=indent).removesuffix(b"\n]\n").replace(*change)
    clean = without_divided_secrets(items + end, Redactor())
    assert len(clean) == len(items + end)
    found = json.loads(clean[: len(items)] + b"]")
    text = "".join(item["candidates"][0]["content"]["parts"][0]["text"] for item in found)
    assert text == Redactor().data("".join(texts).encode()).decode()
    assert "*" * 12 in text


def test_private_text_of_several_bytes_in_escapes_has_its_length() -> None:
    body = stream("by M", "\u00fcller", "!")
    for each in (body, body.replace(rb"\u00fc", "\u00fc".encode())):
        clean = without_divided_secrets(each, Redactor(("M\u00fcller",)))
        assert len(clean) == len(each)
        assert b"ller" not in clean


def test_pair_of_surrogates_beside_a_divided_key_stays() -> None:
    body = array("key \U0001f600 sk-proj-abc", "def1234567 \U0001f600")
    assert body.count(rb"\ud83d\ude00") == 2
    clean = without_divided_secrets(body, Redactor())
    assert (len(clean), clean.count(rb"\ud83d\ude00")) == (len(body), 2)
    assert b"def1" not in clean


@cases(
    "body",
    [
        ("a null between", b'[{"a":"sk-proj-abcdef"},null,"{",{"a":"ghijkl123456"}]'),
        ("a null before", b" \n" * 40 + b'[null, -1.5, {"a":"sk-proj-abcdef"},{"a":"ghijkl123456"}]'),
        ("nested arrays", b'[[{"a":"sk-proj-abcdef"}],[{"a":"ghijkl123456"}],[{"a'),
        ("an array a line", b'[{"a":"sk-proj-abcdef"}]\n[{"a":"ghijkl123456"}]\n'),
        ("lines behind", b'[{"a": 1}] ]{\ndata: {"a":"sk-proj-abcdef"}\ndata: {"a":"ghijkl123456"}\n'),
        ("a mark before", b'[DONE] "\ndata: {"a":"sk-proj-abcdef"}\ndata: {"a":"ghijkl123456"}\n'),
    ],
)
def test_key_that_other_arrays_divide_is_masked(body: bytes) -> None:
    clean = without_divided_secrets(body, Redactor())
    assert clean == body.replace(b"sk-proj-abcdef", b"*" * 14).replace(b"ghijkl123456", b"*" * 12)


def test_array_without_a_key_is_unchanged() -> None:
    for body in (
        array("sk-", "is short"),
        b"[",
        b"[1, 2]",
        b"[" * 5000,
        b'[{"a": "\xff"}]',
        b"[{}, ] {",
        b"[{},{}]",
        b'["{' * 5000,
        b"[1," * 500_000,
        b'["",' * 500_000 + b"{}",
    ):
        assert without_divided_secrets(body, Redactor()) == body
