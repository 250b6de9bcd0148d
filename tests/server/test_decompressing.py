"""The work to decompress a request body is in proportion to its size, and the event loop runs meanwhile."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from typing import Any

import pytest

from mockllm.core.failure import Failure
from mockllm.server import request_body as module
from mockllm.server.request_body import MAX_MEMBERS, decompressed_body

EMPTY = gzip.compress(b"", mtime=0)
HELLO = gzip.compress(b"hello", mtime=0)
BOUND = 10_000_000


def decompress(raw: bytes, encoding: str = "gzip", bound: int = BOUND) -> bytes:
    body = asyncio.run(decompressed_body(raw, encoding, bound))
    assert isinstance(body, bytes)
    return body


def failure_of(raw: bytes, bound: int = BOUND) -> Failure:
    failure = asyncio.run(decompressed_body(raw, "gzip", bound))
    assert isinstance(failure, Failure)
    return failure


class CountingEngine:
    """A decompressor that counts the bytes that it gets, and those that it leaves."""

    def __init__(self, wbits: int, counted: list[int]) -> None:
        self._engine = zlib.decompressobj(wbits)
        self._counted = counted

    def decompress(self, data: Any, most: int) -> bytes:
        data_out = self._engine.decompress(data, most)
        self._counted.append(len(data) + len(self.unused_data) + len(self.unconsumed_tail))
        return data_out

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    found: list[int] = []

    class CountingZlib:
        MAX_WBITS, error = zlib.MAX_WBITS, zlib.error

        @staticmethod
        def decompressobj(wbits: int) -> CountingEngine:
            return CountingEngine(wbits, found)

    monkeypatch.setattr(module, "zlib", CountingZlib)
    return found


def test_decompressed_many_members_work_is_linear(counted: list[int]) -> None:
    works = []
    for count in (1000, 2000, 4000):
        counted.clear()
        assert decompress(EMPTY * count + HELLO) == b"hello"
        works.append(sum(counted))
    assert works[1] <= 2.1 * works[0]
    assert works[2] <= 2.1 * works[1]
    assert max(counted) <= 2 * module.FIRST_SLICE


def test_decompressed_one_large_member_work_is_linear(counted: list[int]) -> None:
    sent = bytes(range(256)) * 4096
    packed = gzip.compress(sent, 0, mtime=0)
    assert decompress(packed) == sent
    assert sum(counted) <= 3 * len(packed)


@pytest.mark.parametrize(
    "raw", [EMPTY * 5000 + HELLO, gzip.compress(b"\0" * 9_000_000, mtime=0)], ids=["members", "bytes"]
)
def test_decompressed_much_work_yields_to_the_loop(raw: bytes) -> None:
    async def turns() -> int:
        task = asyncio.ensure_future(decompressed_body(raw, "gzip", BOUND))
        count = 0
        while not task.done():
            await asyncio.sleep(0)
            count += 1
        await task
        return count

    assert asyncio.run(turns()) >= 8


def test_decompressed_members_up_to_the_limit_are_taken() -> None:
    assert decompress(EMPTY * (MAX_MEMBERS - 1) + HELLO) == b"hello"


def test_decompressed_more_members_is_a_400_with_the_limit() -> None:
    failure = failure_of(EMPTY * MAX_MEMBERS + HELLO)
    assert failure.status == 400
    assert "10,000 members" in (failure.message or "")


@pytest.mark.parametrize("size", [1, 3, 1000, 1024, 100_000, 3_000_000])
def test_decompressed_members_of_any_size_are_joined(size: int) -> None:
    one, other = bytes(range(256)) * (size // 256 + 1), b"\xff" * size
    packed = gzip.compress(one[:size], 0, mtime=0) + gzip.compress(other, mtime=0) + HELLO
    assert decompress(packed) == one[:size] + other + b"hello"


@pytest.mark.parametrize("behind", [b"\0", b"\0" * 5000, b"\x1f", b"garbage" * 1000])
def test_decompressed_trailing_garbage_is_left_out(behind: bytes) -> None:
    assert decompress(HELLO + behind) == b"hello"
    assert decompress(HELLO + HELLO + behind) == b"hellohello"


@pytest.mark.parametrize("cut", [1, 8, 9, 12])
def test_decompressed_truncated_member_is_a_400(cut: int) -> None:
    for raw in (HELLO[:-cut], HELLO * 2000 + HELLO[:-cut]):
        assert "too early" in (failure_of(raw).message or "")


def test_decompressed_exactly_the_bound_is_taken() -> None:
    packed = gzip.compress(b"\0" * 2_097_152, mtime=0)
    assert len(decompress(packed, bound=2_097_152)) == 2_097_152
    assert "larger than 2097151 bytes (--max-body)" in (failure_of(packed, bound=2_097_151).message or "")
