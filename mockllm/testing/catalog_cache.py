"""Cache of compiled files and packs for the whole process: most tests use the same ones.

A cached entry is used only while every file is unchanged. Shipped packs are not checked again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Hashable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from mockllm.core.json.codec import dumps
from mockllm.scenario import catalog_lint
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.file_loader import LoadedFile
from mockllm.scenario.loader import LoadedScenarios, ScenarioSources, load_scenarios
from mockllm.scenario.lockfile import lock_path
from mockllm.scenario.scenario_folder import read_bytes, scenario_files
from mockllm.scenario.source_file import content_digest
from mockllm.scenario.typed_entries import TypedEntry
from mockllm.server.engine_builder import Broken

__tracebackhide__ = True  # a traceback shows the lines of the test only

MAX_CACHED: Final = 64
"""Maximum number of entries. A full cache is cleared."""

MIN_AGE: Final = 2_000_000_000
"""Nanoseconds after which a file's time reveals a later change. Some systems store whole seconds."""

_cache: dict[Hashable, CompiledBase] = {}


class CompiledBase:
    """The compiled files and packs below the rules that a test adds in code."""

    def __init__(self, sources: ScenarioSources) -> None:
        """Load the sources. Raise Broken for mistakes."""
        gathered = load_scenarios(sources)
        if gathered.diagnostics:
            raise Broken(gathered.diagnostics)
        self.gathered: LoadedScenarios = gathered
        self.entries: tuple[TypedEntry, ...] = tuple(gathered.entries)
        packs = gathered.loaded.packs
        self._shipped = {pack.folder for pack in packs if pack.origin == "shipped"}
        self._folders = {path: _scenario_files(path) for path in self._roots(sources)}
        self._known = tuple(self._files())
        self._statuses: dict[str, tuple[int, int, int]] = {}

    @cached_property
    def catalog(self) -> Catalog:
        """The compiled catalog, created at the first request."""
        return run_steps(compile_catalog(self.entries))

    @cached_property
    def warnings(self) -> list[Diagnostic]:
        """The warnings of `mockllm check`."""
        return catalog_lint.warnings(self.gathered)

    @property
    def fresh(self) -> bool:
        """Whether all files are unchanged."""
        try:
            if any(_scenario_files(path) != names for path, names in self._folders.items()):
                return False
            return all(self._unchanged(path, known) for path, known in self._known)
        except OSError:
            return False

    def _unchanged(self, path: str, known: str) -> bool:
        """Compare size, time and inode if the last change is old enough to reveal another one. Compare the contents
        otherwise."""
        now, stat = time.time_ns(), os.stat(path)
        status = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
        if self._statuses.get(path) == status:
            return True
        same = content_digest(read_bytes(path)) == known
        if same and now - stat.st_mtime_ns > MIN_AGE:
            self._statuses[path] = status
        return same

    def _roots(self, sources: ScenarioSources) -> Iterator[str]:
        yield from (os.path.abspath(source) for source in sources.scenarios)
        for pack in self.gathered.loaded.packs:
            if pack.folder not in self._shipped:
                yield pack.folder

    def _files(self) -> Iterator[tuple[str, str]]:
        """Yield each file that may change, with the digest of its contents."""
        loaded = self.gathered.loaded
        for file in (*loaded.files, *loaded.disabled):
            if file.folder not in self._shipped:
                yield file.path, file.raw.digest
                yield from _references(file)
        for pack in loaded.packs:
            if pack.folder not in self._shipped:
                yield pack.path, pack.source.digest


def compiled_base(sources: ScenarioSources) -> CompiledBase:
    """Return the compiled files and packs, from the cache if possible. Raise Broken for mistakes."""
    settings = sources.settings
    lock = _file_status(lock_path(sources.scenarios))
    key = (os.getcwd(), tuple(sources.scenarios), tuple(sources.packs), dumps(dict(settings.values)), lock)
    base = _cache.get(key)
    if base is None or not base.fresh:
        if len(_cache) >= MAX_CACHED:
            _cache.clear()
        base = _cache[key] = CompiledBase(sources)
    return base


def _file_status(path: str) -> tuple[str, int, int]:
    """Return values that change when the file is changed, created or deleted."""
    try:
        stat = os.stat(path)
    except OSError:
        return path, 0, 0
    return path, stat.st_mtime_ns, stat.st_size


def _scenario_files(path: str) -> list[str]:
    return scenario_files(Path(path)) if os.path.isdir(path) else []


def _references(file: LoadedFile) -> Iterator[tuple[str, str]]:
    for name, content in file.references.items():
        yield os.path.join(os.path.dirname(file.path), name), content_digest(content)
