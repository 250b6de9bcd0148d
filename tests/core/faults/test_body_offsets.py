"""Where the text of a chunk is in the JSON of a body."""

from __future__ import annotations

import pytest

from mockllm.core.faults.body_offsets import body_offset


@pytest.mark.parametrize(
    ("texts", "count", "content"),
    [
        pytest.param([(0, "a"), (-1, "z"), (0, "b")], 2, '{"t": "a', id="another choice is left out"),
        pytest.param([(0, "ab"), (1, "{"), (1, "}")], 3, '{"t": "ab', id="what is no text is left out"),
        pytest.param([(0, "ab"), (1, "c\n"), (1, "d")], 2, '{"t": "ab", "c": "c\\n', id="escapes are one"),
        pytest.param([(0, "<"), (0, "y")], 1, '{"t": "ab", "c": "c\\nd", "e": ["", "\\u003c', id="Google's"),
        pytest.param([(0, ""), (0, "")], 1, "", id="no text at all"),
        pytest.param([(0, "y"), (0, "ab")], 2, "", id="a text that stands there in parts only"),
        pytest.param([(0, "ab")], 0, '{"t": "', id="before the first"),
    ],
)
def test_body_offset_finds_chunks_in_a_body(texts: list[tuple[int, str]], count: int, content: str) -> None:
    body = b'{"t": "ab", "c": "c\\nd", "e": ["", "\\u003cy"]}'
    assert body[: body_offset(body, texts, count)].decode() == content
