"""Savings at the start of a command: no garbage collection, no CA certificates and no plugins of pydantic."""

from __future__ import annotations

import gc
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_PLUGINS: Final = "PYDANTIC_DISABLE_PLUGINS"


@contextmanager
def gc_paused() -> Iterator[None]:
    """Pause the collector. Objects created inside are exempt from later collections too.

    A collection would scan objects that stay anyway: a tenth of the time of imports and of loading.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def ca_loading_skipped() -> Iterator[None]:
    """Skip CA certificates. A context created inside trusts no CA: it refuses every server or checks nothing.

    When aiohttp is imported, it loads all certificates twice for a client that a mock server does not use. That takes
    a tenth of the time to the ready line. `server.upstreams` creates a separate context for its TLS requests.
    """
    create, load = ssl.create_default_context, ssl.SSLContext.set_default_verify_paths

    def context_without_cas(*_: object, **__: object) -> ssl.SSLContext:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    ssl.create_default_context = context_without_cas
    ssl.SSLContext.set_default_verify_paths = _load_nothing  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        ssl.create_default_context = create
        ssl.SSLContext.set_default_verify_paths = load  # type: ignore[method-assign]


@contextmanager
def pydantic_plugins_skipped() -> Iterator[None]:
    """Skip pydantic's plugins. To find them, pydantic reads the metadata of all installed packages.

    Programs that the command starts get the environment unchanged.
    """
    before = os.environ.get(_PLUGINS)
    os.environ[_PLUGINS] = "__all__"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_PLUGINS]
        else:
            os.environ[_PLUGINS] = before


def _load_nothing(_: ssl.SSLContext) -> None: ...
