"""Where requests begin and end, for any division of their bytes into reads."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import accumulate, pairwise

from aiohttp.streams import StreamReader
from hypothesis import given
from hypothesis import strategies as st

from mockllm.server.aiohttp_internals import HttpProtocol
from mockllm.server.parse_position import ParsePosition
from mockllm.server.server_limits import ServerLimits
from tests.server.raw_client import request

REQUESTS = (
    request(path="/a"),
    request("POST", "/b", b"{}"),
    request("POST", "/c", b"\r\n\r\n"),
    request("POST", "/d", b"GET / HTTP/1.1\r\n\r\n12"),
    request("POST", "/e", Content_Length="0"),
    request("POST", "/f", b"2\r\n{}\r\n0\r\n\r\n", Transfer_Encoding="chunked"),
    request("POST", "/g", b"5\r\n\r\n\r\n1\r\n0\r\n\r\n", Transfer_Encoding="chunked"),
)

LOOP = asyncio.new_event_loop()
"""It never runs."""
LOOP.close()


class Reads(HttpProtocol):
    """Reads that are divided, parsed and followed as a connection does."""

    def __init__(self) -> None:
        super().__init__(LOOP, ServerLimits())
        self.boundary = ParsePosition()
        self.body: StreamReader | None = None
        self.paths: list[str] = []

    def read(self, data: bytes) -> None:
        start = 0
        while start < len(data):
            end = self.boundary.end(data, start)
            requests = self.feed_parser(data[start:end])
            message = None
            if requests:
                ((message, self.body),) = requests
                self.paths.append(message.path)
            chunked = self.boundary.http_chunked
            self.boundary.advance(data[start:end], message, self.body)
            if chunked and not self.boundary.http_chunked:
                self.renew_parser(ServerLimits())
            start = end


@given(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=4), st.lists(st.integers(1, 400), max_size=6))
def test_boundary_is_exact_for_any_division_into_reads(
    requests: Sequence[bytes], cuts: Sequence[int]
) -> None:
    """Except for what follows a body in chunks in the same read: a connection ends there."""
    data, ends = b"".join(requests), list(accumulate(map(len, requests)))
    after_chunks = [end for end, each in zip(ends, requests, strict=True) if b"chunked" in each]
    reads = Reads()
    for start, end in pairwise(
        sorted({0, len(data), *after_chunks, *(cut for cut in cuts if cut < len(data))})
    ):
        reads.read(data[start:end])
        assert reads.boundary.at_start is (end in ends)
        assert not (reads.boundary.at_start and reads.boundary.in_head)
    assert reads.paths == [each.split(b" ")[1].decode() for each in requests]


def test_empty_lines_before_a_request_begin_no_head() -> None:
    reads = Reads()
    for data in (b"\r\n", b"\r\n\r\n", b"\r", b"\n"):
        reads.read(data)
        assert (reads.boundary.at_start, reads.boundary.in_head) == (True, False)
    reads.read(b"GET")
    assert (reads.boundary.at_start, reads.boundary.in_head) == (False, True)
