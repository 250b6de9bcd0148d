"""Builds engines: the first one at start in this process, later ones with a child process.

The child parses the files, so that parsing never stalls running streams; a thread of this process compiles.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import sys
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from msgspec.structs import replace

from mockllm.engine import Engine
from mockllm.engine.settings import DEFAULT_SETTINGS, EngineSettings
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.diagnostics import Diagnostic, StaleSource, limited_suggestions
from mockllm.scenario.file_loader import LoadedFiles
from mockllm.scenario.loader import LoadedScenarios, ScenarioSources, load_scenarios
from mockllm.scenario.overlay import OverlaidEntries, merge_entries, missing_targets, replacement_targets
from mockllm.scenario.reload_worker import ReloadResult
from mockllm.scenario.typed_entries import TypedEntry
from mockllm.server.reload import RebuiltEngine
from mockllm.server.worker_thread import run_in_thread
from mockllm.state.engine_state import EngineState

T = TypeVar("T")
SLICE: Final = 0.001
"""Longest time in seconds of checking between two iterations of the event loop."""
CHILD: Final = "from mockllm.scenario.reload_worker import main; main()"
"""Runs with this process's module path, so that a `json.py` in the working directory is not imported."""


_ARGUMENTS: Final = {"--pack": "packs", "with": "params"}
"""The arguments of `MockLLM` in place of command-line options and of the key of an example."""


class Broken(Exception):
    """The scenarios have errors, and no earlier version exists. Its text is for code: it names arguments."""

    __module__ = "mockllm.testing"  # where code imports it: pytest shows the name before the text

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__("\n".join(map(_text_for_code, diagnostics)))
        self.diagnostics = diagnostics

    @property
    def mistakes(self) -> Sequence[Diagnostic]:
        """The older name of `diagnostics`, which code outside of the project may use."""
        return self.diagnostics


class LoadedRules(NamedTuple):
    """All that a catalog is compiled from: the entries of the files without their specs, the files whose reload
    failed, and the overlays."""

    entries: Sequence[TypedEntry] = ()
    stale: Sequence[StaleSource] = ()
    over: Sequence[OverlaidEntries] = ()


class Builder:
    """Builds engines for one set of scenarios, all with the same state."""

    def __init__(
        self,
        sources: ScenarioSources,
        state: EngineState,
        settings: EngineSettings = DEFAULT_SETTINGS,
        *,
        strict: bool = False,
    ) -> None:
        self.sources = sources
        self._state = state
        self._settings = settings
        self._strict = strict
        self.warnings: tuple[str, ...] = ()
        """Warnings about the present files."""
        self.variables: frozenset[str] = frozenset()
        """The environment variables that set parameters of the packs in use."""
        self._catalog: Catalog | None = None
        self._checks: Generator[None, None, Sequence[Diagnostic]] | None = None
        """Remaining checks of the first engine, see `looked_over`."""
        self._last: LoadedFiles | bytes | None = None
        self.watched: frozenset[Path] = frozenset()
        self.rules = LoadedRules()
        """The source of the present catalog; unchanged entries are reused."""
        self.activate: Callable[[Catalog, LoadedRules], Awaitable[None]] | None = None
        """Called with each later catalog before it is used. It may refuse the catalog with an exception."""
        self._building = asyncio.Lock()

    @limited_suggestions()
    def first(self, *, at_once: bool = False) -> Engine:
        """Return the first engine. Raises Broken on any error, or with `strict` on any warning. With `at_once` and
        without `strict`, `looked_over` later searches for warnings."""
        scenarios = load_scenarios(self.sources)
        if scenarios.diagnostics:
            warnings = run_steps(_warning_steps(scenarios)) if self._strict else ()
            raise Broken([*scenarios.diagnostics, *warnings])
        catalog = run_steps(compile_catalog(scenarios.entries))
        checks = _warning_steps(scenarios, catalog)
        if at_once and not self._strict:
            self._checks = checks
        else:
            warnings = run_steps(checks)
            if warnings and self._strict:
                raise Broken(warnings)
            self.warnings = tuple(map(str, warnings))
        self._last = scenarios.loaded
        self.rules = LoadedRules([replace(entry, spec=None) for entry in scenarios.entries])
        self.variables = _variables(scenarios.loaded)
        self.watched = frozenset(map(Path, scenarios.loaded.trees | scenarios.loaded.folders))
        return self._engine(catalog)

    async def looked_over(self) -> Sequence[str]:
        """Return the warnings about the first engine's files, if `first` left them for later."""
        checks, self._checks = self._checks, None
        with limited_suggestions():
            return () if checks is None else tuple(map(str, await _in_slices(checks)))

    async def again(self) -> RebuiltEngine:
        """Return an engine for the present files; a broken file is used in its last valid version."""
        async with self._building:
            result = await self._load()
            engine = await self._without_refused(LoadedRules(result.entries, result.stale, self.rules.over))
            self._last = result.loaded
            self.watched = frozenset(map(Path, result.trees | result.folders))
            self.warnings = tuple(result.warnings)
            return RebuiltEngine(engine, self.watched, self.warnings)

    async def overlaid(self, over: Sequence[OverlaidEntries], swap: Callable[[Engine], None]) -> None:
        """Build an engine of the last loaded files and these overlays, and pass it to `swap`. Raises Broken if an
        overlay replaces a missing rule."""
        async with self._building:
            swap(await self._with(self._overlaid(over)))

    async def previewed(self, over: Sequence[OverlaidEntries]) -> Catalog:
        """Return the catalog of the last loaded files and these overlays; nothing uses it. Raises Broken as
        `overlaid`."""
        return await self.compiled(self._overlaid(over))

    def _overlaid(self, over: Sequence[OverlaidEntries]) -> LoadedRules:
        """Return the loaded files with these overlays. Raises Broken if one replaces a missing rule."""
        entries, stale, before = self.rules
        accepted = replacement_targets(before)
        diagnostics = [
            diagnostic for overlay in over for diagnostic in missing_targets(overlay, entries, accepted)
        ]
        if diagnostics:
            raise Broken(diagnostics)
        return LoadedRules(entries, stale, over)

    async def compiled(self, rules: LoadedRules) -> Catalog:
        """Return the catalog of these rules."""
        entries, over = rules.entries, rules.over
        if not over:
            return await run_in_thread(partial(run_steps, compile_catalog(entries, self._catalog)))
        merged = merge_entries(entries, over)
        catalog = await run_in_thread(partial(run_steps, compile_catalog(merged, self._catalog)))
        uses_packs = any(entry.layer > 0 for entry in merged)
        return replace(catalog, uses_packs=uses_packs, file_count=len({entry.file for entry in entries}))

    def adopted(self, catalog: Catalog, rules: LoadedRules) -> Engine:
        """Return the engine of these rules, and delete the counts of all others."""
        self._state.retain(catalog.keys)
        self.rules = rules
        return self._engine(catalog)

    async def _with(self, rules: LoadedRules) -> Engine:
        catalog = await self.compiled(rules)
        if self.activate is not None:
            await self.activate(catalog, rules)
        return self.adopted(catalog, rules)

    async def _without_refused(self, rules: LoadedRules) -> Engine:
        """Return the engine of these rules. Files that `activate` refuses are used in their last good version."""
        while True:
            try:
                return await self._with(rules)
            except Broken as broken:
                kept = rules_without(broken.diagnostics, rules, self.rules)
                if kept is None:
                    raise
                rules = kept

    def _engine(self, catalog: Catalog) -> Engine:
        self._catalog = catalog
        return Engine(catalog, self._state, self._settings, stale=self.rules.stale)

    async def _load(self) -> ReloadResult:
        if isinstance(self._last, LoadedFiles):
            self._last = pickle.dumps(self._last, -1)
        starting = asyncio.create_task(asyncio.create_subprocess_exec(
            sys.executable, "-P", "-c", f"import sys; sys.path[:] = {sys.path!r}; {CHILD}",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        ))  # fmt: skip
        try:
            child = await asyncio.shield(starting)
            out, err = await child.communicate(pickle.dumps((self.sources, self._last), -1))
        except asyncio.CancelledError:  # the server stops: its loop cannot be closed while the child runs
            await _ended(await starting)
            raise
        if child.returncode:
            raise RuntimeError(
                err.decode("utf-8", "replace").strip().rpartition("\n")[2]
                or "the loader ended without a message"
            )
        result: ReloadResult = pickle.loads(out)  # noqa: S301 - written by the child process
        return result


def _text_for_code(diagnostic: Diagnostic) -> str:
    option, space, name = diagnostic.file.partition(" ")
    if diagnostic.line or option not in _ARGUMENTS:
        return str(diagnostic)
    return str(replace(diagnostic, file=f"{_ARGUMENTS[option]}{space}{name}"))


def rules_without(
    diagnostics: Sequence[Diagnostic], rules: LoadedRules, before: LoadedRules
) -> LoadedRules | None:
    """Return the rules with the entries before of all files with mistakes, which are stale then. None if that changes
    nothing."""
    reasons: dict[str, list[str]] = {}
    for diagnostic in diagnostics:
        reasons.setdefault(diagnostic.file, []).append(str(diagnostic))
    earlier = [entry for entry in before.entries if _file(entry) in reasons]
    kept = [entry for entry in rules.entries if _file(entry) not in reasons]
    entries = sorted((*kept, *earlier), key=lambda entry: (entry.kind == "modifier", entry.rank))
    if {entry.digest for entry in entries} == {entry.digest for entry in rules.entries}:
        return None
    used = {_file(entry) for entry in earlier}
    refused = [StaleSource(file, "\n".join(lines), file in used) for file, lines in reasons.items()]
    return rules._replace(entries=entries, stale=[*rules.stale, *refused])


def _file(entry: TypedEntry) -> str:
    return entry.file_and_line.rpartition(":")[0]


async def _ended(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    if child.stdin is not None:
        child.stdin.close()
    await child.communicate()


def _warning_steps(
    scenarios: LoadedScenarios, catalog: Catalog | None = None
) -> Generator[None, None, Sequence[Diagnostic]]:
    """Check the scenarios in steps. Return the warnings."""
    from mockllm.scenario import catalog_lint  # takes 10 ms, and the server listens before the first step

    return (yield from catalog_lint.warning_steps(scenarios, catalog))


async def _in_slices(steps: Generator[None, None, T]) -> T:
    while True:
        end = time.perf_counter() + SLICE
        try:
            while time.perf_counter() < end:
                next(steps)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        await asyncio.sleep(0)


def _variables(loaded: LoadedFiles) -> frozenset[str]:
    named = [param.env for pack in loaded.packs for param in pack.manifest.params.values()]
    return frozenset(name for env in named for name in ([env] if isinstance(env, str) else env or ()))
