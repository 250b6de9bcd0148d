"""The imports of a command: fast, without garbage collection, aiohttp's client, CA certificates and pydantic's
plugins, and without an exception on Ctrl-C."""

from __future__ import annotations

import gc
import importlib.util
import os
import signal
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Final

INTERRUPTED: Final = 130
"""The exit code after Ctrl-C."""
_PLUGIN_LOADER: Final = "pydantic.plugin._loader"


@contextmanager
def gc_paused_then_frozen() -> Iterator[None]:
    """Pause the garbage collector, then freeze all objects: later collections do not visit them either.

    A collection would scan objects that stay anyway: a tenth of the time of imports and of loading.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def ended_by_ctrl_c() -> Iterator[None]:
    """Exit at once on Ctrl-C, where it would raise KeyboardInterrupt: some C extensions fail on an exception while
    they are imported. A handler of the caller stays, and so does the order to ignore the signal."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def aiohttp_client_deferred() -> Iterator[None]:
    """Import the parts of aiohttp that a server needs without its client, which takes 4 MB and 20 ms.

    aiohttp's `__init__` imports the client. Inside, modules below the package are imported without it. The first use
    of anything else of aiohttp runs the `__init__`, also later: for a request to a provider, or a WebSocket.
    """
    spec = importlib.util.find_spec("aiohttp") if "aiohttp" not in sys.modules else None
    if spec is None or spec.loader is None:
        yield
        return
    package, loader = importlib.util.module_from_spec(spec), spec.loader
    paths = package.__path__
    within = True

    def complete(name: str) -> object:
        if within and importlib.util.find_spec(f"aiohttp.{name}") is not None:
            raise AttributeError(name)  # Python then imports the module
        del package.__getattr__
        package.__path__ = paths
        with ca_loading_skipped():
            loader.exec_module(package)
        return getattr(package, name)

    package.__getattr__ = complete  # type: ignore[method-assign]
    sys.modules["aiohttp"] = package
    try:
        yield
    finally:
        within = False
        if vars(package).get("__getattr__") is complete:  # aiohttp has one, too
            del package.__path__  # further modules below the package are imported after its `__init__`


@contextmanager
def ca_loading_skipped() -> Iterator[None]:
    """Skip CA certificates. A context created inside trusts no CA: it refuses every server or checks nothing.

    When aiohttp is imported, it loads all certificates twice for contexts that a mock server does not use. That takes
    as long as a tenth of a start. `trusting_connector` (`server.upstreams`) has a separate context for TLS requests.
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


def skip_pydantic_plugins() -> None:
    """Let pydantic find no plugins, unless it is imported already: the first model would read the metadata of all
    installed packages. Its variable for this would be inherited by the programs that a command starts."""
    if "pydantic" not in sys.modules:
        none = ModuleType(_PLUGIN_LOADER)
        none.get_plugins = tuple  # type: ignore[attr-defined]
        sys.modules[_PLUGIN_LOADER] = none


def _load_nothing(_: ssl.SSLContext) -> None: ...
