"""Hot reload: watches the files, starts the build of a new engine, and replaces the engine in one assignment.

This module only decides when to build; `engine_builder.py` builds. A notice of the system only triggers a check:
a fingerprint of all watched files decides whether anything changed. So temporary files of editors, replaced links and
repeated events cause no build, and no change between two watches is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from math import inf
from pathlib import Path
from typing import Final

from msgspec import Struct

from mockllm.scenario.scenario_folder import (
    SUFFIXES,
    Fingerprint,
    fingerprint,
    iter_files,
    walk_folders,
    watched_status,
)
from mockllm.server.app import App
from mockllm.server.builtin_pages import amount
from mockllm.server.file_notices import notices
from mockllm.server.protocols import EngineProtocol

WATCH_ACTIVE_AFTER: Final = 0.25
"""Seconds after which a new watch is certainly active; a check then finds changes made before."""
MODIFIED: Final = 2
"""`watchfiles.Change.modified`."""
POLL: Final = 1.0
"""Seconds between checks if the system sends no notices."""
LONG_BUILD: Final = 2.0
"""Seconds after which a line says that a build goes on: an edit would otherwise seem to have no effect."""
SAFETY: Final = 2.0
"""Seconds without a notice after which a check runs anyway, because notices get lost."""
SHARE: Final = 0.01
"""Largest share of the time for such checks: with very many files they are rarer."""


class NotChanged(Exception):
    """Why the server goes on with its present rules, as one line."""


class RebuiltEngine(Struct, frozen=True):
    """The result of a build: an engine (its `info()` lists the stale files), all folders and files that it was built
    from, and warnings."""

    engine: EngineProtocol
    watched: frozenset[Path]
    warnings: tuple[str, ...] = ()


class Reloader:
    """Updates an app's engine after changes of its files. `log` prints a line on the terminal.

    `since` is the start of the first load in seconds since the epoch: files with later changes are loaded again.
    `run` starts when the server listens.
    """

    def __init__(
        self,
        app: App,
        watched: Iterable[Path],
        rebuild: Callable[[], Awaitable[RebuiltEngine]],
        log: Callable[[str], None],
        since: float = inf,
    ) -> None:
        self._app = app
        self._watched = _absolute(watched)
        self._rebuild = rebuild
        self._log = log
        self._reported = {file.file: file for file in app.engine.info().stale}
        self._warned: frozenset[str] = frozenset()
        self._built = _built_from(self._watched, self._watched, frozenset(), since)
        self._notified = asyncio.Event()
        self._layout_changed = False
        self._check_time = 0.0
        self.swaps = 0
        """How often it has replaced the engine."""
        self._lock = asyncio.Lock()

    async def run(self) -> None:
        """Watch until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._layout_changed = False
            before = await asyncio.to_thread(layout, self._watched)
            watches = [loop.create_task(self._watch(*target)) for target in _watch_targets(self._watched)]
            first_check = loop.call_later(WATCH_ACTIVE_AFTER, self._notified.set)
            try:
                while not self._layout_changed:
                    notified = await self._wait_for_notice()
                    changed = await self.check()
                    if (notified or changed) and await asyncio.to_thread(layout, self._watched) != before:
                        break
            finally:
                first_check.cancel()
                for watch in watches:
                    watch.cancel()
                await asyncio.gather(*watches, return_exceptions=True)

    async def _wait_for_notice(self) -> bool:
        """Wait for a notice; return False after a time without one."""
        try:
            async with asyncio.timeout(max(SAFETY, self._check_time / SHARE)):
                await self._notified.wait()
        except TimeoutError:
            return False
        self._notified.clear()
        return True

    async def _watch(self, paths: frozenset[str], only: frozenset[str] | None) -> None:
        """Set `_notified` at each notice from below `paths`, or only from the files `only` in `paths`. These files
        are created and deleted, so a watch on the files themselves may refer to a deleted file."""
        try:
            named = frozenset(map(str, self._watched))
            async for changes in notices(paths, recursive=only is None):
                if any(
                    is_relevant(change, path, named) if only is None else path in only
                    for change, path in changes
                ):
                    self._layout_changed = self._layout_changed or only is not None
                    self._notified.set()
        except Exception as exc:
            self._log(f"the system gives no notices of changes ({exc}): checking the files every second")
        while True:
            await asyncio.sleep(POLL)
            self._notified.set()

    async def check(self) -> bool:
        """Build and replace the engine if a watched file has changed. Return whether it was replaced. A failed build
        is reported, and the engine stays."""
        async with self._lock:
            with contextlib.suppress(NotChanged):  # it is reported
                return await self._check()
        return False

    async def reload_now(self) -> None:
        """Build and replace the engine, even without changes. Raises NotChanged, after it has been reported."""
        async with self._lock:
            self._built = None
            await self._check()

    async def _check(self) -> bool:
        start = time.time()
        current, self._check_time = await asyncio.to_thread(_timed_fingerprint, self._watched)
        if current == self._built:
            return False
        self._built = current
        notice = asyncio.get_running_loop().call_later(
            LONG_BUILD, self._log, "reloading the changed files ..."
        )
        try:
            rebuilt = await self._rebuild()
        except Exception as exc:
            self._log(f"not reloaded: {exc}")
            if isinstance(
                exc, NotChanged
            ):  # of the processes and not of the files: the next check tries again
                self._built = None
            raise NotChanged(str(exc)) from exc
        finally:
            notice.cancel()
        self._app.replace_engine(rebuilt.engine)
        self.swaps += 1
        watched = _absolute(rebuilt.watched)
        if watched != self._watched:
            added, self._watched = watched - self._watched, watched
            self._built = await asyncio.to_thread(_built_from, watched, added, current, start)
        self._report(rebuilt)
        return True

    def _report(self, rebuilt: RebuiltEngine) -> None:
        """Report the new engine, and each new or changed diagnostic."""
        info = rebuilt.engine.info()
        stale = sum(file.in_use for file in info.stale)
        left_out = len(info.stale) - stale
        counts = [f", {stale} stale" * bool(stale), f", {left_out} left out" * bool(left_out)]
        self._log(f"reloaded: {amount(info)}{''.join(counts)}")
        for file in info.stale:
            if self._reported.get(file.file) != file:
                self._log(f"{file.file}: {file.outcome}\n{file.reason}")
        self._reported = {file.file: file for file in info.stale}
        self._warn(rebuilt.warnings)

    def report_first_warnings(self, warnings: Iterable[str]) -> None:
        """Report warnings about the files of the first engine, unless it was replaced meanwhile."""
        if not self.swaps:
            self._warn(warnings)

    def _warn(self, warnings: Iterable[str]) -> None:
        known, self._warned = self._warned, frozenset(warnings)
        for warning in warnings:
            if warning not in known:
                self._log(f"warning: {warning}")


def is_relevant(change: int, path: str, named: Collection[str]) -> bool:
    """Return whether a change below a watched folder may matter: not that of a file which is neither a scenario file
    nor named by one. A log that the server writes there would otherwise cause a check for each line."""
    modified = change == MODIFIED and not os.path.isdir(path)
    return not modified or path.endswith(SUFFIXES) or path in named or os.path.islink(path)


def _timed_fingerprint(watched: Iterable[Path]) -> tuple[Fingerprint, float]:
    """Return the fingerprint of the files, and the CPU time in seconds for it."""
    start = time.thread_time()
    return fingerprint(watched), time.thread_time() - start


def _built_from(
    watched: Iterable[Path], added: Iterable[Path], before: Fingerprint, start: float
) -> Fingerprint | None:
    """Return the fingerprint that an engine was built from, where `before` lacks the files that were added.

    Added files count as they are now, except those that were changed after `start` (seconds since the epoch). The
    build may have read another version of these. The result is None if a file may have been removed from an added
    folder; the next check then builds again.
    """
    new = fingerprint(added)
    if any(_may_lack_files(path, start) for path in added):
        return None
    known = {entry[0]: entry for entry in before}
    unchanged = [entry for entry in new if entry[0] not in known and entry[2] < start * 1e9]
    if not known:  # the first load: at its end the server is to listen soon
        return frozenset(unchanged)
    names = {entry[0] for entry in fingerprint(watched)}
    kept = (entry for name, entry in known.items() if name in names or not _exists(name))
    return frozenset((*unchanged, *kept))


def _may_lack_files(path: Path, start: float) -> bool:
    """Return whether the path, or files from a folder there, may have been removed since `start`."""
    if _exists(str(path)):
        folders = [folder for folder, _ in walk_folders(path)]
    else:
        folders = [str(next(parent for parent in Path(os.path.abspath(path)).parents if parent.exists()))]
    try:
        return any(os.stat(folder).st_mtime_ns >= start * 1e9 for folder in folders)
    except FileNotFoundError:
        return True


def _exists(name: str) -> bool:
    try:
        watched_status(name)
    except OSError:
        return False
    return True


def layout(watched: Iterable[Path]) -> frozenset[tuple[str, str]]:
    """Return the watched folders and the targets of links; the watches must be created again if this changes."""
    return frozenset(
        (name, os.path.realpath(name))
        for path in watched
        for name in (*(folder for folder, _ in walk_folders(path)), *_links(path))
    )


def _absolute(paths: Iterable[Path]) -> frozenset[Path]:
    return frozenset(Path(os.path.abspath(path)) for path in paths)


def _links(path: Path) -> Iterator[str]:
    return (name for name in iter_files(path) if os.path.islink(name))


def _watch_targets(watched: Iterable[Path]) -> Iterator[tuple[frozenset[str], frozenset[str] | None]]:
    """Yield what to watch: the folders with all below them, and the parents of watched files, folders and links.

    Only a parent reports that a file, folder or link was replaced.
    """
    folders = frozenset(str(path) for path in watched if path.is_dir())
    if folders:
        yield folders, None
    names: set[str] = set()
    for path in watched:
        names.add(str(path))
        names.update(str(parent) for parent in path.parents if parent.is_symlink())
        names.update(os.path.realpath(link) for link in _links(path))
    parents = frozenset(parent for parent in map(os.path.dirname, names) if os.path.isdir(parent))
    if parents:
        yield parents, frozenset(names)
