"""Rules that a test adds above the files: rules written in code, and files that it loads, the newest first.

The rules use the scenario language and the loader of files. So a mistake in code has the same message as one in a
file, with the position in the test.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.matching.matchers import Matcher
from mockllm.engine.known_names import KNOWN_NAMES
from mockllm.scenario.compiler import request_matcher
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.file_loader import LoadedFile, LoadedFiles, load_files
from mockllm.scenario.raw_entries import EntryKind
from mockllm.scenario.source_file import Source, pack_position
from mockllm.scenario.typed_entries import EntryTyper, TypedEntry
from mockllm.server.engine_builder import Broken
from mockllm.testing.caller import Caller
from mockllm.testing.code_values import CodeValues

__tracebackhide__ = True  # a traceback shows the lines of the test only

OVER: Final = -1
"""The layer whose settings have priority over those of files and packs."""
PACKS: Final = 1000
"""More than the number of packs in one load."""


class CodeRules(Struct, frozen=True):
    """Rules and modifiers to add above others. `replaces` is resolved when the others are known."""

    loaded: LoadedFiles
    typing: EntryTyper

    @property
    def entries(self) -> Sequence[TypedEntry]:
        return self.typing.entries

    def over(
        self, below: Sequence[TypedEntry], number: int
    ) -> tuple[Sequence[TypedEntry], Sequence[Diagnostic]]:
        """Return all entries with these above, and the mistakes. `number` grows with each addition."""
        own = [_ranked(entry, number) for entry in self.entries]
        if not self.typing.disabling and all(entry.spec.replaces is None for entry in own):
            return [*own, *below], ()
        typing = EntryTyper(
            KNOWN_NAMES, entries=[*own, *map(_without_replaces, below)], disabling=list(self.typing.disabling)
        )
        typing.apply_replacements(self.loaded)
        return typing.entries, typing.diagnostics


class _Open(EntryTyper):
    """A typer that does not resolve `replaces`."""

    def apply_replacements(self, loaded: LoadedFiles) -> None:
        """Do nothing: `CodeRules.over` resolves `replaces`."""


def compile_item(
    kind: EntryKind, item: Mapping[str, object], by: Caller, name: str, owner: str = ""
) -> CodeRules:
    """Compile a rule or modifier written in code. `name` is its default name, which is unique for `owner`: the id of
    a session, or empty. Raise Broken for mistakes."""
    data = CodeValues(kind, by).mapping(item)
    own_name = data.get("name", name)
    filled = {**data, "name": own_name}
    mark = pack_position(by.line, 1)
    source = Source(by.shown, {f"{kind}s": [filled]}, (mark, mark, None))
    folder, file_name = os.path.split(by.file)
    file = LoadedFile(by.file, file_name, source, source, folder, "user")
    return _typed(LoadedFiles((file,), (), (), (), (), frozenset(), frozenset()), unique=f"@{owner}/{name}")


def compile_match(match: object, by: Caller) -> Matcher:
    """Return the matcher of a match in code. Raise Broken for mistakes, with their paths in the match."""
    try:
        rule = compile_item("rule", {"match": match, "reply": ""}, by, "verify")
    except Broken as broken:
        own = [replace(each, path=each.path.removeprefix("rules[0].")) for each in broken.diagnostics]
        raise Broken(own) from None
    return request_matcher(rule.entries[0].spec)


def load_rules(paths: Sequence[str]) -> CodeRules:
    """Load files to add above others. Raise Broken for mistakes."""
    return _typed(load_files(paths))


def _typed(loaded: LoadedFiles, unique: str = "") -> CodeRules:
    typing = _Open(KNOWN_NAMES, with_examples=False)
    typing.read(loaded)
    if diagnostics := list(dict.fromkeys((*loaded.diagnostics, *typing.diagnostics))):
        raise Broken(diagnostics)
    # Equal rules of two calls are two rules with separate counts.
    typing.entries = [replace(entry, key=entry.key + unique) for entry in typing.entries]
    return CodeRules(loaded, typing)


def merged(
    entries: Sequence[TypedEntry], additions: Iterable[CodeRules]
) -> tuple[Sequence[TypedEntry], list[Diagnostic]]:
    """Return the entries in their order, with the additions above, and the mistakes of the last addition."""
    diagnostics: Sequence[Diagnostic] = ()
    for number, addition in enumerate(additions, 1):
        entries, diagnostics = addition.over(entries, number)
    ordered = sorted(entries, key=lambda entry: (entry.kind == "modifier", entry.rank))
    unique: dict[tuple[str, str], TypedEntry] = {}
    for entry in ordered:
        unique.setdefault((entry.key, entry.digest), entry)  # a pack that two of them use is used once
    return tuple(unique.values()), [*diagnostics]


def _ranked(entry: TypedEntry, number: int) -> TypedEntry:
    """Return the entry with its new rank: the user's entries above all files, a pack's entries after all packs."""
    fallback, layer, *rest = entry.rank
    if layer > 0:
        return replace(entry, rank=(fallback, layer + number * PACKS, *rest))
    return replace(entry, layer=OVER, rank=(fallback, -number, *rest))


def _without_replaces(entry: TypedEntry) -> TypedEntry:
    """Return an entry without `replaces`: it has replaced something already."""
    if entry.spec.replaces is None:
        return entry
    return replace(entry, spec=entry.spec.model_copy(update={"replaces": None}))
