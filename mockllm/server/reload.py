"""Hot reload: notices that files have changed, has a new engine built, and swaps it in one assignment.

What to build and how is handed in; here is only when. A notice is no more than a hint to look: whether
anything differs is decided by a fingerprint of all watched files, so that an editor's temporary files, a
swapped link or a doubled event cost nothing, and nothing is lost between two watches.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from math import inf
from pathlib import Path
from typing import Final

from msgspec import Struct

from mockllm.scenario.fingerprint import Fingerprint, files_of, fingerprint, walk
from mockllm.server.app import App
from mockllm.server.builtin_pages import amount
from mockllm.server.protocols import EngineProtocol

DEBOUNCE_MS: Final = 200
STEP_MS: Final = 40
"""A look is taken when nothing has stirred for a step, at the latest when the debounce has passed."""
SETTLE: Final = 0.25
"""Seconds after which a new watch surely stands: what changed while it was laid is looked for then."""
POLL: Final = 1.0
"""Seconds between looks where the system gives no notices."""
SAFETY: Final = 2.0
"""Seconds without a notice after which a look is taken all the same: notices get lost."""
SHARE: Final = 0.01
"""Of the time, that such looks take at most: those at very many files are rarer."""


class RebuiltEngine(Struct, frozen=True):
    """What a build gave: an engine (its stale files are in its `about()`), all folders and files that it
    stands on, and warnings worth a line."""

    engine: EngineProtocol
    watched: frozenset[Path]
    warnings: tuple[str, ...] = ()


class Reloader:
    """Keeps an app's engine up to date with its files. `say` writes to the person at the terminal.

    `since` is when the first reading began, in seconds since the epoch: what was touched after that may not have
    been read as it is, and is read again. `run` it when the server listens.
    """

    def __init__(
        self,
        app: App,
        watched: Iterable[Path],
        rebuild: Callable[[], Awaitable[RebuiltEngine]],
        say: Callable[[str], None],
        since: float = inf,
    ) -> None:
        self._app = app
        self._watched = _absolute(watched)
        self._rebuild = rebuild
        self._say = say
        self._said = {each.file: each for each in app.engine.info().stale}
        self._warned: frozenset[str] = frozenset()
        self._built = frozenset(entry for entry in fingerprint(self._watched) if entry[2] < since * 1e9)
        self._stirred = asyncio.Event()
        self._moved = False
        self._looking = 0.0
        self.swaps = 0
        self._one = asyncio.Lock()

    async def run(self) -> None:
        """Watch until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._moved = False
            standing = await asyncio.to_thread(layout, self._watched)
            watches = [loop.create_task(self._watch(*grounds)) for grounds in _grounds(self._watched)]
            settled = loop.call_later(SETTLE, self._stirred.set)
            try:
                while not self._moved:
                    heard = await self._stir()
                    changed = await self.look()
                    if (heard or changed) and await asyncio.to_thread(layout, self._watched) != standing:
                        break
            finally:
                settled.cancel()
                for watch in watches:
                    watch.cancel()
                await asyncio.gather(*watches, return_exceptions=True)

    async def _stir(self) -> bool:
        """Wait for a notice; False where none comes for a while."""
        try:
            async with asyncio.timeout(max(SAFETY, self._looking / SHARE)):
                await self._stirred.wait()
        except TimeoutError:
            return False
        self._stirred.clear()
        return True

    async def _watch(self, paths: frozenset[str], only: frozenset[str] | None) -> None:
        """Set `_stirred` at each notice: from anywhere below `paths`, or from in them of `only` these, which
        come and go, so that a watch on them may be one on what is no longer there."""
        from watchfiles import awatch  # imported late: the server answers before it watches

        try:
            async for _ in awatch(
                *paths,
                watch_filter=None if only is None else lambda _, path: path in only,
                debounce=DEBOUNCE_MS,
                step=STEP_MS,
                recursive=only is None,
                ignore_permission_denied=True,
            ):
                self._moved = self._moved or only is not None
                self._stirred.set()
        except Exception as exc:
            self._say(f"the system gives no notices of changes ({exc}): looking at the files every second")
        while True:
            await asyncio.sleep(POLL)
            self._stirred.set()

    async def look(self) -> bool:
        """Rebuild and swap if a watched file differs from what was built; whether that was done. A build that
        fails is said, and leaves the engine as it is."""
        async with self._one:
            return await self._look()

    async def now(self) -> None:
        """Rebuild and swap whether anything differs or not."""
        async with self._one:
            self._built = frozenset()
            await self._look()

    async def _look(self) -> bool:
        began = time.time()
        found, self._looking = await asyncio.to_thread(_seen, self._watched)
        if found == self._built:
            return False
        self._built = found
        try:
            rebuilt = await self._rebuild()
        except Exception as exc:
            self._say(f"not reloaded: {exc}")
            return False
        self._app.engine = rebuilt.engine
        self.swaps += 1
        watched = _absolute(rebuilt.watched)
        if watched != self._watched:
            added, self._watched = watched - self._watched, watched
            self._built = await asyncio.to_thread(_stood_on, watched, added, found, began)
        self._report(rebuilt)
        return True

    def _report(self, rebuilt: RebuiltEngine) -> None:
        """A line for the swap, and each mistake or warning once: again only when it has changed."""
        about = rebuilt.engine.info()
        stale = sum(each.kept for each in about.stale)
        left_out = len(about.stale) - stale
        counts = [f", {stale} stale" * bool(stale), f", {left_out} left out" * bool(left_out)]
        self._say(f"reloaded: {amount(about)}{''.join(counts)}")
        for each in about.stale:
            if self._said.get(each.file) != each:
                self._say(f"{each.file}: {each.outcome}\n{each.reason}")
        self._said = {each.file: each for each in about.stale}
        self._warn(rebuilt.warnings)

    def begun_with(self, warnings: Iterable[str]) -> None:
        """Says what was found about the files that the server began with, unless others came meanwhile."""
        if not self.swaps:
            self._warn(warnings)

    def _warn(self, warnings: Iterable[str]) -> None:
        known, self._warned = self._warned, frozenset(warnings)
        for warning in warnings:
            if warning not in known:
                self._say(f"warning: {warning}")


def _seen(watched: Iterable[Path]) -> tuple[Fingerprint, float]:
    """The files as they are, and the seconds of work that it took to see them."""
    began = time.thread_time()
    return fingerprint(watched), time.thread_time() - began


def _stood_on(
    watched: Iterable[Path], added: Iterable[Path], found: Fingerprint, began: float
) -> Fingerprint:
    """What an engine was built from that stands on more than was seen before it: the rest as it is now, but for
    what was touched since `began` (seconds since the epoch) or has gone, which may have been read otherwise."""
    if not all(path.exists() for path in added):
        return frozenset()
    known = {entry[0]: entry for entry in found}
    entries = (known.get(entry[0], entry) for entry in fingerprint(watched))
    return frozenset(entry for entry in entries if entry[0] in known or entry[2] < began * 1e9)


def layout(watched: Iterable[Path]) -> frozenset[tuple[str, str]]:
    """The folders that a watch stands on, and where links lead: it must be laid anew when this differs."""
    return frozenset(
        (name, os.path.realpath(name))
        for path in watched
        for name in (*(folder for folder, _ in walk(path)), *_links(path))
    )


def _absolute(paths: Iterable[Path]) -> frozenset[Path]:
    return frozenset(Path(os.path.abspath(path)) for path in paths)


def _links(path: Path) -> Iterator[str]:
    """The files at or below a path that are links."""
    return (name for name in files_of(path) if os.path.islink(name))


def _grounds(watched: Iterable[Path]) -> Iterator[tuple[frozenset[str], frozenset[str] | None]]:
    """What to watch: the folders with all below them, and the places where a watched file, folder or a link
    on the way to it may be put anew, which only its parent tells."""
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
