"""Waits for the delay of a response that no player plays: a provider's, or one that opens a WebSocket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockllm.server.app import App
    from mockllm.server.exchange import Exchange


async def wait_for_delay(app: App, exchange: Exchange) -> None:
    """Wait for the delay of a response. It begins with the request, so the time since then is a part of it."""
    response = exchange.response
    wait = response.plan.delay * response.time_scale - (app.deadlines.time() - exchange.monotonic)
    if wait > 0:
        await asyncio.sleep(wait)
