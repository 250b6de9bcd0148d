"""From folders to typed entries: load and type the files; on a reload, replace broken files by their last
good versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.scenario.compiler import compile_item
from mockllm.scenario.diagnostics import (
    Diagnostic,
    StaleSource,
    first_diagnostics,
    limited_suggestions,
    unexpected,
)
from mockllm.scenario.file_loader import LoadedFiles, load_files
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.lockfile import lock_path
from mockllm.scenario.manifest import ParamSettings
from mockllm.scenario.pack_resolver import PackResolver
from mockllm.scenario.scenario_folder import has_scenario_files
from mockllm.scenario.typed_entries import EntryTyper, TypedEntry

if TYPE_CHECKING:
    from mockllm.scenario.example_entries import ExampleEntry


class ScenarioSources(Struct, frozen=True):
    """The folders or files of scenarios, the shipped packs by name, and the parameter settings to load."""

    scenarios: Sequence[str]
    packs: Sequence[str] = ()
    settings: ParamSettings = field(default_factory=ParamSettings)
    known_names: KnownNames = field(default_factory=KnownNames)
    examples: bool = True
    """Whether examples are read; a server does not need them."""
    lock: str | None = None
    """The path of the lockfile; None means the one beside the scenarios."""
    frozen: bool = False
    """Whether packs must come unchanged from the lockfile."""
    awaited: str | None = None
    """A folder that replaces the packs as soon as it has a scenario file."""


class LoadedScenarios(Struct, frozen=True):
    """The result of loading. On a reload, `diagnostics` are the errors of stale files."""

    loaded: LoadedFiles
    entries: Sequence[TypedEntry]
    diagnostics: Sequence[Diagnostic]
    examples: Sequence[ExampleEntry] = ()
    known_names: KnownNames = field(default_factory=KnownNames)

    @property
    def stale(self) -> Sequence[StaleSource]:
        """The files that could not be reloaded."""
        messages: dict[str, list[str]] = {}
        for diagnostic in self.diagnostics:
            messages.setdefault(diagnostic.file, []).append(str(diagnostic))
        still_used = self.loaded.stale
        return [StaleSource(file, "\n".join(lines), file in still_used) for file, lines in messages.items()]


@limited_suggestions()
def load_scenarios(sources: ScenarioSources, last: LoadedFiles | None = None) -> LoadedScenarios:
    """Load and type all files. Without `last`, all errors are listed. With `last`, files with errors use
    their last good version."""
    diagnostics: dict[Diagnostic, None] = {}
    broken: set[str] = set()
    named: set[str] = set()
    if sources.awaited is not None:
        named.add(sources.awaited)
        if has_scenario_files(Path(sources.awaited)):
            sources = replace(sources, scenarios=[sources.awaited], packs=())
    while True:
        resolver = PackResolver.for_lock(sources.lock or lock_path(sources.scenarios), sources.frozen)
        loaded = load_files(
            sources.scenarios, sources.packs, sources.settings, last, broken, resolver=resolver
        )
        typer = EntryTyper(sources.known_names, sources.examples)
        typer.read(loaded)
        if last is not None:
            typer.diagnostics += _failures(typer.entries, loaded)
        named |= typer.named
        diagnostics.update(dict.fromkeys(loaded.diagnostics))
        reported = {(found.file, found.line, found.column) for found in loaded.diagnostics}
        own = (each for each in typer.diagnostics if (each.file, each.line, each.column) not in reported)
        diagnostics.update(dict.fromkeys(own))
        paths = {file.source.name: file.path for file in loaded.files}
        newly_broken = {paths[each.file] for each in typer.diagnostics if each.file in paths} - broken
        if last is None or not newly_broken:
            files = _with_references(loaded, typer, named)
            listed = first_diagnostics([*diagnostics])
            return LoadedScenarios(files, typer.entries, listed, typer.examples, sources.known_names)
        broken |= newly_broken


def _failures(entries: Sequence[TypedEntry], loaded: LoadedFiles) -> Iterator[Diagnostic]:
    """Yield an error for each entry whose compilation fails, which no check has found: it concerns its own file only,
    and no other reload."""
    sources = {file.path: file.source for file in loaded.files}
    for entry in entries:
        try:
            compile_item(entry)
        except Exception as error:
            yield sources[entry.file].diagnostic(entry.path, unexpected(error))


def _with_references(loaded: LoadedFiles, typer: EntryTyper, named: set[str]) -> LoadedFiles:
    """Return the loaded files with the files that they refer to: both belong to one last good version. All `named`
    files are watched."""
    files = (replace(file, references=typer.references.get(file.path, {})) for file in loaded.files)
    return replace(loaded, files=tuple(files), trees=loaded.trees | named)
