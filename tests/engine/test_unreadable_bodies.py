"""Why bytes are no JSON."""

from __future__ import annotations

import pytest

from mockllm.engine.invalid_note import unreadable_reason


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a": 1}', None),
        (b"{'a': 1}", "not JSON, line 1 column 2: unexpected character, expected a string key"),
        (b'{"a": 1,}', "not JSON, line 1 column 8: trailing comma is not allowed"),
        (b'{"a":\n  1]', "not JSON, line 2 column 4: unexpected character, expected ',' or '}'"),
        (b'{"a": NaN}', "not JSON, line 1 column 7: NaN is not a JSON value"),
        (b'{"a": -Infinity}', "not JSON, line 1 column 8: Infinity is not a JSON value"),
        (b"\xef\xbb\xbf{}", "not JSON, line 1 column 1: UTF-8 byte order mark (BOM) is not supported"),
        (b'{"a": "\\ud800"}', "not JSON, line 1 column 8: no low surrogate in string"),
        (b'{"a":\n "\xc3\xa9\xff"}', "not JSON, line 2 column 4: the byte 0xff is not UTF-8"),
        (b"[" * 300 + b"]" * 300, "not JSON, line 1 column 1: nested deeper than 200 levels"),
        (b"", "not JSON, line 1 column 1: Input is a zero-length, empty document"),
    ],
)
def test_reason_has_the_place(raw: bytes, reason: str | None) -> None:
    assert unreadable_reason(raw) == reason
