"""The stored responses and tool calls of all sessions in the store: what `mockllm.state.response_store` is in memory.

Keys have hashes of the names by which clients retrieve responses.
"""

from __future__ import annotations

import time
from asyncio import Future
from collections.abc import Sequence
from math import inf
from typing import Final

from msgspec import msgpack

from mockllm.core.request.stored_responses import StoredResponse, StoreUpdate
from mockllm.state.shared_engine_state import LookupKey, LookupResult
from mockllm.store.connection import StoreReply
from mockllm.store.script_request import hashed_name, session_base
from mockllm.store.store_link import StoreLink

SHARED_TTL: Final = 24 * 3600
"""Seconds for which a response lasts that is in no session."""
_decode: Final = msgpack.Decoder(StoredResponse).decode
LISTED: Final = b"names"
"""The end of the key of the responses that lists have."""
MAX_LISTED: Final = 1_000
"""Most responses of a list."""


class StoreMemory:
    """`unused_timeout`: seconds after which a session ends."""

    def __init__(self, link: StoreLink, unused_timeout: float) -> None:
        self._link = link
        self._session_ttl = SHARED_TTL if unused_timeout == inf else max(1, round(unused_timeout))

    def remember(self, session: str, update: StoreUpdate) -> list[Future[StoreReply]]:
        """Send what a response adds, now or when the store is back. The results are there when the store has it."""
        base, ttl = session_base(session), self._session_ttl if session else SHARED_TTL
        send = self._link.send
        sent = []
        for name in update.forgotten:
            sent += [send("UNLINK", _response_key(base, name)), send("ZREM", base + LISTED, name)]
        for id, tool in update.tool_calls.items():
            sent.append(send("SET", _call_key(base, id), tool, "EX", ttl))
        for other in update.others:
            sent.append(send("SET", _response_key(base, other.id), _packed(other), "EX", ttl))
            sent += self._listed(base, other.id, ttl)
        if update.stored is not None:
            data = _packed(update.stored)
            for name in update.names:
                sent.append(send("SET", _response_key(base, name), data, "EX", ttl))
            if update.stored.id in update.names:
                sent += self._listed(base, update.stored.id, ttl)
        return sent

    def _listed(self, base: bytes, id: str, ttl: int) -> list[Future[StoreReply]]:
        """Add an id to those that lists have; the place of one that is there stays the same."""
        send = self._link.send
        names = base + LISTED
        return [send("ZADD", names, "NX", next_place(), id), send("EXPIRE", names, ttl)]

    async def look_up(self, session: str, key: LookupKey) -> LookupResult:
        """Return what a lookup wants."""
        base = session_base(session)
        kind, name = key
        if kind == "call":
            tool = await self._link.call("GET", _call_key(base, name))
            return None if tool is None else tool.decode()
        if kind == "stored":
            return _stored(await self._link.call("GET", _response_key(base, name)))
        names: list[bytes] = await self._link.call("ZRANGE", base + LISTED, 0, -1)
        wanted = [each for each in names if each.startswith(name.encode())][-MAX_LISTED:]
        if not wanted:
            return ()
        rows: Sequence[bytes | None] = await self._link.call(
            "MGET", *(_response_key(base, each.decode()) for each in wanted)
        )
        return tuple(found for found in map(_stored, rows) if found is not None)


def _packed(stored: StoredResponse) -> bytes:
    """Return a response as bytes. The times of a background response become seconds since the epoch, as machines have
    different monotonic clocks."""
    return msgpack.encode(_with_times(stored, time.time() - time.monotonic()))


def _stored(data: bytes | None) -> StoredResponse | None:
    return None if data is None else _with_times(_decode(data), time.monotonic() - time.time())


def _with_times(stored: StoredResponse, later: float) -> StoredResponse:
    timeline = stored.timeline
    if timeline is None:
        return stored
    cancelled = None if timeline.cancelled is None else timeline.cancelled + later
    return stored._replace(timeline=timeline._replace(began=timeline.began + later, cancelled=cancelled))


def _response_key(base: bytes, name: str) -> bytes:
    return base + f"r:{hashed_name(name)}".encode()


def _call_key(base: bytes, id: str) -> bytes:
    return base + f"t:{hashed_name(id)}".encode()


def next_place() -> str:
    """Return the place of a response in lists: the time."""
    return f"{time.time():.6f}"
