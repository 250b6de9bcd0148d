"""Heads of requests: from fields to lines."""

from __future__ import annotations

import pytest

from mockllm.server.http2.request_lines import RequestLines, request_lines

PSEUDO = [(b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"a:1"), (b":path", b"/x?y=1")]
START = b"POST /x?y=1 HTTP/1.1\r\nhost: a:1\r\n"


@pytest.mark.parametrize(
    ("fields", "lines", "length"),
    [
        ([], b"", None),
        ([(b"content-length", b"2")], b"content-length: 2\r\n", 2),
        ([(b"x", b"1"), (b"x", b"2")], b"x: 1\r\nx: 2\r\n", None),
        ([(b"cookie", b"a=1"), (b"x", b"1"), (b"cookie", b"b=2")], b"x: 1\r\ncookie: a=1; b=2\r\n", None),
        ([(b"host", b"other")], b"", None),
    ],
    ids=["none", "length", "repeated", "cookies", "host beside authority"],
)
def test_fields_become_lines(fields: list[tuple[bytes, bytes]], lines: bytes, length: int | None) -> None:
    assert request_lines([*PSEUDO, *fields]) == RequestLines(START + lines, b"POST", length)


def test_host_replaces_a_missing_authority() -> None:
    fields = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"), (b"host", b"a")]
    assert request_lines(fields) == RequestLines(b"GET / HTTP/1.1\r\nhost: a\r\n", b"GET", None)


def test_connect_has_its_authority_as_target() -> None:
    lines = request_lines([(b":method", b"CONNECT"), (b":authority", b"a:443")])
    assert lines is not None
    assert lines.head.startswith(b"CONNECT a:443 HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("method", "path"),
    [(b"GET", b"/a b"), (b"GET /x", b"/"), (b"", b"/"), (b"GET", b"/\r\nx: y"), (b"GET", b"")],
)
def test_line_that_would_split_is_none(method: bytes, path: bytes) -> None:
    assert request_lines([(b":method", method), (b":scheme", b"http"), (b":path", path)]) is None
