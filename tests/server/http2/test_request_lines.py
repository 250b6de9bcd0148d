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
        ([(b"host", b"a:1")], b"", None),
        (
            [(b"te", b"Trailers"), (b"x-!#$~", b"a\tb \xff"), (b"y", b"")],
            b"te: Trailers\r\nx-!#$~: a\tb \xff\r\ny: \r\n",
            None,
        ),
    ],
    ids=["none", "length", "repeated", "cookies", "host beside authority", "odd but legal"],
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
    fields = [(b":method", method), (b":scheme", b"http"), (b":authority", b"a"), (b":path", path)]
    assert request_lines(fields) is None


WRONG_FIELDS = [
    (b"X-Capital", b"1"), (b"", b"1"), (b"x y", b"1"), (b"x:y", b"1"), (b"x\xff", b"1"), (b"x\n", b"1"),
    (b"x", b"a\0b"), (b"x", b"a\rb"), (b"x", b"a\n"), (b"x", b" a"), (b"x", b"a\t"),
    (b"connection", b"close"), (b"transfer-encoding", b"chunked"), (b"upgrade", b"h2c"), (b"te", b"gzip"),
    (b"host", b"other"), (b":path", b"/twice"), (b":status", b"200"), (b":protocol", b"websocket"),
    (b"content-length", b"four"), (b"content-length", b"+4"), (b"content-length", b""),
    (b"content-length", b"4" * 21),
]  # fmt: skip


@pytest.mark.parametrize("field", WRONG_FIELDS, ids=repr)
def test_malformed_field_is_none(field: tuple[bytes, bytes]) -> None:
    assert request_lines([*PSEUDO, field]) is None


@pytest.mark.parametrize("first", [(b"x", b"1"), (b"cookie", b"a=1"), (b"host", b"a:1")], ids=repr)
def test_pseudo_field_behind_another_is_none(first: tuple[bytes, bytes]) -> None:
    assert request_lines([*PSEUDO[:3], first, PSEUDO[3]]) is None


@pytest.mark.parametrize("missing", range(4))
def test_head_without_a_pseudo_field_is_none(missing: int) -> None:
    assert request_lines([field for number, field in enumerate(PSEUDO) if number != missing]) is None


def test_head_with_two_different_lengths_is_none() -> None:
    assert request_lines([*PSEUDO, (b"content-length", b"4"), (b"content-length", b"5")]) is None


def test_head_with_two_hosts_is_none() -> None:
    assert request_lines([*PSEUDO, (b"host", b"a:1"), (b"host", b"a:1")]) is None


@pytest.mark.parametrize("field", [(b":scheme", b"https"), (b":path", b"/")])
def test_connect_with_scheme_or_path_is_none(field: tuple[bytes, bytes]) -> None:
    assert request_lines([(b":method", b"CONNECT"), (b":authority", b"a:443"), field]) is None
