"""Bounds on the JSON of a body: how deep it nests, and how many arrays, objects and values it has. The parser that
reads the body later takes time and memory for each of them.

The text is read as bytes, before it is parsed, in slices: other requests are served between them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.nesting import SLICE, DepthCount, marks_of
from mockllm.server.server_limits import KIB, ServerLimits

SHORT: Final = 256 * KIB
"""The most bytes of a body that is parsed before its depth is known; `depth_only_below` may be lower. The parser
itself limits the depth."""

MANY_CONTAINERS: Final = 3_000
"""The number of arrays and objects from which a body takes long to read: each takes up to 10 µs."""
MANY_VALUES: Final = 30_000
"""The number of values, in the same way."""
LONG: Final = 1024 * KIB
"""Bytes of a body that takes long to read in any case."""

_JSON_STARTS: Final = frozenset(bytes([code]) for code in b'{["-0123456789tfn \t\r\n') | {b""}


def depth_only_below(limits: ServerLimits) -> int:
    """Return below how many bytes a body is too short to have too many values. Only its depth is to be checked."""
    # a value and its comma are at least 2 bytes, and so are the brackets of an array or object
    return min(SHORT + 1, 2 * limits.values, 2 * limits.containers)


def takes_long_to_read(raw: bytes) -> bool:
    """Return whether a body may be JSON that takes so long to read that other requests would wait. Brackets and
    commas in texts count, too."""
    if raw[:1] not in _JSON_STARTS:
        return False
    if len(raw) > LONG or raw.count(b",") > MANY_VALUES:
        return True
    return raw.count(b"{") + raw.count(b"[") > MANY_CONTAINERS


def structure_failure(raw: bytes, limits: ServerLimits) -> Failure | None:
    """Return a Failure if a body exceeds `--max-containers`, `--max-values` or `--max-depth`."""
    return next(filter(None, structure_check(raw, limits)), None)


async def structure_failure_in_slices(raw: bytes, limits: ServerLimits) -> Failure | None:
    """Return the same. Other tasks of the loop run between the slices."""
    for failure in structure_check(raw, limits):
        if failure is not None:
            return failure
        await asyncio.sleep(0)
    return None


def structure_check(raw: bytes, limits: ServerLimits) -> Iterator[Failure | None]:
    """Yield None after each slice, and last what `structure_failure` returns, if it is a Failure. A body that cannot
    be JSON, such as a form or an image, has no structure."""
    if raw[:1] not in _JSON_STARTS or raw[:2] == b"--" or (yield from _is_small(raw, limits)):
        return
    depth, containers, commas = DepthCount(), 0, 0
    for slice_marks in marks_of(raw):
        containers += slice_marks.count(b"[")
        commas += slice_marks.count(b",")
        if containers > limits.containers:
            yield _too_many(limits.containers, "arrays and objects", "--max-containers")
            return
        if commas >= limits.values:
            yield _too_many(limits.values, "values", "--max-values")
            return
        depth.add(slice_marks)
        yield None
    if depth.deepest > limits.depth:
        yield Failure("bad_request", 400, f"The JSON body is nested deeper than {limits.depth} levels.")


def _is_small(raw: bytes, limits: ServerLimits) -> Generator[None, None, bool]:
    """Return whether a body has so few brackets and commas that it is within all limits, even if none is in a
    string. Yield before each slice."""
    brackets = commas = 0
    for start in range(0, len(raw), SLICE):
        yield
        end = start + SLICE
        brackets += raw.count(b"[", start, end) + raw.count(b"{", start, end)
        commas += raw.count(b",", start, end)
        if brackets > min(limits.depth, limits.containers) or commas >= limits.values:
            return False
    return True


def _too_many(limit: int, what: str, option: str) -> Failure:
    message = (
        f"The JSON body has more than {limit:,} {what}. Raise this limit with the server's option {option}."
    )
    return Failure("bad_request", 400, message)
