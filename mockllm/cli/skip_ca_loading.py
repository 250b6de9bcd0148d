"""A start without the certificates of the world's authorities: aiohttp reads all of them twice when it is imported,
for a client that a mock server has no use for; that takes a tenth of the time to the ready line.

Who asks somebody else by TLS (`server.upstreams`) makes a context of its own.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def unread_authorities() -> Iterator[None]:
    """A context that is made in here trusts nobody: it refuses every server, or asks for no certificate."""
    made, reading = ssl.create_default_context, ssl.SSLContext.set_default_verify_paths

    def trusting_nobody(*_: Any, **__: Any) -> ssl.SSLContext:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    ssl.create_default_context = trusting_nobody
    ssl.SSLContext.set_default_verify_paths = _unread  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        ssl.create_default_context = made
        ssl.SSLContext.set_default_verify_paths = reading  # type: ignore[method-assign]


def _unread(_: ssl.SSLContext) -> None: ...
