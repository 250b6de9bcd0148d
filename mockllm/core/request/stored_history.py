"""The stored responses that lead to a request which continues one of them, within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mockllm.core.request.stored_objects import ObjectLookup, StoredObject

MAX_CHAIN: Final = 10_000
"""The maximum number of responses in a chain."""
MAX_OBJECTS: Final = 100_000
"""The maximum number of JSON objects in a chain. A request that continues a chain reads all of it. The last response
is always in the chain."""
LONG_HISTORY: Final = 128 * 1024
"""Stored bytes from which a thread reads them. The event loop would read this many in 5 to 10 ms."""


def chain(last: StoredObject | None, lookup: ObjectLookup) -> list[StoredObject]:
    """Return the stored responses that lead to `last`, the oldest first. Beyond the bounds, the oldest
    are left out."""
    stored: list[StoredObject] = []
    opened = 0
    while last is not None and len(stored) < MAX_CHAIN:
        opened += last.request_body.count(b"{") + last.response_body.count(b"{")
        if stored and opened > MAX_OBJECTS:
            break
        stored.append(last)
        last = None if last.previous is None else lookup.stored(last.previous)
    return stored[::-1]


def is_long_history(stored: Sequence[StoredObject]) -> bool:
    """Return whether a thread reads these stored responses."""
    return sum(len(each.request_body) + len(each.response_body) for each in stored) > LONG_HISTORY
