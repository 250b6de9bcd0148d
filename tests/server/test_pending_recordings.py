"""What a server knows of recordings that are not loaded yet."""

from __future__ import annotations

import asyncio

from mockllm.core.request.request import Request
from mockllm.server.pending_recordings import PendingRecordings


def request_with(raw: bytes) -> Request:
    return Request(method="POST", path="/v1/chat/completions", headers={}, raw=raw)


async def _reload() -> None: ...


def test_equal_request_finds_pending_recording_until_load() -> None:
    async def scenario() -> None:
        recordings = PendingRecordings(_reload)
        key = recordings.add(request_with(b"{}"))
        pending = recordings.loaded_event(request_with(b"{}"))
        assert pending is not None
        assert not pending.is_set()
        await recordings.load(key)
        assert pending.is_set()
        assert recordings.loaded_event(request_with(b"{}")) is None

    asyncio.run(scenario())


def test_search_for_pending_recording_stores_no_hash() -> None:
    """With a stored hash, the response to a matched request would have it in a header."""
    recordings = PendingRecordings(_reload)
    recordings.add(request_with(b"{}"))
    other = request_with(b"[]")
    assert recordings.loaded_event(other) is None
    assert other.computed_hash is None
