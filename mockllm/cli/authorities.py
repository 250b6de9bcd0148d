"""A start without the certificates of the world's authorities: aiohttp reads all of them when it is imported, for a
client that a mock server has no use for; that takes a tenth of the time to the ready line.

Who asks somebody else by TLS (`server.upstreams`) makes a context of its own.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def unread_authorities() -> Iterator[None]:
    """A default context that is made in here trusts nobody: it refuses every server."""
    made = ssl.create_default_context

    def trusting_nobody(*_: Any, **__: Any) -> ssl.SSLContext:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    ssl.create_default_context = trusting_nobody
    try:
        yield
    finally:
        ssl.create_default_context = made
