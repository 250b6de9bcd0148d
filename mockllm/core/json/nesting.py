"""How deep JSON nests: a text from its bytes, without parsing it, or parsed values. Both without recursion."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from mockllm.core.json.codec import Json

SLICE: Final = 1024 * 1024
"""Bytes that are read at once: some milliseconds."""
FEW: Final = 64
"""So few brackets are counted, not paired."""
_BRACKETS_ONLY: Final = bytes.maketrans(b"{}", b"[]")
_OTHERS: Final = bytes(set(range(256)) - set(b'[]{}",'))
_CONTAINERS: Final = frozenset({dict, list})
_STRINGS: Final[re.Pattern[bytes]] = re.compile(rb'"[^"]*"')


def depth_bound(part: bytes, inside: int) -> int:
    """Return the depth of a part of a JSON text that `inside` objects and lists surround, or a few levels more. The
    part ends at the depth at which it begins."""
    brackets = part.count(b"[") + part.count(b"{")
    if brackets <= FEW:
        return inside + brackets
    pairs = b"".join(marks_of(b"[" + part)).replace(b",", b"")[1:]
    levels = 0
    while b"[]" in pairs:
        pairs, levels = pairs.replace(b"[]", b""), levels + 1
    return inside + levels


def depth_of(values: Sequence[Json]) -> int:
    """Return how deep parsed values nest in objects and lists: 0 where none of them is one. It takes a tenth of the
    time that `depth_bound` takes for texts with escaped quotes."""
    depth = 0
    level = [value for value in values if type(value) in _CONTAINERS]
    while level:
        depth += 1
        level = [
            child
            for value in level
            for child in (value.values() if type(value) is dict else value)
            if type(child) in _CONTAINERS
        ]
    return depth


def marks_of(raw: bytes, slice_size: int = SLICE) -> Iterator[bytes]:
    """Yield the brackets and commas of a JSON text outside of its strings, slice by slice, braces as square brackets;
    none of another text."""
    if raw[:1024].lstrip()[:1] not in (b"{", b"[", b""):
        return
    inside = False
    for part in _slices(raw, slice_size):
        rest = part.replace(b"\\\\", b"").replace(b'\\"', b"").translate(_BRACKETS_ONLY, _OTHERS)
        if inside:
            rest = b'"' + rest
        rest, quote, _ = _STRINGS.sub(b"", rest.replace(b'""', b"")).partition(b'"')
        inside = bool(quote)
        yield rest


def _slices(raw: bytes, size: int) -> Iterator[bytes]:
    """Yield the text in slices of about a size. None ends within an escape sequence."""
    start = 0
    while start < len(raw):
        part = raw[start : start + size]
        if (len(part) - len(part.rstrip(b"\\"))) % 2:
            part = raw[start : start + size + 1]
        start += len(part)
        yield part


def nests_deeper(brackets: bytes, depth: int) -> bool:
    """Return whether brackets nest deeper than `depth`. The result is exact, at the speed of bytes: the innermost
    pairs are removed, level by level."""
    for _ in range(depth):
        without = brackets.replace(b"[]", b"")
        if len(without) == len(brackets):
            break
        brackets = without
    return brackets.count(b"[") > depth or b"[]" in brackets
