"""One value for each header of a request."""

from __future__ import annotations

import pytest

from mockllm.core.request.header_lines import combine_lines


@pytest.mark.parametrize(
    ("lines", "headers"),
    [
        ([("X-A", "1"), ("B", "2")], {"x-a": "1", "b": "2"}),
        ([("anthropic-beta", "b-2"), ("Anthropic-Beta", "a-1")], {"anthropic-beta": "b-2, a-1"}),
        ([("x", "1"), ("y", "2"), ("x", ""), ("x", "3")], {"x": "1, , 3", "y": "2"}),
        ([("Cookie", "a=1"), ("cookie", "b=2")], {"cookie": "a=1; b=2"}),
        ([("Authorization", "Bearer a"), ("authorization", "Bearer b")], {"authorization": "Bearer a"}),
        ([("X-Mockllm-Seed", "3"), ("x-mockllm-seed", "3")], {"x-mockllm-seed": "3"}),
        ([("x-api-key", "k"), ("X-Api-Key", "k")], {"x-api-key": "k"}),
    ],
    ids=["different", "a list", "three lines", "cookies", "one value alone", "the server's own", "a key"],
)
def test_lines_become_one_value(lines: list[tuple[str, str]], headers: dict[str, str]) -> None:
    assert combine_lines(lines) == headers
