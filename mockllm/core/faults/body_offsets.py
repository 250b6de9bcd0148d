"""Where the text of a chunk is in the JSON of a non-streaming body."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from mockllm.core.json.codec import dumps
from mockllm.core.rendering.plan import ChunkText


def body_offset(body: bytes, texts: Sequence[ChunkText], count: int) -> int:
    """Return the offset in a non-streaming body after its first `count` chunks.

    A chunk that is not in the body as text does not count: it belongs to another choice than the first, or to
    an object. So the offset is rounded down.
    """
    first: int | None = None
    offset = 0
    for chunk, start, end in _locate(body, texts):
        first = start if first is None else first
        if chunk <= count:
            offset = end
    return offset or first or 0


def _locate(body: bytes, texts: Sequence[ChunkText]) -> Iterator[tuple[int, int, int]]:
    """Yield number, start and end of the chunks of the first choice that are in the body."""
    numbered = [(part, chunk, text) for chunk, (part, text) in enumerate(texts, 1) if part >= 0]
    since = 0
    for _, group in groupby(numbered, key=lambda item: item[0]):
        chunks = [(chunk, text) for _, chunk, text in group]
        if not any(text for _, text in chunks):
            continue
        for escape in (_escape, _escape_with_brackets):
            whole = b'"' + escape("".join(text for _, text in chunks)) + b'"'
            start = body.find(whole, since)
            if start >= 0:
                since, start = start + len(whole), start + 1
                for chunk, text in chunks:
                    end = start + len(escape(text))
                    yield chunk, start, end
                    start = end
                break


def _escape(text: str) -> bytes:
    return dumps(text)[1:-1]


def _escape_with_brackets(text: str) -> bytes:
    """Some APIs write angle brackets as escapes, which is safe in HTML."""
    return _escape(text).replace(b"<", b"\\u003c").replace(b">", b"\\u003e")
