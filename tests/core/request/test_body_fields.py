"""What is read of a request's body: whatever is read first parses it, once."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import MISSING
from mockllm.core.request.request import Request


def request(raw: bytes) -> Request:
    return Request(method="POST", path="/", headers={}, raw=raw)


@pytest.mark.parametrize(
    ("raw", "depth_bound"), [(b'{"a":[[1]]}', 3), (b'{"a":"[[["}', 4), (b"[[", 2), (b"7", 0)]
)
def test_depth_bound_of_unread_body_counts_brackets(raw: bytes, depth_bound: int) -> None:
    assert request(raw + b" " * 128).depth_bound == depth_bound


def test_depth_bound_of_tiny_body_is_half_its_bytes() -> None:
    assert request(b"[" * 64 + b"]" * 64).depth_bound == 64
    assert request(b'{"a":[[1]]}').depth_bound == 5


def test_depth_bound_and_body_are_parsed_once() -> None:
    read = request(b'{"a":[1]}')
    assert read.depth_bound == 4
    body = read.body
    assert body == {"a": [1]}
    assert read.fields is body
    assert read.divided_body is None


def test_invalid_body_has_no_fields() -> None:
    read = request(b"{")
    assert read.fields == {}
    assert read.body is MISSING
