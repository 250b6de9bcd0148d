"""Bounds on the JSON of a body: how deep it nests, and how many arrays, objects and values it has. What parses the
body later takes time and memory for each of them.

The text is read as bytes, before it is parsed, in slices: other requests are served between them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Generator, Iterator
from typing import Final

from mockllm.core.failure import Failure
from mockllm.server.server_limits import MIB, ServerLimits

SLICE: Final = MIB
"""Bytes that are read in one turn of the loop: some milliseconds."""
_BRACKETS_ONLY: Final = bytes.maketrans(b"{}", b"[]")
_OTHERS: Final = bytes(set(range(256)) - set(b'[]{}",'))
_STRINGS: Final[re.Pattern[bytes]] = re.compile(rb'"[^"]*"')


def structure_failure(raw: bytes, limits: ServerLimits) -> Failure | None:
    """Return a Failure if a body exceeds `--max-containers`, `--max-values` or `--max-depth`."""
    check = structure_check(raw, limits)
    try:
        while True:
            next(check)
    except StopIteration as end:
        failure: Failure | None = end.value
        return failure


async def structure_failure_in_turns(raw: bytes, limits: ServerLimits) -> Failure | None:
    """Return the same. Other tasks of the loop run between the slices."""
    check = structure_check(raw, limits)
    try:
        while True:
            next(check)
            await asyncio.sleep(0)
    except StopIteration as end:
        failure: Failure | None = end.value
        return failure


def structure_check(raw: bytes, limits: ServerLimits) -> Generator[None, None, Failure | None]:
    """Return what `structure_failure` returns; yield after each slice."""
    few = raw.count(b"[") + raw.count(b"{") <= min(limits.depth, limits.containers)
    if few and (len(raw) < 2 * limits.values or raw.count(b",") < limits.values):
        return None
    marks, containers, commas = [], 0, 0
    for slice_marks in marks_of(raw):
        marks.append(slice_marks)
        containers += slice_marks.count(b"[")
        commas += slice_marks.count(b",")
        if containers > limits.containers:
            return _too_many(limits.containers, "arrays and objects", "--max-containers")
        if commas >= limits.values:
            return _too_many(limits.values, "values", "--max-values")
        yield
    if nests_deeper(b"".join(marks).replace(b",", b""), limits.depth):
        return Failure("bad_request", 400, f"The JSON body is nested deeper than {limits.depth} levels.")
    return None


def _too_many(limit: int, what: str, option: str) -> Failure:
    message = (
        f"The JSON body has more than {limit:,} {what}. Raise this limit with the server's option {option}."
    )
    return Failure("bad_request", 400, message)


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
