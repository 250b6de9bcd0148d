"""A follower of the live feed, which reads all frames."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.waiting import PATIENCE


class Followed:
    """One follower."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def next(self, kind: str) -> dict[str, Any]:
        """The next frame of a kind; others are passed over."""
        while True:
            found = json.loads(await self.socket.receive_str(timeout=PATIENCE))
            if found["type"] == kind:
                return dict(found)


@asynccontextmanager
async def following(
    port: int, headers: Mapping[str, str] | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Followed]:
    """Follow a server's feed. `headers` are sent with the handshake."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"ws://{host}:{port}/ws", headers=dict(headers or {})) as socket,
    ):
        yield Followed(socket)
