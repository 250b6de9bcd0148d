"""Typed rules and modifiers, one by one: what the language's models make of the loaded files.

Each is read on its own, so that one mistake does not hide the others, and what is disabled is never typed.
Entries can be pickled: a reload types them in another process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace
from pydantic import Field, JsonValue, ValidationError

from mockllm.core.json.codec import Json, canonical
from mockllm.core.selection.decision import Models, Validation
from mockllm.scenario.diagnostics import Diagnostic, Path, meant
from mockllm.scenario.file_loader import LoadedFile, LoadedFiles
from mockllm.scenario.language.base import Spec
from mockllm.scenario.pack_graph import Use, UsedPack
from mockllm.scenario.raw_entries import MODELS, Kind, RawEntry, raw_entries, references, shorts, word_of
from mockllm.scenario.validation_errors import diagnostics_of
from mockllm.scenario.vocabulary import Vocabulary

if TYPE_CHECKING:
    from mockllm.scenario.example_entries import ExampleEntry


class TypedEntry(Struct, frozen=True):
    """A rule or modifier with all that it was made of. `id` is what a person reads, `where` its file and
    line, `key` names its counts (id and content), `print` tells whether anything about it changed. Of
    `layer`s the lower one's settings win; `rank` is its place among those of its kind."""

    kind: Kind
    id: str
    where: str
    file: str
    path: Path
    key: str
    digest: str
    layer: int
    rank: tuple[int, ...]
    item: Json
    spec: Any
    params: Mapping[str, Json] = field(default_factory=dict)
    validation: Validation = "strict"
    models: Models = "any"
    files: Mapping[str, bytes] = field(default_factory=dict)

    def typed(self) -> TypedEntry:
        """The entry with its word. A word does not travel between processes: it is made anew from what it was
        made of, which was found to have no mistakes."""
        if self.spec is not None:
            return self
        read = self.files.__getitem__
        return replace(self, spec=word_of(self.kind, self.item, self.where, self.params, read))


class FileOutline(Spec):
    """A scenario file's top level; its rules, modifiers and examples are read one by one."""

    mockllm: Literal[1] = 1
    use: JsonValue = None
    enabled: JsonValue = True
    validation: Validation | None = None
    models: Models | None = None
    rules: list[Any] = Field(default_factory=list)
    modifiers: list[Any] = Field(default_factory=list)
    examples: list[Any] = Field(default_factory=list)


class EntryTyper(Struct):
    """The entries of a loading, and what is wrong with them."""

    vocabulary: Vocabulary
    exemplified: bool = True
    """Whether examples are read."""
    entries: list[TypedEntry] = field(default_factory=list)
    examples: list[ExampleEntry] = field(default_factory=list)
    mistakes: list[Diagnostic] = field(default_factory=list)
    references: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """What the files that a file refers to hold, by its path and by what it calls them."""
    off: set[str] = field(default_factory=set)
    """The ids of disabled items, in both forms."""
    switched: list[tuple[RawEntry, str]] = field(default_factory=list)
    """Disabled items, and what each `replaces`: switched off."""

    def read(self, loading: LoadedFiles) -> None:
        layers: dict[str | None, int] = {None: 0}
        for number, file in enumerate(loading.files):
            outline = self.outline(file)
            if outline is None:
                continue
            pack = file.pack if file.layer == "pack" else None
            self.items(file, outline, layers.setdefault(pack, len(layers)), number)
            if self.exemplified and outline.examples:
                self.read_examples(file, outline.examples, loading.packs)
        self.chosen(loading)
        for file in loading.disabled:
            for written in raw_entries(file):
                self.off |= written.ids
        self.replace(loading)
        self.entries.sort(key=lambda entry: (entry.kind == "modifier", entry.rank))

    def read_examples(self, file: LoadedFile, items: Sequence[Any], packs: Sequence[UsedPack]) -> None:
        from mockllm.scenario.example_entries import (  # many words, for those who ask
            ExampleEntry,
            read_example,
        )

        for index, item in enumerate(items):
            example = read_example(file, item, index, packs, self.vocabulary)
            if isinstance(example, ExampleEntry):
                self.examples.append(example)
            else:
                self.mistakes += example

    def items(self, file: LoadedFile, outline: FileOutline, layer: int, number: int) -> None:
        names: dict[str, RawEntry] = {}
        for written in raw_entries(file):
            self.name(written, names)
            if self.counts(written):
                self.item(written, outline, layer, number)

    def outline(self, file: LoadedFile) -> FileOutline | None:
        data = {} if file.source.data is None else file.source.data
        try:
            return FileOutline.model_validate(data)
        except ValidationError as error:
            self.mistakes += diagnostics_of(error, file.source, (), FileOutline)
            return None

    def name(self, written: RawEntry, names: dict[str, RawEntry]) -> None:
        name = written.get("name")
        if not isinstance(name, str):
            return
        if name in names:
            line = written.file.source.where((*names[name].path, "name")).line
            message = f'"{name}" is the name of another one, in line {line}; names are unique in a file'
            self.mistakes.append(written.mistake(message, "name"))
        elif not name or not name.isprintable():
            message = "a name is a text of printable characters, and not empty"
            self.mistakes.append(written.mistake(message, "name"))
        names.setdefault(name, written)

    def counts(self, written: RawEntry) -> bool:
        """Whether it is used and enabled; notes what is not."""
        if not written.used:
            return False
        try:
            if written.enabled:
                return True
        except ValueError as error:
            self.mistakes.append(written.mistake(str(error), "enabled"))
            return False
        self.off |= written.ids
        target = written.get("replaces")
        if isinstance(target, str):
            self.switched.append((written, target))
        return False

    def item(self, written: RawEntry, outline: FileOutline, layer: int, number: int) -> None:
        """Types what counts; `number` is that of its file."""
        validation = outline.validation or written.file.validation
        models = outline.models or written.file.models
        files: dict[str, bytes] = {}
        word = self.typed(written, files)
        self.references.setdefault(written.file.path, {}).update(files)
        if word is None:
            return
        params = written.file.params.values
        content = canonical(_plain(written.data))
        used = sorted((name, _digest(held)) for name, held in files.items())
        self.entries.append(
            TypedEntry(
                kind=written.kind,
                id=written.id,
                where=written.where,
                file=written.file.path,
                path=written.path,
                key=f"{written.id}#{_digest(content)}",
                digest=_digest(content + canonical([_plain(dict(params)), validation, models, used])),
                layer=min(layer, 1),
                rank=(int(getattr(word, "fallback", False)), layer, -word.priority, number, written.index),
                item=written.data,
                spec=word,
                params=params,
                validation=validation,
                models=models,
                files=files,
            )
        )

    def typed(self, written: RawEntry, files: dict[str, bytes]) -> Any:
        """The word, or None where there is a mistake; `files` takes what it refers to."""

        def read(name: str) -> bytes:
            files[name] = written.file.reference(name)
            return files[name]

        params, untrusted = written.file.params.values, written.file.layer == "pack"
        try:
            word = word_of(
                written.kind, written.data, written.where, params, read, self.vocabulary, untrusted
            )
        except ValidationError as error:
            found = diagnostics_of(error, written.file.source, written.path, MODELS[written.kind])
            self.mistakes += (each for each in found if not written.unfilled(each))
            return None
        mistakes = []
        for below, name in references(word):
            try:
                read(name)
            except ValueError as error:
                mistakes.append(written.mistake(str(error), *below))
        self.mistakes += mistakes
        return None if mistakes else word

    def chosen(self, loading: LoadedFiles) -> None:
        """Every name in an `only` or `except` must be one of the pack's."""
        names: dict[str, tuple[Use, set[str]]] = {}
        for file in (*loading.files, *loading.disabled):
            if file.use is not None and isinstance(file.source.data, dict):
                known = names.setdefault(file.use.name, (file.use, set()))[1]
                items = [*_list(file.source.data.get("rules")), *_list(file.source.data.get("modifiers"))]
                known |= {str(item["name"]) for item in items if isinstance(item, dict) and "name" in item}
        for use, known in names.values():
            for word, wanted in (("only", use.only), ("except", use.except_)):
                for index, name in enumerate(wanted or ()):
                    if name not in known:
                        hint = meant(name, sorted(known))
                        message = f'the pack {use.name} has no rule or modifier "{name}"{hint}'
                        self.mistakes.append(use.source.mistake((*use.path, word, index), message))

    # --- replaces ------------------------------------------------------------------------------

    def replace(self, loading: LoadedFiles) -> None:
        """Puts what `replaces` another item into its place and layer, and takes out what is switched off."""
        files = {file.path: file for file in loading.files}
        by_id = self.by_id()
        gone: set[int] = set()
        for written, target in self.switched:
            found = self.target(written, target, by_id)
            gone |= set() if found is None else {found}
        for place, entry in enumerate(self.entries):
            if entry.spec.replaces is not None:
                written = RawEntry(files[entry.file], entry.kind, int(entry.path[1]), entry.item)
                found = self.target(written, entry.spec.replaces, by_id)
                if found is not None:
                    gone.add(found)
                    old = self.entries[found]
                    self.entries[place] = replace(entry, layer=old.layer, rank=old.rank)
        self.entries = [entry for place, entry in enumerate(self.entries) if place not in gone]

    def target(self, written: RawEntry, target: str, by_id: Mapping[str, int]) -> int | None:
        others = {}
        for id, place in by_id.items():
            entry = self.entries[place]
            if entry.kind == written.kind and (entry.file, entry.path) != (written.file.path, written.path):
                others[id] = place
        if target in others:
            return others[target]
        if target not in self.off:
            message = f'there is no {written.kind} "{target}"{meant(target, list(others))}'
            self.mistakes.append(written.mistake(message, "replaces"))
        return None

    def by_id(self) -> dict[str, int]:
        """Items by their ids, and by `pack:name` where that is unique."""
        found: dict[str, int] = {}
        by_short: dict[str, list[int]] = {}
        for place, entry in enumerate(self.entries):
            found[entry.id] = place
            for short in shorts(entry.id):
                by_short.setdefault(short, []).append(place)
        return {**{id: places[0] for id, places in by_short.items() if len(places) == 1}, **found}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _plain(value: Json) -> Json:
    """JSON that orjson writes: texts that know how they were filled are subclasses of str."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(child) for key, child in value.items()}
    return [_plain(child) for child in value] if isinstance(value, list) else value


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=12).hexdigest()
