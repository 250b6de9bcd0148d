"""Everything between folders and a catalog: load, type, and on a reload put last good versions in place of
what is broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.scenario.diagnostics import Diagnostic, StaleSource
from mockllm.scenario.file_loader import LoadedFiles, load_files
from mockllm.scenario.lockfile import lock_path
from mockllm.scenario.manifest import ParamSettings
from mockllm.scenario.pack_resolver import PackResolver
from mockllm.scenario.typed_entries import EntryTyper, TypedEntry
from mockllm.scenario.vocabulary import Vocabulary

if TYPE_CHECKING:
    from mockllm.scenario.example_entries import ExampleEntry


class ScenarioSources(Struct, frozen=True):
    """What to load: folders or files of scenarios, shipped packs by name, and what sets their parameters."""

    scenarios: Sequence[str]
    packs: Sequence[str] = ()
    settings: ParamSettings = field(default_factory=ParamSettings)
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    examples: bool = True
    """Whether examples are read: a server answers without them."""
    lock: str | None = None
    """The path of the lock; None for the one beside the scenarios."""
    frozen: bool = False
    """Whether packs come from the lock only, just as it has them."""


class LoadedScenarios(Struct, frozen=True):
    """What came of it. On a reload `mistakes` are those of files that are stale."""

    loading: LoadedFiles
    entries: Sequence[TypedEntry]
    mistakes: Sequence[Diagnostic]
    examples: Sequence[ExampleEntry] = ()
    vocabulary: Vocabulary = field(default_factory=Vocabulary)

    @property
    def stale(self) -> Sequence[StaleSource]:
        """The files that could not be loaded anew."""
        told: dict[str, list[str]] = {}
        for mistake in self.mistakes:
            told.setdefault(mistake.file, []).append(str(mistake))
        kept = self.loading.stale
        return [StaleSource(file, "\n".join(lines), file in kept) for file, lines in told.items()]


def load_scenarios(wanted: ScenarioSources, last: LoadedFiles | None = None) -> LoadedScenarios:
    """Loads and types everything. Without `last` all mistakes are listed; with it the files that have one keep
    their last good version."""
    mistakes: list[Diagnostic] = []
    broken: set[str] = set()
    while True:
        shelf = PackResolver.beside(wanted.lock or lock_path(wanted.scenarios), wanted.frozen)
        loading = load_files(wanted.scenarios, wanted.packs, wanted.settings, last, broken, shelf=shelf)
        typing = EntryTyper(wanted.vocabulary, wanted.examples)
        typing.read(loading)
        mistakes += [each for each in loading.diagnostics if each not in mistakes]
        read = {(each.file, each.line, each.column) for each in loading.diagnostics}
        follows = [each for each in typing.mistakes if (each.file, each.line, each.column) in read]
        mistakes += [each for each in typing.mistakes if each not in (*mistakes, *follows)]
        paths = {file.source.name: file.path for file in loading.files}
        found = {paths[each.file] for each in typing.mistakes if each.file in paths} - broken
        if last is None or not found:
            kept = _with_references(loading, typing)
            return LoadedScenarios(kept, typing.entries, mistakes, typing.examples, wanted.vocabulary)
        broken |= found


def _with_references(loading: LoadedFiles, typing: EntryTyper) -> LoadedFiles:
    """The loading with what its files refer to: a last good version is one of both."""
    files = (replace(file, references=typing.references.get(file.path, {})) for file in loading.files)
    return replace(loading, files=tuple(files))
