"""Notices of the system about changed files, by the compiled part of watchfiles.

The `awatch` of watchfiles needs anyio: 2 MB of an idle server's memory, and work in its first second.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Iterable
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from watchfiles._rust_notify import RustNotify

DEBOUNCE_MS: Final = 200
STEP_MS: Final = 40
"""A check runs after a step without notices, at the latest when the debounce time has passed."""
TIMEOUT_MS: Final = 5000
"""The longest wait of the thread; then it waits again."""
COMPILED: Final = "watchfiles._rust_notify"


async def notices(paths: Iterable[str], *, recursive: bool) -> AsyncIterator[set[tuple[int, str]]]:
    """Yield the changes below these folders, or only in them, until cancelled: the kind of each (the value of a
    `watchfiles.Change`) and its path. Raise OSError where the system has no notices."""
    loop, stop = asyncio.get_running_loop(), threading.Event()
    with _compiled()(list(paths), False, False, 0, recursive, True) as watcher:
        while True:
            waiting = loop.run_in_executor(None, watcher.watch, DEBOUNCE_MS, STEP_MS, TIMEOUT_MS, stop)
            try:
                changes = await asyncio.shield(waiting)
            except asyncio.CancelledError:
                stop.set()
                await waiting  # the thread uses the watcher
                raise
            if isinstance(changes, set):
                yield changes


def _compiled() -> type[RustNotify]:
    """Import the compiled module without its package, whose `__init__` imports anyio."""
    if COMPILED not in sys.modules:
        package = find_spec(COMPILED.partition(".")[0])
        assert package is not None, "watchfiles is installed"
        spec = PathFinder.find_spec(COMPILED, package.submodule_search_locations)
        assert spec is not None and spec.loader is not None, "watchfiles has this module"  # noqa: PT018
        sys.modules[COMPILED] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[COMPILED])
    kind: type[RustNotify] = sys.modules[COMPILED].RustNotify
    return kind
