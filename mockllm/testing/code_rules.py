"""What a test puts over the files: rules written in code, and files that it loads, the newest first.

Written in the scenario language and typed by the loader that types files, so a mistake in code is told as
one in a file is, with the place in the test where it was written.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from types import FrameType
from typing import Any, Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.file_loader import LoadedFile, LoadedFiles, load_files
from mockllm.scenario.loader import ScenarioSources
from mockllm.scenario.raw_entries import Kind
from mockllm.scenario.source_file import Source, packed
from mockllm.scenario.typed_entries import EntryTyper, TypedEntry
from mockllm.server.engine_builder import Broken
from mockllm.testing.catalog_cache import VOCABULARY

__tracebackhide__ = True  # of a test that fails, the test's own lines are shown

OURS: Final = "mockllm.testing."
OVER: Final = -1
"""The layer whose settings beat those of files and packs."""
PACKS: Final = 1000
"""More packs than any one loading has."""


class Caller(NamedTuple):
    """The line of a test that calls us."""

    file: str
    line: int

    @property
    def shown(self) -> str:
        """The file, as short as it can be told from here."""
        try:
            near = os.path.relpath(self.file)
        except ValueError:  # another drive
            return self.file
        return self.file if near.startswith("..") else near


def caller() -> Caller:
    """Who called, from outside of this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__")).startswith(OURS):
        frame = frame.f_back
    assert frame is not None
    return Caller(os.path.abspath(frame.f_code.co_filename), frame.f_lineno)


class CodeRules(Struct, frozen=True):
    """Rules and modifiers to be put over others. `replaces` is settled when it is known what they are put over."""

    loading: LoadedFiles
    typing: EntryTyper

    @property
    def entries(self) -> Sequence[TypedEntry]:
        return self.typing.entries

    def over(
        self, below: Sequence[TypedEntry], number: int
    ) -> tuple[Sequence[TypedEntry], Sequence[Diagnostic]]:
        """All entries with these above; `number` grows with each addition. With what is wrong with that."""
        own = [_raised(entry, number) for entry in self.entries]
        if not self.typing.switched and all(entry.spec.replaces is None for entry in own):
            return [*own, *below], ()
        typing = EntryTyper(
            VOCABULARY, entries=[*own, *map(_settled, below)], switched=list(self.typing.switched)
        )
        typing.replace(self.loading)
        return typing.entries, typing.mistakes


class _Open(EntryTyper):
    """Typing that leaves open what `replaces` means."""

    def replace(self, loading: LoadedFiles) -> None:
        """Left to `Addition.over`."""


def written(kind: Kind, item: Mapping[str, Any], by: Caller, name: str) -> CodeRules:
    """A rule or modifier written in code; called `name` where it has none. Broken where it has mistakes."""
    data = _json(item)
    own_name = data.get("name", name)
    filled = {**data, "name": own_name}
    mark = packed(by.line, 1)
    source = Source(by.shown, {f"{kind}s": [filled]}, (mark, mark, None))
    folder, file_name = os.path.split(by.file)
    file = LoadedFile(by.file, file_name, source, source, folder, "user")
    return _typed(LoadedFiles((file,), (), (), (), (), frozenset(), frozenset()), unique=f"@{name}")


def loaded(wanted: ScenarioSources) -> CodeRules:
    """Files put over others. Broken where they have mistakes."""
    loading = load_files(wanted.scenarios, wanted.packs, wanted.settings)
    return _typed(loading)


def _typed(loading: LoadedFiles, unique: str = "") -> CodeRules:
    typing = _Open(VOCABULARY, exemplified=False)
    typing.read(loading)
    mistakes = [*loading.diagnostics, *(each for each in typing.mistakes if each not in loading.diagnostics)]
    if mistakes:
        raise Broken(mistakes)
    # Equal rules of two calls are two rules, and counted apart.
    typing.entries = [replace(entry, key=entry.key + unique) for entry in typing.entries]
    return CodeRules(loading, typing)


def merged(
    entries: Sequence[TypedEntry], additions: Iterable[CodeRules]
) -> tuple[Sequence[TypedEntry], list[Diagnostic]]:
    """The entries in their order, the additions above them; with what is wrong with the last of these."""
    mistakes: Sequence[Diagnostic] = ()
    for number, addition in enumerate(additions, 1):
        entries, mistakes = addition.over(entries, number)
    ordered = sorted(entries, key=lambda entry: (entry.kind == "modifier", entry.rank))
    kept: dict[tuple[str, str], TypedEntry] = {}
    for entry in ordered:
        kept.setdefault((entry.key, entry.digest), entry)  # a pack that two of them use is used once
    return tuple(kept.values()), [*mistakes]


def _raised(entry: TypedEntry, number: int) -> TypedEntry:
    """An entry in its place above: the user's own stand over all files, and a pack's behind the other packs."""
    fallback, layer, *rest = entry.rank
    if layer > 0:
        return replace(entry, rank=(fallback, layer + number * PACKS, *rest))
    return replace(entry, layer=OVER, rank=(fallback, -number, *rest))


def _settled(entry: TypedEntry) -> TypedEntry:
    """An entry that replaced something already."""
    if entry.spec.replaces is None:
        return entry
    return replace(entry, spec=entry.spec.model_copy(update={"replaces": None}))


def _json(value: Any) -> Any:
    """Mappings, tuples and paths as files have them; what no file could hold is left to the loader."""
    if isinstance(value, Mapping):
        return {key: _json(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_json(child) for child in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else value
