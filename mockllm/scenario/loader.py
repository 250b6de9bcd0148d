"""Everything between folders and a catalog: load, type, and on a reload put last good versions in place of
what is broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.scenario.diagnostics import Mistake, Stale
from mockllm.scenario.file_loader import Loading, load_files
from mockllm.scenario.lockfile import lock_path
from mockllm.scenario.manifest import Settings
from mockllm.scenario.pack_resolver import Shelf
from mockllm.scenario.typed_entries import Entry, Typing
from mockllm.scenario.vocabulary import Vocabulary

if TYPE_CHECKING:
    from mockllm.scenario.example_entries import ExampleEntry


class Wanted(Struct, frozen=True):
    """What to load: folders or files of scenarios, shipped packs by name, and what sets their parameters."""

    scenarios: Sequence[str]
    packs: Sequence[str] = ()
    settings: Settings = field(default_factory=Settings)
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    examples: bool = True
    """Whether examples are read: a server answers without them."""
    lock: str | None = None
    """The path of the lock; None for the one beside the scenarios."""
    frozen: bool = False
    """Whether packs come from the lock only, just as it has them."""


class Gathered(Struct, frozen=True):
    """What came of it. On a reload `mistakes` are those of files that are stale."""

    loading: Loading
    entries: Sequence[Entry]
    mistakes: Sequence[Mistake]
    examples: Sequence[ExampleEntry] = ()
    vocabulary: Vocabulary = field(default_factory=Vocabulary)

    @property
    def stale(self) -> Sequence[Stale]:
        """The files that could not be loaded anew."""
        told: dict[str, list[str]] = {}
        for mistake in self.mistakes:
            told.setdefault(mistake.file, []).append(str(mistake))
        kept = self.loading.stale
        return [Stale(file, "\n".join(lines), file in kept) for file, lines in told.items()]


def gather(wanted: Wanted, last: Loading | None = None) -> Gathered:
    """Loads and types everything. Without `last` all mistakes are listed; with it the files that have one keep
    their last good version."""
    mistakes: list[Mistake] = []
    broken: set[str] = set()
    while True:
        shelf = Shelf.beside(wanted.lock or lock_path(wanted.scenarios), wanted.frozen)
        loading = load_files(wanted.scenarios, wanted.packs, wanted.settings, last, broken, shelf=shelf)
        typing = Typing(wanted.vocabulary, wanted.examples)
        typing.read(loading)
        mistakes += [each for each in loading.mistakes if each not in mistakes]
        read = {(each.file, each.line, each.column) for each in loading.mistakes}
        follows = [each for each in typing.mistakes if (each.file, each.line, each.column) in read]
        mistakes += [each for each in typing.mistakes if each not in (*mistakes, *follows)]
        paths = {file.source.name: file.path for file in loading.files}
        found = {paths[each.file] for each in typing.mistakes if each.file in paths} - broken
        if last is None or not found:
            kept = _with_references(loading, typing)
            return Gathered(kept, typing.entries, mistakes, typing.examples, wanted.vocabulary)
        broken |= found


def _with_references(loading: Loading, typing: Typing) -> Loading:
    """The loading with what its files refer to: a last good version is one of both."""
    files = (replace(file, references=typing.references.get(file.path, {})) for file in loading.files)
    return replace(loading, files=tuple(files))
