"""Handshakes of WebSockets: which requests are some, and the error of one that nothing serves."""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.rendering.websocket_session import is_handshake
from mockllm.core.request.request import Request

SERVED_HANDSHAKE_API: Final = "handshake"
"""The api of the handshakes that a dialect serves."""
NO_WEBSOCKET: Final = "no WebSocket is served"
"""The note of a refused handshake."""


def is_websocket_handshake(request: Request) -> bool:
    """Return whether a request is the handshake of a WebSocket."""
    return is_handshake(request.method, request.headers)


def unserved_handshake_failure(request: Request) -> Failure | None:
    """Return the error of a WebSocket handshake; None for any other request.

    The status 426 (RFC 9110, section 15.5.22) names the protocol that is served. Clients such as Codex then fall
    back to plain HTTP at once; they retry other statuses for several seconds.
    """
    if not is_websocket_handshake(request):
        return None
    message = f"No WebSocket is served at {request.path}. Send a plain HTTP request."
    headers = (("Upgrade", "HTTP/1.1"), ("Connection", "Upgrade"))
    return Failure("bad_request", 426, message, headers=headers)
