"""A WebSocket's handshake and the messages of its client, as aiohttp reads them."""

from __future__ import annotations

from aiohttp.web import BaseRequest, WebSocketResponse


def is_handshake(request: BaseRequest, response: WebSocketResponse) -> bool:
    """Return whether a request is a handshake that this response can accept."""
    try:
        return response.can_prepare(request).ok
    except ValueError:  # aiohttp expects headers of ASCII
        return False
