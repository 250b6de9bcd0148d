"""Typed rules and modifiers, one by one: what the language's models make of the loaded files.

Each is read on its own, so that one mistake does not hide the others, and what is disabled is never typed.
Entries can be pickled: a reload types them in another process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, Field, JsonValue, ValidationError

from mockllm.core.claim import Validation
from mockllm.core.json import Json, canonical
from mockllm.scenario.complaints import mistakes_in
from mockllm.scenario.examples import ExampleEntry, read_example
from mockllm.scenario.language.answers import FileText, HttpWord
from mockllm.scenario.language.model import Word
from mockllm.scenario.language.rule import ModifierWord, RuleWord
from mockllm.scenario.loading import LoadedFile, Loading
from mockllm.scenario.mistakes import Mistake, Path, meant
from mockllm.scenario.uses import Use, UsedPack
from mockllm.scenario.vocabulary import Vocabulary

Kind: TypeAlias = Literal["rule", "modifier"]
_MODELS: Mapping[Kind, type[RuleWord] | type[ModifierWord]] = {"rule": RuleWord, "modifier": ModifierWord}


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule or modifier with all that it was made of. `id` is what a person reads, `where` its file and
    line, `key` names its counts (id and content), `print` tells whether anything about it changed. Of
    `layer`s the lower one's settings win; `rank` is its place among those of its kind."""

    kind: Kind
    id: str
    where: str
    file: str
    path: Path
    key: str
    print: str
    layer: int
    rank: tuple[int, ...]
    item: Json
    word: Any
    params: Mapping[str, Json] = field(default_factory=dict)
    validation: Validation = "strict"
    files: Mapping[str, bytes] = field(default_factory=dict)

    def typed(self) -> Entry:
        """The entry with its word. A word does not travel between processes: it is made anew from what it was
        made of, which was found to have no mistakes."""
        if self.word is not None:
            return self
        read = self.files.__getitem__
        return replace(self, word=_word(self.kind, self.item, self.where, self.params, read))


class Outline(Word):
    """A scenario file's top level; its rules, modifiers and examples are read one by one."""

    mockllm: Literal[1] = 1
    use: JsonValue = None
    enabled: JsonValue = True
    validation: Validation | None = None
    rules: list[Any] = Field(default_factory=list)
    modifiers: list[Any] = Field(default_factory=list)
    examples: list[Any] = Field(default_factory=list)


@dataclass
class Typing:
    """The entries of a loading, and what is wrong with them."""

    vocabulary: Vocabulary
    entries: list[Entry] = field(default_factory=list)
    examples: list[ExampleEntry] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    off: set[str] = field(default_factory=set)
    """The ids of disabled items, in both forms."""
    switched: list[tuple[LoadedFile, Kind, Path, str]] = field(default_factory=list)
    """What a disabled item `replaces`: switched off."""

    def read(self, loading: Loading) -> None:
        layers: dict[str | None, int] = {None: 0}
        for number, file in enumerate(loading.files):
            pack = file.pack if file.layer == "pack" else None
            self.file(file, layers.setdefault(pack, len(layers)), number, loading.packs)
        self.chosen(loading)
        for file in loading.disabled:
            self.off |= set(_ids(file))
        self.replace(loading)
        self.entries.sort(key=lambda entry: (entry.kind == "modifier", entry.rank))

    def file(self, file: LoadedFile, layer: int, number: int, packs: Sequence[UsedPack]) -> None:
        outline = self.outline(file)
        if outline is None:
            return
        names: dict[str, Path] = {}
        kinds: tuple[tuple[Kind, list[Any]], ...] = (("rule", outline.rules), ("modifier", outline.modifiers))
        for kind, items in kinds:
            for index, item in enumerate(items):
                path: Path = (f"{kind}s", index)
                if isinstance(item, dict):
                    self.name(file, item, path, names)
                self.item(file, kind, item, path, outline.validation or file.validation, (layer, number))
        for index, item in enumerate(outline.examples):
            example = read_example(file, item, index, packs, self.vocabulary)
            if isinstance(example, ExampleEntry):
                self.examples.append(example)
            else:
                self.mistakes += example

    def outline(self, file: LoadedFile) -> Outline | None:
        data = {} if file.source.data is None else file.source.data
        try:
            return Outline.model_validate(data)
        except ValidationError as error:
            self.mistakes += mistakes_in(error, file.source, (), Outline)
            return None

    def name(self, file: LoadedFile, item: Mapping[str, Json], path: Path, names: dict[str, Path]) -> None:
        name = item.get("name")
        if not isinstance(name, str):
            return
        if name in names:
            first = file.source.where((*names[name], "name"))
            message = f'"{name}" is the name of another one, in line {first.line}; names are unique in a file'
            self.mistakes.append(file.source.mistake((*path, "name"), message))
        elif not name or any(not char.isprintable() for char in name):
            message = "a name is a text of printable characters, and not empty"
            self.mistakes.append(file.source.mistake((*path, "name"), message))
        names.setdefault(name, path)

    def item(
        self,
        file: LoadedFile,
        kind: Kind,
        item: Any,
        path: Path,
        validation: Validation,
        place: tuple[int, int],
    ) -> None:
        id = f"{file.id}:{_named(item, path)}"
        if not self.used(file, item, id):
            return
        enabled = item.get("enabled", True) if isinstance(item, dict) else True
        try:
            on = file.params.enabled(enabled)
        except ValueError as error:
            self.mistakes.append(file.source.mistake((*path, "enabled"), str(error)))
            return
        if not on:
            self.off |= {id, _short(id)}
            if isinstance(item, dict) and isinstance(item.get("replaces"), str):
                self.switched.append((file, kind, path, item["replaces"]))
            return
        files: dict[str, bytes] = {}
        word = self.typed(file, kind, item, path, files)
        if word is None:
            return
        files |= self.files(file, word, path)
        where = f"{file.source.name}:{file.source.where(path).line}"
        content = canonical(_plain(item))
        rest = canonical(
            [_plain(dict(file.params.values)), validation, sorted((n, _digest(f)) for n, f in files.items())]
        )
        layer, number = place
        rank = (int(getattr(word, "fallback", False)), layer, -word.priority, number, int(path[1]))
        self.entries.append(
            Entry(
                kind,
                id,
                where,
                file.path,
                path,
                f"{id}#{_digest(content)}",
                _digest(content + rest),
                min(layer, 1),
                rank,
                item,
                word,
                file.params.values,
                validation,
                files,
            )
        )

    def chosen(self, loading: Loading) -> None:
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

    def used(self, file: LoadedFile, item: Any, id: str) -> bool:
        """Whether the `use` of its pack takes it in."""
        use = file.use
        if use is None or not isinstance(item, dict):
            return True
        name = item.get("name")
        if use.only is not None:
            return name in use.only
        return use.except_ is None or name not in use.except_

    def typed(self, file: LoadedFile, kind: Kind, item: Any, path: Path, files: dict[str, bytes]) -> Any:
        """The word, or None; `files` takes what it is typed with."""
        where = f"{file.source.name}:{file.source.where(path).line}"

        def read(name: str) -> bytes:
            files[name] = file.reference(name)
            return files[name]

        try:
            return _word(kind, item, where, file.params.values, read, self.vocabulary)
        except ValidationError as error:
            self.mistakes += mistakes_in(error, file.source, path, _MODELS[kind])
            return None

    def files(self, file: LoadedFile, word: BaseModel, path: Path) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for below, name in _references(word):
            try:
                found[name] = file.reference(name)
            except ValueError as error:
                self.mistakes.append(file.source.mistake((*path, *below), str(error)))
        return found

    # --- replaces ------------------------------------------------------------------------------

    def replace(self, loading: Loading) -> None:
        """Puts what `replaces` another item into its place and layer, and takes out what is switched off."""
        files = {file.path: file for file in loading.files}
        by_id = self.by_id()
        gone: set[int] = set()
        for file, kind, path, target in self.switched:
            found = self.target(file, kind, path, target, by_id)
            gone |= set() if found is None else {found}
        for place, entry in enumerate(self.entries):
            if entry.word.replaces is not None:
                found = self.target(files[entry.file], entry.kind, entry.path, entry.word.replaces, by_id)
                if found is not None:
                    gone.add(found)
                    old = self.entries[found]
                    self.entries[place] = replace(entry, layer=old.layer, rank=old.rank)
        self.entries = [entry for place, entry in enumerate(self.entries) if place not in gone]

    def target(
        self, file: LoadedFile, kind: Kind, path: Path, target: str, by_id: Mapping[str, int]
    ) -> int | None:
        others = {}
        for id, place in by_id.items():
            entry = self.entries[place]
            if entry.kind == kind and (entry.file, entry.path) != (file.path, path):
                others[id] = place
        if target in others:
            return others[target]
        if target not in self.off:
            known = list(others)
            message = f'there is no {kind} "{target}"{meant(target, known)}'
            self.mistakes.append(file.source.mistake((*path, "replaces"), message))
        return None

    def by_id(self) -> dict[str, int]:
        """Items by their ids, and by `pack:name` where that is unique."""
        found: dict[str, int] = {}
        short: dict[str, list[int]] = {}
        for place, entry in enumerate(self.entries):
            found[entry.id] = place
            short.setdefault(_short(entry.id), []).append(place)
        return {**{id: places[0] for id, places in short.items() if len(places) == 1}, **found}


def _word(
    kind: Kind,
    item: Json,
    where: str,
    params: Mapping[str, Json],
    read: Callable[[str], bytes],
    vocabulary: Vocabulary | None = None,
) -> Any:
    """A rule or modifier as its model reads it; `read` gives the files that it is typed with. Whether it is
    enabled was settled before."""
    context: dict[str, Any] = {"origin": where, "params": params, "vocabulary": vocabulary}
    context["file"] = lambda name: read(name).decode("utf-8", "replace")
    if isinstance(item, dict):
        context["literal"] = item.get("literal") is True
        item = {key: value for key, value in item.items() if key != "enabled"}
    return _MODELS[kind].model_validate(item, context=context)


def _short(id: str) -> str:
    """`pack:name` of `pack/path:name`."""
    file, _, name = id.rpartition(":")
    return f"{file.partition('/')[0]}:{name}"


def _ids(file: LoadedFile) -> Iterator[str]:
    """The ids of all that stands in a file which is disabled as a whole."""
    for kind in ("rules", "modifiers"):
        items = file.source.data.get(kind)
        for index, item in enumerate(items if isinstance(items, list) else ()):
            id = f"{file.id}:{_named(item, (kind, index))}"
            yield from (id, _short(id))


def _named(item: Any, path: Path) -> str:
    name = item.get("name") if isinstance(item, dict) else None
    return name if isinstance(name, str) and name else f"{path[0]}[{path[1]}]"


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _references(word: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """The files that a word names, and where."""
    if isinstance(word, Word):
        for name in sorted(word.model_fields_set):
            value, below = getattr(word, name), (*path, type(word).model_fields[name].alias or name)
            if (isinstance(word, FileText) and name == "file") or (
                isinstance(word, HttpWord) and name == "body_file" and value is not None
            ):
                yield below, value
            else:
                yield from _references(value, below)
    elif isinstance(word, Sequence) and not isinstance(word, (str, bytes)):
        for index, child in enumerate(word):
            yield from _references(child, (*path, index))


def _plain(value: Json) -> Json:
    """JSON that orjson writes: texts that know how they were filled are subclasses of str."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(child) for key, child in value.items()}
    return [_plain(child) for child in value] if isinstance(value, list) else value


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=12).hexdigest()
