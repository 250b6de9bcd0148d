"""The bytes of responses, in any parts."""

from __future__ import annotations

import pytest

from mockllm.server.http2.response_reader import MalformedResponse, ResponseFields, ResponseReader

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
FIELDS = [(b":status", b"200"), (b"content-type", b"text/plain")]
SIZED = HEAD + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nx-trailer: 1\r\n\r\n"
OPEN = HEAD + b"Connection: close\r\n\r\nhello"


def read(
    data: bytes, size: int, *, head_only: bool = False
) -> tuple[list[ResponseFields], bytes, ResponseReader]:
    """Heads and body of what comes in parts of this size."""
    reader = ResponseReader(head_only)
    parts = [part for start in range(0, len(data), size) for part in reader.feed(data[start : start + size])]
    heads = [part for part in parts if isinstance(part, ResponseFields)]
    return heads, b"".join(part for part in parts if isinstance(part, bytes)), reader


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize(
    ("data", "more", "complete"),
    [(SIZED, [(b"content-length", b"5")], True), (CHUNKED, [], True), (OPEN, [], False)],
    ids=["sized", "chunked", "open"],
)
def test_response_is_read_in_any_parts(
    data: bytes, more: list[tuple[bytes, bytes]], complete: bool, size: int
) -> None:
    heads, body, reader = read(data, size)
    assert heads == [ResponseFields(FIELDS + more, False)]
    assert (body, reader.complete) == (b"hello", complete)
    reader.close()
    assert reader.complete


@pytest.mark.parametrize(
    ("data", "head_only"),
    [
        (SIZED[:-5], True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", False),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", False),
    ],
    ids=["HEAD", "204", "304", "empty"],
)
def test_response_without_body_is_complete_with_its_head(data: bytes, head_only: bool) -> None:
    assert read(data, 1000, head_only=head_only)[2].complete


def test_informational_head_comes_before_the_final_one() -> None:
    heads, body, reader = read(b"HTTP/1.1 100 Continue\r\n\r\n" + SIZED, 1000)
    assert [(dict(head.fields)[b":status"], head.informational) for head in heads] == [
        (b"100", True),
        (b"200", False),
    ]
    assert (body, reader.complete) == (b"hello", True)


def test_cut_response_is_not_complete() -> None:
    for data in (SIZED[:-1], CHUNKED[:-4], HEAD):
        reader = read(data, 1000)[2]
        reader.close()
        assert not reader.complete


def test_bytes_behind_a_wrong_length_belong_to_the_body() -> None:
    _, body, reader = read(SIZED.replace(b"Length: 5", b"Length: 2"), 1000)
    assert (body, reader.complete) == (b"hello", True)


def test_length_that_is_none_does_not_count() -> None:
    heads, body, _ = read(SIZED.replace(b"Length: 5", b"Length: five"), 1000)
    assert ((b"content-length", b"five") in heads[0].fields, body) == (True, b"hello")


@pytest.mark.parametrize(
    "chunks",
    [b"no size\r\n", b"-1\r\n", b"1" * 30, b"2\r\nhello\r\n"],
    ids=["word", "minus", "long", "longer"],
)
def test_broken_chunks_are_malformed(chunks: bytes) -> None:
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    with pytest.raises(MalformedResponse) as caught:
        read(head + b"3\r\none\r\n" + chunks, 1000)
    assert caught.value.before[:2] == [ResponseFields(FIELDS, False), b"one"]


def test_line_without_colon_is_a_field_without_value() -> None:
    heads, _, _ = read(b"HTTP/1.1 200 OK\r\nNo Header\r\n\r\n", 1000)
    assert heads[0].fields == [(b":status", b"200"), (b"no header", b"")]
