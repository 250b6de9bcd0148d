"""The recordings of unmatched requests that are not loaded yet: repeats of such a request wait for them."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from mockllm.core.request.request import Request
from mockllm.core.request.request_keys import request_hash

RecordingKey: TypeAlias = tuple[str | None, str]
"""The session and the hash of a request. Requests with equal ones get the same recording."""


class PendingRecordings:
    """`reload` loads what was stored."""

    def __init__(self, reload: Callable[[], Awaitable[object]]) -> None:
        self._reload = reload
        self._pending: dict[RecordingKey, asyncio.Event] = {}

    def loaded_event(self, request: Request) -> asyncio.Event | None:
        """Return the event of the recording of an equal request, if one is pending. It is set when that is loaded, or
        was not stored."""
        return self._pending.get(_key_of(request)) if self._pending else None

    def add(self, request: Request) -> RecordingKey:
        """Let equal requests wait from now on until `load` has ended for the returned key."""
        key = _key_of(request)
        self._pending.setdefault(key, asyncio.Event())
        return key

    async def load(self, key: RecordingKey) -> None:
        """Load what was stored, and let the requests that wait go on."""
        try:
            await self._reload()
        except Exception:
            traceback.print_exc(file=sys.stderr)
        finally:
            loaded = self._pending.pop(key, None)
            if loaded is not None:
                loaded.set()


def _key_of(request: Request) -> RecordingKey:
    # not `hash_of`, which stores the hash: then the response to a matched request would name it
    return request.session, request_hash(request)
