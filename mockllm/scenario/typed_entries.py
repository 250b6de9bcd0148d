"""Typed rules and modifiers, one by one: the loaded files as the language's models.

Each entry is read separately, so that one error does not hide others, and disabled entries are never typed.
Entries can be pickled: a reload types them in another process.
"""

import os
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal, Self

from msgspec import Struct, field
from msgspec.structs import replace
from pydantic import Field, JsonValue, ValidationError

from mockllm.core.json.codec import Json, canonical
from mockllm.core.selection.decision import AcceptedModels, Validation
from mockllm.scenario.diagnostics import Diagnostic, Path, suggestion, suggestions_are_left, unexpected
from mockllm.scenario.file_loader import LoadedFile, LoadedFiles
from mockllm.scenario.file_patterns import (
    FilePattern,
    listed_folders,
    matching_files,
    matching_names,
    shown_pattern,
)
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.language.base import Spec, no_items
from mockllm.scenario.language.session import SessionId
from mockllm.scenario.pack_graph import Use, UsedPack
from mockllm.scenario.raw_entries import (
    MODELS,
    EntryKind,
    EntrySpec,
    RawEntry,
    file_references,
    raw_entries,
    read_spec,
)
from mockllm.scenario.rule_ids import short_ids, split_id
from mockllm.scenario.scenario_folder import LISTING, path_inside, within
from mockllm.scenario.validation_errors import diagnostics_of

if TYPE_CHECKING:
    from mockllm.scenario.example_entries import ExampleEntry


class TypedEntry(Struct, frozen=True):
    """A rule or modifier with everything that it consists of. `id` is for users. `key` names
    its counts (id and content), `digest` changes with everything about it. The settings of
    a lower `layer` have precedence; `rank` is its place among the entries of its kind."""

    kind: EntryKind
    id: str
    file_and_line: str
    file: str
    path: Path
    key: str
    digest: str
    layer: int
    rank: tuple[int, ...]
    item: Json
    spec: EntrySpec
    """Its model; None on the way between two processes: see `with_spec`."""
    params: Mapping[str, Json] = field(default_factory=dict)
    validation: Validation = "strict"
    models: AcceptedModels = "any"
    provider: str | None = None
    """The provider whose paths need no prefix, as the file says."""
    session: str | None = None
    """The only session for which it responds; None for all."""
    files: Mapping[str, bytes] = field(default_factory=dict)

    def with_spec(self) -> Self:
        """Return the entry with its spec. Processes do not exchange specs, so the spec is read again from
        data that had no errors."""
        if self.spec is not None:
            return self
        read, files = self.files.__getitem__, lambda pattern: matching_names(pattern, self.files)
        spec = read_spec(self.kind, self.item, self.file_and_line, self.params, read, files=files)
        return replace(self, spec=spec)


class FileOutline(Spec):
    """The top level of a scenario file; its rules, modifiers and examples are read one by one."""

    mockllm: Literal[1] = 1
    use: JsonValue = None
    enabled: JsonValue = True
    validation: Validation | None = None
    models: AcceptedModels | None = None
    provider: str | None = None
    finding: SessionId | None = None
    rules: list[Json] = Field(default_factory=no_items)
    modifiers: list[Json] = Field(default_factory=no_items)
    mcp: list[Json] = Field(default_factory=no_items)
    examples: list[Json] = Field(default_factory=no_items)


class EntryTyper(Struct):
    """Types the entries of loaded files and collects their errors."""

    known_names: KnownNames
    with_examples: bool = True
    """Whether examples are read."""
    entries: list[TypedEntry] = field(default_factory=list)
    examples: "list[ExampleEntry]" = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    references: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """The contents of the files that a file refers to, by its path and by the name in the file."""
    named: set[str] = field(default_factory=set)
    """The paths of these files, and of those that do not exist yet."""
    several_findings: bool = False
    """Whether the files have different findings, so that each one responds in the session of its name only."""
    disabled_ids: set[str] = field(default_factory=set)
    """The ids of disabled entries, in all forms."""
    disabling: list[tuple[RawEntry, str]] = field(default_factory=list)
    """Disabled entries with a `replaces`, and the id of the entry that each one disables."""

    def read(self, loaded: LoadedFiles) -> None:
        layers: dict[str | None, int] = {None: 0}
        self.several_findings = len(_findings(loaded.files)) > 1
        for number, file in enumerate(loaded.files):
            outline = self.outline(file)
            if outline is None:
                continue
            pack = file.pack if file.layer == "pack" else None
            self.items(file, outline, layers.setdefault(pack, len(layers)), number)
            if self.with_examples and outline.examples:
                self.read_examples(file, outline.examples, loaded.packs)
        self.check_selections(loaded)
        for file in loaded.disabled:
            for written in raw_entries(file):
                self.disabled_ids |= written.ids
        self.apply_replacements(loaded)
        self.entries.sort(key=lambda entry: (entry.kind == "modifier", entry.rank))

    def read_examples(self, file: LoadedFile, items: Sequence[Json], packs: Sequence[UsedPack]) -> None:
        # A large import that servers do not need.
        from mockllm.scenario.example_entries import ExampleEntry, read_example

        for index, item in enumerate(items):
            example = read_example(file, item, index, packs, self.known_names)
            if isinstance(example, ExampleEntry):
                self.examples.append(example)
            else:
                self.diagnostics += example

    def items(self, file: LoadedFile, outline: FileOutline, layer: int, number: int) -> None:
        names: dict[str, RawEntry] = {}
        entries = list(raw_entries(file))
        unnamed = {entry.position: entry for entry in entries if entry.name is None}
        for entry in entries:
            self.check_name(entry, names, unnamed)
            if self.is_active(entry):
                self.add_entry(entry, outline, layer, number)

    def outline(self, file: LoadedFile) -> FileOutline | None:
        """Return the top level of a file without its wrong keys. Return None for a file of no known form or version,
        in which further errors would mislead."""
        data = {} if file.source.data is None else file.source.data
        try:
            outline = FileOutline.model_validate(data)
        except ValidationError as error:
            self.diagnostics += diagnostics_of(error, file.source, (), FileOutline)
            wrong = {each["loc"][0] for each in error.errors() if each["loc"]}
            if not isinstance(data, dict) or "mockllm" in wrong:
                return None
            outline = FileOutline.model_validate({key: data[key] for key in data if key not in wrong})
        unknown = outline.provider and self.known_names.unknown_name_error("provider", outline.provider)
        if unknown:
            self.diagnostics.append(file.source.diagnostic(("provider",), unknown))
        return outline

    def check_name(
        self, entry: RawEntry, names: dict[str, RawEntry], unnamed: Mapping[str, RawEntry]
    ) -> None:
        name = entry.get("name")
        if not isinstance(name, str):
            return
        if name in names:
            line = entry.file.source.position((*names[name].path, "name")).line
            message = f'"{name}" is also the name in line {line}; names are unique in a file'
            self.diagnostics.append(entry.diagnostic(message, "name"))
        elif name in unnamed:
            other = unnamed[name]
            line = entry.file.source.position(other.path).line
            message = f'"{name}" is the id of the {other.kind} in line {line}, which has no name; choose another name'
            self.diagnostics.append(entry.diagnostic(message, "name"))
        elif not name or not name.isprintable():
            message = "a name is a text of printable characters, and not empty"
            self.diagnostics.append(entry.diagnostic(message, "name"))
        names.setdefault(name, entry)

    def is_active(self, entry: RawEntry) -> bool:
        """Return whether the entry is used and enabled; record the entries that are not."""
        if not entry.used:
            return False
        try:
            if entry.enabled:
                return True
        except ValueError as error:
            self.diagnostics.append(entry.diagnostic(str(error), "enabled"))
            return False
        self.disabled_ids |= entry.ids
        target = entry.get("replaces")
        if isinstance(target, str):
            self.disabling.append((entry, target))
        return False

    def add_entry(self, entry: RawEntry, outline: FileOutline, layer: int, number: int) -> None:
        """Type an entry in use; `number` is the number of its file."""
        validation = outline.validation or entry.file.validation
        models = outline.models or entry.file.models
        files: dict[str, bytes] = {}
        id, where = entry.id, entry.file_and_line
        spec = self.type_entry(entry, where, files)
        self.references.setdefault(entry.file.path, {}).update(files)
        if spec is None:
            return
        params = entry.file.params.values
        session = outline.finding if self.several_findings else None
        has_params = entry.file.raw.data is not entry.file.source.data
        content = canonical(_plain(entry.data) if has_params else entry.data)
        references = sorted((name, _digest(content)) for name, content in files.items())
        self.entries.append(
            TypedEntry(
                kind=entry.kind,
                id=id,
                file_and_line=where,
                file=entry.file.path,
                path=entry.path,
                key=f"{id}#{_digest(content)}",
                digest=_digest(
                    content + canonical([_plain(dict(params)), validation, models, references, session])
                ),
                layer=min(layer, 1),
                rank=(int(getattr(spec, "fallback", False)), layer, -spec.priority, number, entry.index),
                item=entry.data,
                spec=spec,
                params=params,
                validation=validation,
                models=models,
                provider=outline.provider,
                session=session,
                files=files,
            )
        )

    def type_entry(self, entry: RawEntry, where: str, files: dict[str, bytes]) -> EntrySpec | None:
        """Return the spec, or None after an error; add the referenced files to `files`."""

        def read(name: str) -> bytes:
            path = os.path.normpath(os.path.join(os.path.dirname(entry.file.path), name))
            if within(path, entry.file.folder):
                self.named.add(path)
            files[name] = entry.file.reference(name)
            return files[name]

        def read_matching(pattern: FilePattern) -> list[str]:
            folder = os.path.dirname(entry.file.path)
            names = matching_names(pattern, entry.file.references)
            if not names:
                shown, place = shown_pattern(pattern), entry.file
                path_inside(place.folder, os.path.relpath(place.path, place.folder), shown)
                names = matching_files(folder, pattern)
            for name in names:
                read(name)
            self.named.update(os.path.join(folder, name, LISTING) for name in listed_folders(folder, pattern))
            return names

        params, untrusted = entry.file.params.values, entry.file.layer == "pack"
        try:
            spec = read_spec(
                entry.kind, entry.data, where, params, read, self.known_names, untrusted, read_matching
            )
        except Exception as error:
            self.diagnostics += _diagnostics(entry, error)
            return None
        complete = True
        for below, name in file_references(spec):
            try:
                read(name)
            except ValueError as error:
                self.diagnostics.append(entry.diagnostic(str(error), *below))
                complete = False
        return spec if complete else None

    def check_selections(self, loaded: LoadedFiles) -> None:
        """Check that every name in an `only` or `except` is a name in the pack."""
        names: dict[str, tuple[Use, set[str]]] = {}
        for file in (*loaded.files, *loaded.disabled):
            if file.use is not None:
                known = names.setdefault(file.use.name, (file.use, set()))[1]
                known |= {str(name) for raw in raw_entries(file) if (name := raw.get("name")) is not None}
        for use, known in names.values():
            for key, selected in (("only", use.only), ("except", use.except_)):
                for index, name in enumerate(selected or ()):
                    if name not in known:
                        hint = suggestion(name, sorted(known))
                        message = f'the pack {use.name} has no rule or modifier "{name}"{hint}'
                        self.diagnostics.append(use.source.diagnostic((*use.path, key, index), message))

    def apply_replacements(self, loaded: LoadedFiles) -> None:
        """Move each entry with `replaces` to the place and layer of the replaced entry, and remove disabled
        entries."""
        if not self.disabling and all(entry.spec.replaces is None for entry in self.entries):
            return
        files = {file.path: file for file in loaded.files}
        by_id = places_by_id(self.entries)
        gone: set[int] = set()
        for raw, target in self.disabling:
            replaced = self.find_target(raw, target, by_id)
            gone |= set() if replaced is None else {replaced}
        for place, entry in enumerate(self.entries):
            if entry.spec.replaces is not None:
                raw = RawEntry(files[entry.file], entry.kind, int(entry.path[1]), entry.item)
                replaced = self.find_target(raw, entry.spec.replaces, by_id)
                if replaced is not None:
                    gone.add(replaced)
                    old = self.entries[replaced]
                    self.entries[place] = replace(entry, layer=old.layer, rank=old.rank)
        self.entries = [entry for place, entry in enumerate(self.entries) if place not in gone]

    def find_target(self, raw: RawEntry, target: str, by_id: Mapping[str, int]) -> int | None:
        def is_other(place: int) -> bool:
            entry = self.entries[place]
            return entry.kind == raw.kind and (entry.file, entry.path) != (raw.file.path, raw.path)

        if target in by_id and is_other(by_id[target]):
            return by_id[target]
        if target not in self.disabled_ids:
            ids = by_id if suggestions_are_left() else ()
            others = [id for id in ids if is_other(by_id[id])]
            same = (f'; did you mean "{id}"?' for id in others if split_id(id)[1] == target)
            message = f'there is no {raw.kind} "{target}"{next(same, "") or suggestion(target, others)}'
            self.diagnostics.append(raw.diagnostic(message, "replaces"))
        return None


def _diagnostics(entry: RawEntry, error: Exception) -> list[Diagnostic]:
    """Return the diagnostics of an entry that cannot be typed."""
    if not isinstance(error, ValidationError):
        return [entry.diagnostic(unexpected(error))]
    found = diagnostics_of(error, entry.file.source, entry.path, MODELS[entry.kind])
    return [entry.with_param(each) for each in found if not entry.follows_unknown_param(each)]


def places_by_id(entries: Sequence[TypedEntry]) -> dict[str, int]:
    """Return the indices of entries by their ids, and by `pack:name` if that is unique."""
    places: dict[str, int] = {}
    by_short_id: dict[str, list[int]] = {}
    for place, entry in enumerate(entries):
        places[entry.id] = place
        for short_id in short_ids(entry.id):
            by_short_id.setdefault(short_id, []).append(place)
    return {**{id: found[0] for id, found in by_short_id.items() if len(found) == 1}, **places}


def _findings(files: Sequence[LoadedFile]) -> set[str]:
    """Return the findings that files name; a finding with an error is one, too."""
    contents = [file.source.data for file in files if isinstance(file.source.data, dict)]
    return {str(data["finding"]) for data in contents if data.get("finding") is not None}


def _plain(value: Json) -> Json:
    """Return JSON that orjson can write: substituted texts are subclasses of str."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(child) for key, child in value.items()}
    return [_plain(child) for child in value] if isinstance(value, list) else value


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=12).hexdigest()
