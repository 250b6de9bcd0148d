"""From folders and names of packs to the files that count, in their order, with parameters put in.

Everything that comes back can be pickled: a reload loads in another process. What a rule is, is not known
here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.core.selection.decision import Models, Validation
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.lockfile import lock_path
from mockllm.scenario.manifest import ParamSettings, bad_settings
from mockllm.scenario.pack_graph import PackGraph, Use, UsedPack
from mockllm.scenario.pack_params import NO_PARAMS, Params
from mockllm.scenario.pack_resolver import PackResolver
from mockllm.scenario.scenario_folder import (
    MANIFEST,
    is_pack,
    linked_from,
    read_bytes,
    read_reference,
    scenario_files,
    within,
)
from mockllm.scenario.source_file import NOTHING, Source, digest
from mockllm.scenario.substitution import SizeBudget, substituted
from mockllm.scenario.validation_errors import found_text
from mockllm.scenario.yaml_reader import read_source

Reader: TypeAlias = Callable[[str], bytes]
"""From an absolute path to bytes; OSError where it cannot."""

MISSING: Final = "there is no such file or folder"


class LoadedFile(Struct, frozen=True):
    """A scenario file. `source.name` is its path as a person knows it, `source.data` what it holds after
    parameters were put in; `raw` is it before that. `id` is what the ids of its rules begin with: the path
    below its folder, behind the pack's name. `use` is what the pack was used by, with its `only` and
    `except`; None where nothing was said. `references` is what it was typed with, by name: part of its last
    good version, and empty before that."""

    path: str
    id: str
    source: Source
    raw: Source
    folder: str
    layer: Literal["user", "pack"]
    pack: str | None = None
    params: Params = NO_PARAMS
    validation: Validation = "strict"
    models: Models = "any"
    use: Use | None = None
    references: Mapping[str, bytes] = field(default_factory=dict)

    def reference(self, name: str) -> bytes:
        """The bytes of a file that this one refers to; ValueError with a person's message."""
        if name in self.references:
            return self.references[name]
        return read_reference(self.folder, os.path.relpath(self.path, self.folder), name)


class LoadedFiles(Struct, frozen=True):
    """What was loaded. `files` stand in the order in which their rules are asked, the user's first;
    `disabled` are those whose `enabled` does not hold. `mistakes` are all that were found, by place. `stale`
    names the files that are broken, and the folders that are gone, which stand here in their last good
    version. `trees` are folders to watch
    with all below them, `folders` those of which only the files themselves matter."""

    files: tuple[LoadedFile, ...]
    disabled: tuple[LoadedFile, ...]
    packs: tuple[UsedPack, ...]
    diagnostics: tuple[Diagnostic, ...]
    stale: tuple[str, ...]
    trees: frozenset[str]
    folders: frozenset[str]


def load_files(
    scenarios: Sequence[str],
    packs: Sequence[str] = (),
    settings: ParamSettings | None = None,
    last: LoadedFiles | None = None,
    broken: Collection[str] = (),
    read: Reader = read_bytes,
    shelf: PackResolver | None = None,
) -> LoadedFiles:
    """Loads folders or files of scenarios (the first given comes first) and packs by name, which are found on
    the shelf: that of the lock beside the scenarios, where none is given.

    Without `last`, what has mistakes is loaded as far as it can be read, so that all mistakes can be listed.
    With `last`, the files with mistakes (and those whose paths are in `broken`: a mistake found later on) are
    taken from there as they were, or left out where they are new."""
    settings = settings or ParamSettings()
    shelf = shelf or PackResolver.beside(lock_path(scenarios))
    mistakes: set[Diagnostic] = set()
    trees: set[str] = set()  # also those that only a held file names: a pack that is yet to come
    held = set(broken)
    while True:
        attempt = _Attempt(settings, shelf, last, held, read)
        loading = attempt.load(scenarios, packs)
        mistakes.update(loading.diagnostics)
        trees |= loading.trees
        found = {
            attempt.paths[each.file] for each in loading.diagnostics if each.file in attempt.paths
        } - held
        if last is None or not found:
            return replace(loading, diagnostics=tuple(sorted(mistakes)), trees=frozenset(trees))
        held |= found


class _Attempt(Struct, dict=True):
    """One try at loading everything; the files that are `held` come from the last loading."""

    settings: ParamSettings
    shelf: PackResolver
    last: LoadedFiles | None
    held: set[str]
    read: Reader
    paths: dict[str, str] = field(default_factory=dict)
    mistakes: list[Diagnostic] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    trees: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    """Folders that cannot be read any more."""
    room: SizeBudget = field(default_factory=SizeBudget)

    def __post_init__(self) -> None:
        last = self.last
        self.before = {each.path: each for each in (*last.files, *last.disabled)} if last else {}
        self.known: dict[str, Source] = {path: each.raw for path, each in self.before.items()}
        self.known |= {each.path: each.source for each in last.packs} if last else {}

    def load(self, scenarios: Sequence[str], packs: Sequence[str]) -> LoadedFiles:
        uses = PackGraph(self.source, self.settings, self.keeps, self.shelf)
        self.mistakes += self.shelf.mistakes
        self.trees |= {self.shelf.lock.path} if self.shelf.lock.packs else set()
        files: list[LoadedFile] = []
        for given in scenarios:
            self.root(given, uses, files)
        for name in packs:
            uses.add_named(name)
        settled = uses.settle()
        self.mistakes += uses.mistakes
        self.mistakes += bad_settings(self.settings, [pack.word for pack in settled])
        files = _told_apart(files, {pack.word.name for pack in settled})
        for pack in settled:
            files += self.of_pack(pack)
        on: list[LoadedFile] = []
        off: list[LoadedFile] = []
        for file in files:
            (on if self.enabled(file) else off).append(file)
        return LoadedFiles(
            tuple(on),
            tuple(off),
            tuple(settled),
            tuple(self.mistakes),
            tuple(dict.fromkeys(self.stale)),
            frozenset(self.trees),
            frozenset(self.folders),
        )

    def root(self, given: str, uses: PackGraph, files: list[LoadedFile]) -> None:
        """A folder or file that the command line names."""
        shown = given.rstrip("/") or given
        path = os.path.abspath(given)
        if os.path.basename(path) == MANIFEST:
            path, shown = os.path.dirname(path), os.path.dirname(shown) or "."
        lost = not os.path.exists(path) and self.keeps(path, shown)
        if is_pack(Path(path)) or os.path.join(path, MANIFEST) in self.known:  # once a pack, always one
            uses.add_folder(Path(path), shown)
        elif os.path.isfile(path) or (lost and path in self.before):
            folder, name = os.path.split(path)
            self.folders.add(folder)
            self.of_user(folder, name, shown, uses, files)
        elif os.path.isdir(path) or lost:
            for name in self.listed(path, shown):
                self.of_user(path, name, os.path.join(shown, name), uses, files)
        else:
            self.mistakes.append(Diagnostic(given, 0, 0, "", MISSING))

    def keeps(self, path: str, shown: str, reason: str = MISSING) -> bool:
        """Whether a file or folder that cannot be had was loaded the last time: then it stands as it was, with
        all below it, and is told once. Its return is watched for in any case."""
        self.trees.add(path)
        below = {each for each in self.known if within(each, path)}
        if below and not self.is_lost(path):
            self.lost.add(path)
            self.held |= below
            self.stale.append(shown)
            self.mistakes.append(Diagnostic(shown, 0, 0, "", reason))
        return bool(below)

    def is_lost(self, path: str) -> bool:
        return any(within(path, each) for each in self.lost)

    def listed(self, folder: str, shown: str) -> list[str]:
        """The scenario files of a folder, which is watched from now on; of a lost one those that it held."""
        self.trees |= {folder, os.path.realpath(folder)}
        if not self.is_lost(folder):
            try:
                names = scenario_files(Path(folder))
            except OSError as error:
                reason = f"cannot be read: {error.strerror}"
                if not self.keeps(folder, shown, reason):
                    self.mistakes.append(Diagnostic(shown, 0, 0, "", reason))
            else:
                self.folders |= linked_from(Path(folder), names)
                return names
        return sorted(
            os.path.relpath(path, folder) for path, file in self.before.items() if file.folder == folder
        )

    def of_user(self, folder: str, name: str, shown: str, uses: PackGraph, files: list[LoadedFile]) -> None:
        """One of the user's own files, and what it uses."""
        path = os.path.join(folder, name)
        if path in self.users:
            return  # one of the folders given lies in another
        self.users.add(path)
        id = shown if name in self.ids else name
        self.ids.add(id)
        file = self.file(LoadedFile(path, id, NOTHING, NOTHING, folder, "user"), shown)
        if file is not None:
            files.append(file)
            uses.add_uses(file.raw, Path(path).parent, os.path.dirname(shown))

    def of_pack(self, pack: UsedPack) -> Iterator[LoadedFile]:
        """The files of a pack."""
        name = pack.word.name
        for below in self.listed(pack.folder, pack.shown):
            path, shown = os.path.join(pack.folder, below), os.path.join(pack.shown, below)
            if not within(os.path.realpath(path), os.path.realpath(pack.folder)):
                self.mistakes.append(
                    Diagnostic(shown, 0, 0, "", "a link that leads out of the pack is not read")
                )
                continue
            blank = LoadedFile(
                path, f"{name}/{below}", NOTHING, NOTHING, pack.folder, "pack", name, pack.params
            )
            word = pack.word
            blank = replace(blank, validation=word.validation, models=word.models, use=pack.use)
            file = self.file(blank, shown)
            if file is None:
                continue
            if "use" in file.source.data:
                message = f"in a pack, only its {MANIFEST} can use others"
                self.mistakes.append(file.source.mistake(("use",), message, key=True))
            yield file

    def file(self, blank: LoadedFile, shown: str) -> LoadedFile | None:
        """A file with what it holds, or in its last good version, or None where it cannot be loaded."""
        raw = self.source(blank.path, shown)
        if blank.path in self.held:
            return self.before.get(blank.path)
        if raw is None:
            return None
        if raw.data is None and not raw.mistakes:
            raw = replace(raw, data={})  # empty, or nothing but comments
        source = substituted(raw, blank.params.values, blank.pack, self.room)
        self.mistakes += source.mistakes
        if isinstance(source.data, dict):
            said = source.data.get("validation")
            known: dict[object, Validation] = {each: each for each in get_args(Validation)}
            validation = known.get(said, blank.validation) if isinstance(said, str) else blank.validation
            return replace(blank, source=source, raw=raw, validation=validation)
        if source.data is not None:
            message = f'a file begins with keys such as "rules:", found {found_text(source.data)}'
            self.mistakes.append(source.mistake((), message))
        return None

    def source(self, path: str, shown: str) -> Source | None:
        """What a path holds: of a held file its last good version, else what can be read now."""
        self.paths[shown] = path
        known = self.known.get(path)
        if path in self.held:
            self.stale += [shown] if known else []
            return known
        try:
            content = self.read(path)
        except OSError as error:
            self.mistakes.append(Diagnostic(shown, 0, 0, "", f"cannot be read: {error.strerror}"))
            return None
        if known is not None and known.name == shown and known.digest == digest(content):
            return known
        return read_source(content, shown)

    def enabled(self, file: LoadedFile) -> bool:
        """Whether a whole file counts."""
        try:
            return file.params.enabled(file.source.data.get("enabled", True))
        except ValueError as error:
            self.mistakes.append(file.source.mistake(("enabled",), str(error)))
            return True


def _told_apart(files: Sequence[LoadedFile], packs: Collection[str]) -> list[LoadedFile]:
    """The user's files with ids that no pack's file has: one in a folder that is called like a used pack begins
    with `./`, which no pack does."""
    apart = []
    for file in files:
        id = file.id.removeprefix("./")
        folder, slash, _ = id.partition("/")
        id = f"./{id}" if slash and folder in packs else id
        apart.append(file if id == file.id else replace(file, id=id))
    return apart
