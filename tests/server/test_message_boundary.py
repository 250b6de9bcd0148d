"""Where requests begin and end, for any division of their bytes into reads."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import accumulate, pairwise

from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from hypothesis import given
from hypothesis import strategies as st

from mockllm.server.aiohttp_internals import HttpProtocol
from mockllm.server.message_boundary import MessageBoundary
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
    """Reads that are parsed and followed as a connection does."""

    def __init__(self) -> None:
        super().__init__(LOOP, ServerLimits())
        self.boundary = MessageBoundary()
        self.body: StreamReader | None = None

    def read(self, data: bytes) -> None:
        requests: Sequence[tuple[RawRequestMessage, StreamReader]] = self.parse(data)
        message = None
        if requests:
            message, self.body = requests[-1]
        self.boundary.follow(data, message, self.body, single=len(requests) == 1)


@given(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=4), st.lists(st.integers(1, 400), max_size=6))
def test_boundary_is_never_at_start_within_a_request(requests: Sequence[bytes], cuts: Sequence[int]) -> None:
    data, ends = b"".join(requests), set(accumulate(map(len, requests)))
    reads = Reads()
    for start, end in pairwise(sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})):
        reads.read(data[start:end])
        if reads.boundary.at_start:
            assert end in ends
        if reads.boundary.in_head:
            assert end not in ends


@given(st.sampled_from(REQUESTS), st.integers(1, 60))
def test_boundary_is_known_again_after_next_request(first: bytes, cut: int) -> None:
    for rest in REQUESTS[:5]:
        reads = Reads()
        for data in (first[:cut], first[cut:], rest):
            if data:
                reads.read(data)
        assert reads.boundary.at_start
        assert not reads.boundary.in_head
