"""A start without CA certificates. aiohttp loads all of them twice when it is imported, for a client that a mock
server does not use. That takes a tenth of the time to the ready line.

`server.upstreams` creates a separate context for its TLS requests.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def ca_loading_skipped() -> Iterator[None]:
    """Skip CA certificates. A context created inside trusts no CA: it refuses every server or checks nothing."""
    create, load = ssl.create_default_context, ssl.SSLContext.set_default_verify_paths

    def context_without_cas(*_: Any, **__: Any) -> ssl.SSLContext:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    ssl.create_default_context = context_without_cas
    ssl.SSLContext.set_default_verify_paths = _load_nothing  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        ssl.create_default_context = create
        ssl.SSLContext.set_default_verify_paths = load  # type: ignore[method-assign]


def _load_nothing(_: ssl.SSLContext) -> None: ...
