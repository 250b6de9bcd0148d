"""What files and packs make, loaded once for the whole process: most tests ask for the same.

What was kept is used again only while every file holds what it held; the packs that ship are not looked at
again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from mockllm.core.json.codec import dumps
from mockllm.dialects.registry import ALIASES, APIS, DIALECT_NAMES, GENERATING, GENERATING_PATHS, PROVIDERS
from mockllm.scenario import catalog_lint
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.compiler import compile_catalog, finished
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.file_loader import LoadedFile
from mockllm.scenario.loader import LoadedScenarios, ScenarioSources, load_scenarios
from mockllm.scenario.lockfile import lock_path
from mockllm.scenario.scenario_folder import read_bytes, scenario_files
from mockllm.scenario.source_file import digest
from mockllm.scenario.typed_entries import TypedEntry
from mockllm.scenario.vocabulary import Vocabulary
from mockllm.server.engine_builder import Broken

VOCABULARY: Final = Vocabulary(PROVIDERS, DIALECT_NAMES, APIS, GENERATING_PATHS, GENERATING, ALIASES)
MOST: Final = 64
"""So many are kept; then all are forgotten."""

SETTLED: Final = 2_000_000_000
"""Nanoseconds after which a file's time tells of a later change: some systems count in whole seconds."""

_kept: dict[Any, CompiledBase] = {}


class CompiledBase:
    """The files and packs below what a test says in code."""

    def __init__(self, wanted: ScenarioSources) -> None:
        """Broken where they have mistakes."""
        gathered = load_scenarios(wanted)
        if gathered.mistakes:
            raise Broken(gathered.mistakes)
        self.gathered: LoadedScenarios = gathered
        self.entries: tuple[TypedEntry, ...] = tuple(gathered.entries)
        packs = gathered.loading.packs
        self._shipped = {pack.folder for pack in packs if pack.origin == "shipped"}
        self._folders = {path: _listed(path) for path in self._roots(wanted)}
        self._known = tuple(self._files())
        self._prints: dict[str, tuple[int, int, int]] = {}

    @cached_property
    def catalog(self) -> Catalog:
        """Compiled when a request first asks for it."""
        return finished(compile_catalog(self.entries))

    @cached_property
    def warnings(self) -> list[Diagnostic]:
        """What `mockllm check` warns of."""
        return catalog_lint.warnings(self.gathered)

    @property
    def fresh(self) -> bool:
        """Whether all files still hold what they held."""
        try:
            if any(_listed(path) != names for path, names in self._folders.items()):
                return False
            return all(self._unchanged(path, known) for path, known in self._known)
        except OSError:
            return False

    def _unchanged(self, path: str, known: str) -> bool:
        """By size, time and place where the last change is so long ago that another would show; else by what the
        file holds."""
        now, stat = time.time_ns(), os.stat(path)
        print = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
        if self._prints.get(path) == print:
            return True
        same = digest(read_bytes(path)) == known
        if same and now - stat.st_mtime_ns > SETTLED:
            self._prints[path] = print
        return same

    def _roots(self, wanted: ScenarioSources) -> Iterator[str]:
        yield from (os.path.abspath(given) for given in wanted.scenarios)
        for pack in self.gathered.loading.packs:
            if pack.folder not in self._shipped:
                yield pack.folder

    def _files(self) -> Iterator[tuple[str, str]]:
        """Each file that may change, and the digest of what it held."""
        loading = self.gathered.loading
        for file in (*loading.files, *loading.disabled):
            if file.folder not in self._shipped:
                yield file.path, file.raw.digest
                yield from _referred(file)
        for pack in loading.packs:
            if pack.folder not in self._shipped:
                yield pack.path, pack.source.digest


def compiled_base(wanted: ScenarioSources) -> CompiledBase:
    """What these files and packs make. Broken where they have mistakes."""
    settings = wanted.settings
    lock = _stamp(lock_path(wanted.scenarios))
    key = (os.getcwd(), tuple(wanted.scenarios), tuple(wanted.packs), dumps(dict(settings.values)), lock)
    found = _kept.get(key)
    if found is None or not found.fresh:
        if len(_kept) >= MOST:
            _kept.clear()
        found = _kept[key] = CompiledBase(wanted)
    return found


def _stamp(path: str) -> tuple[str, int, int]:
    """What tells whether a file was changed or made; none is a change too."""
    try:
        stat = os.stat(path)
    except OSError:
        return path, 0, 0
    return path, stat.st_mtime_ns, stat.st_size


def _listed(path: str) -> list[str]:
    return scenario_files(Path(path)) if os.path.isdir(path) else []


def _referred(file: LoadedFile) -> Iterator[tuple[str, str]]:
    for name, content in file.references.items():
        yield os.path.join(os.path.dirname(file.path), name), digest(content)
