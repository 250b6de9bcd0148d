"""From folders and pack names to the files in use, in their order, with parameters substituted.

All results can be pickled: a reload loads in another process. This module does not know what a rule is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.core.selection.decision import AcceptedModels, Validation
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.lockfile import lock_path
from mockllm.scenario.manifest import ParamSettings, bad_settings
from mockllm.scenario.pack_graph import PackGraph, Use, UsedPack
from mockllm.scenario.pack_params import NO_PARAMS, Params
from mockllm.scenario.pack_resolver import PackResolver
from mockllm.scenario.scenario_folder import (
    MANIFEST,
    is_pack,
    linked_folders,
    listed_files,
    meant_path,
    read_bytes,
    read_reference,
    unreadable,
    within,
)
from mockllm.scenario.source_file import EMPTY_SOURCE, Source, content_digest
from mockllm.scenario.substitution import SizeBudget, substitute
from mockllm.scenario.validation_errors import describe_value
from mockllm.scenario.yaml_reader import read_source

PathReader: TypeAlias = Callable[[str], bytes]
"""Returns the bytes of an absolute path; raises OSError if it cannot."""

MISSING_PATH: Final = "there is no such file or folder"


NO_FOLDER: Final = "/dev/null"
"""The folder of an overlay, which refers to no files."""


class LoadedFile(Struct, frozen=True):
    """A scenario file. `source.name` is its path as the user wrote it, `source.data` its content after
    parameters were substituted; `raw` is the source before that. `id` is the prefix of the ids of its rules:
    the path below its folder, after the pack's name. `use` is the entry that uses the pack, with its `only`
    and `except`; None without such an entry. `references` are the files that it was typed with, by name: part
    of its last good version, and empty before that."""

    path: str
    id: str
    source: Source
    raw: Source
    folder: str
    layer: Literal["user", "pack"]
    pack: str | None = None
    params: Params = NO_PARAMS
    validation: Validation = "strict"
    models: AcceptedModels = "any"
    use: Use | None = None
    references: Mapping[str, bytes] = field(default_factory=dict)

    def reference(self, name: str) -> bytes:
        """Return the bytes of a file that this file refers to. Raise ValueError with a message for users."""
        if name in self.references:
            return self.references[name]
        if self.folder == NO_FOLDER:
            raise ValueError(f'an overlay refers to no files: write the content of "{name}" here')
        return read_reference(self.folder, os.path.relpath(self.path, self.folder), name)


class LoadedFiles(Struct, frozen=True):
    """The result of loading. `files` are in the order in which their rules are tried, the user's first;
    `disabled` are files whose `enabled` is not met. `diagnostics` are all errors, by place. `stale` names
    broken files and removed folders, which are here in their last good version. `trees` are files to watch,
    and folders with the scenario files below them; `folders` are the folders of files that links in them lead to.
    `misnamed` are files that are not loaded because of their name alone."""

    files: tuple[LoadedFile, ...]
    disabled: tuple[LoadedFile, ...]
    packs: tuple[UsedPack, ...]
    diagnostics: tuple[Diagnostic, ...]
    stale: tuple[str, ...]
    trees: frozenset[str]
    folders: frozenset[str]
    misnamed: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The digest of all that is served: equal for equal values, whatever remarks the files have."""
        files = [(file.path, file.source.data, *sorted(file.references.items())) for file in self.files]
        packs = [(pack.path, pack.source.data) for pack in self.packs]
        return content_digest(repr((files, packs)).encode("utf-8", "surrogatepass"))


def load_files(
    scenarios: Sequence[str],
    packs: Sequence[str] = (),
    settings: ParamSettings | None = None,
    last: LoadedFiles | None = None,
    broken: Collection[str] = (),
    read: PathReader = read_bytes,
    resolver: PackResolver | None = None,
) -> LoadedFiles:
    """Load folders or files of scenarios (the first one has precedence) and packs by name. `resolver` finds
    the packs; by default it reads the lockfile beside the scenarios.

    Without `last`, files with errors are loaded as far as they can be read, so that all errors can be listed.
    With `last`, files with errors (and the paths in `broken`: errors found later) keep their last version, or
    are left out if new.
    """
    settings = settings or ParamSettings()
    resolver = resolver or PackResolver.for_lock(lock_path(scenarios))
    diagnostics: set[Diagnostic] = set()
    trees: set[str] = set()  # also folders that only a retained file names: a pack that does not exist yet
    retained = set(broken)
    while True:
        attempt = _LoadAttempt(settings, resolver, last, retained, read)
        loaded = attempt.load(scenarios, packs)
        diagnostics.update(loaded.diagnostics)
        trees |= loaded.trees
        named = {diagnostic.file for diagnostic in loaded.diagnostics}
        newly_broken = {path for shown, path in attempt.paths.items() if shown in named} - retained
        if last is None or not newly_broken:
            return replace(loaded, diagnostics=tuple(sorted(diagnostics)), trees=frozenset(trees))
        retained |= newly_broken


class _LoadAttempt(Struct, dict=True):
    """One attempt to load everything; the `retained` files come from the last loading."""

    settings: ParamSettings
    resolver: PackResolver
    last: LoadedFiles | None
    retained: set[str]
    read: PathReader
    paths: dict[str, str] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    trees: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    misnamed: list[str] = field(default_factory=list)
    users: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    """Folders that cannot be read any more."""
    budget: SizeBudget = field(default_factory=SizeBudget)

    def __post_init__(self) -> None:
        last = self.last
        self.before = {file.path: file for file in (*last.files, *last.disabled)} if last else {}
        self.known: dict[str, Source] = {path: file.raw for path, file in self.before.items()}
        self.known |= {pack.path: pack.source for pack in last.packs} if last else {}

    def load(self, scenarios: Sequence[str], packs: Sequence[str]) -> LoadedFiles:
        uses = PackGraph(self.source, self.settings, self.keep_last, self.resolver)
        self.diagnostics += self.resolver.lock.diagnostics
        self.trees |= {self.resolver.lock.path} if self.resolver.lock.packs else set()
        files: list[LoadedFile] = []
        for scenario in scenarios:
            self.root(scenario, uses, files)
        for name in packs:
            uses.add_named(name)
        used = uses.used_packs()
        self.diagnostics += uses.diagnostics
        self.diagnostics += bad_settings(self.settings, [pack.manifest for pack in used])
        files = _with_distinct_ids(files, {pack.manifest.name for pack in used})
        for pack in used:
            files += self.pack_files(pack)
        on: list[LoadedFile] = []
        off: list[LoadedFile] = []
        for file in files:
            (on if self.enabled(file) else off).append(file)
        return LoadedFiles(
            tuple(on),
            tuple(off),
            tuple(used),
            tuple(self.diagnostics),
            tuple(dict.fromkeys(self.stale)),
            frozenset(self.trees),
            frozenset(self.folders),
            tuple(self.misnamed),
        )

    def root(self, scenario: str, uses: PackGraph, files: list[LoadedFile]) -> None:
        """Load a folder or file that the command line names."""
        shown = scenario.rstrip("/") or scenario
        path = os.path.abspath(scenario)
        if os.path.basename(path) == MANIFEST:
            path, shown = os.path.dirname(path), os.path.dirname(shown) or "."
        absent = _absence(path)
        lost = absent is not None and self.keep_last(path, shown, absent)
        if is_pack(Path(path)) or os.path.join(path, MANIFEST) in self.known:  # what was a pack stays one
            uses.add_folder(Path(path), shown)
        elif os.path.isfile(path) or (lost and path in self.before):
            folder, name = os.path.split(path)
            self.trees.add(path)
            self.add_user_file(folder, name, shown, uses, files)
        elif os.path.isdir(path) or lost:
            for name in self.list_files(path, shown):
                self.add_user_file(path, name, os.path.join(shown, name), uses, files)
        else:
            meant = meant_path(path, shown, scenarios=True) if absent == MISSING_PATH else ""
            self.diagnostics.append(Diagnostic(scenario, 0, 0, "", f"{absent or MISSING_PATH}{meant}"))

    def keep_last(self, path: str, shown: str, reason: str = MISSING_PATH) -> bool:
        """Return whether a missing file or folder was loaded the last time. Then its last version stays in
        use with everything below it, and it is reported once. The path is watched in any case, so that its
        return is noticed."""
        self.trees.add(path)
        below = {known for known in self.known if within(known, path)}
        if below and not self.is_lost(path):
            self.lost.add(path)
            self.retained |= below
            self.stale.append(shown)
            self.diagnostics.append(Diagnostic(shown, 0, 0, "", reason))
        return bool(below)

    def is_lost(self, path: str) -> bool:
        return any(within(path, lost) for lost in self.lost)

    def list_files(self, folder: str, shown: str) -> list[str]:
        """Return the scenario files of a folder, which is watched from now on; of a lost folder its last files."""
        self.trees |= {folder, os.path.realpath(folder)}
        if not self.is_lost(folder):
            try:
                names, misnamed = listed_files(Path(folder))
            except OSError as error:
                reason = f"cannot be read: {error.strerror}"
                if not self.keep_last(folder, shown, reason):
                    below = os.path.relpath(error.filename or folder, folder)
                    where = shown if below == os.curdir else os.path.join(shown, below)
                    self.diagnostics.append(Diagnostic(where, 0, 0, "", reason))
            else:
                self.folders |= linked_folders(Path(folder), names)
                self.misnamed += (os.path.join(shown, name) for name in misnamed)
                return names
        return sorted(
            os.path.relpath(file.path, folder) for file in self.before.values() if file.folder == folder
        )

    def add_user_file(
        self, folder: str, name: str, shown: str, uses: PackGraph, files: list[LoadedFile]
    ) -> None:
        """Load one of the user's own files, and the packs that it uses."""
        path = os.path.join(folder, name)
        if path in self.users:
            return  # one of the named folders is inside another one
        self.users.add(path)
        id = shown if name in self.ids else name
        self.ids.add(id)
        file = self.file(LoadedFile(path, id, EMPTY_SOURCE, EMPTY_SOURCE, folder, "user"), shown)
        if file is not None:
            files.append(file)
            uses.add_uses(file.raw, Path(path).parent, os.path.dirname(shown))

    def pack_files(self, pack: UsedPack) -> Iterator[LoadedFile]:
        """Yield the files of a pack."""
        name = pack.manifest.name
        for below in self.list_files(pack.folder, pack.shown):
            path, shown = os.path.join(pack.folder, below), os.path.join(pack.shown, below)
            if not within(os.path.realpath(path), os.path.realpath(pack.folder)):
                message = "a link that leads out of the pack is not read"
                self.diagnostics.append(Diagnostic(shown, 0, 0, "", message))
                continue
            blank = LoadedFile(
                path, f"{name}/{below}", EMPTY_SOURCE, EMPTY_SOURCE, pack.folder, "pack", name, pack.params
            )
            manifest = pack.manifest
            blank = replace(blank, validation=manifest.validation, models=manifest.models, use=pack.use)
            file = self.file(blank, shown)
            if file is None:
                continue
            if "use" in file.source.data:
                message = f"in a pack, only its {MANIFEST} can use others"
                self.diagnostics.append(file.source.diagnostic(("use",), message, key=True))
            yield file

    def file(self, blank: LoadedFile, shown: str) -> LoadedFile | None:
        """Return a file with its content, or in its last good version, or None if it cannot be loaded."""
        raw = self.source(blank.path, shown)
        if blank.path in self.retained:
            return self.before.get(blank.path)
        if raw is None:
            return None
        if raw.data is None and not raw.diagnostics:
            raw = replace(raw, data={})  # empty, or only comments
        source = substitute(raw, blank.params.values, blank.pack, self.budget)
        self.diagnostics += source.diagnostics
        if isinstance(source.data, dict):
            setting = source.data.get("validation")
            validation = setting if setting in get_args(Validation) else blank.validation
            return replace(blank, source=source, raw=raw, validation=validation)
        if source.data is not None:
            message = f'a file begins with keys such as "rules:", found {describe_value(source.data)}'
            self.diagnostics.append(source.diagnostic((), message))
        return None

    def source(self, path: str, shown: str) -> Source | None:
        """Return the content of a path: of a retained file its last good version, else its current content."""
        self.paths[shown] = path
        known = self.known.get(path)
        if path in self.retained:
            self.stale += [shown] if known else []
            return known
        try:
            content = self.read(path)
        except OSError as error:
            self.diagnostics.append(Diagnostic(shown, 0, 0, "", unreadable(path, error)))
            return None
        if known is not None and known.name == shown and known.digest == content_digest(content):
            return known
        return read_source(content, shown)

    def enabled(self, file: LoadedFile) -> bool:
        """Return whether the whole file is in use."""
        try:
            return file.params.enabled(file.source.data.get("enabled", True))
        except ValueError as error:
            self.diagnostics.append(file.source.diagnostic(("enabled",), str(error)))
            return True


def _with_distinct_ids(files: Sequence[LoadedFile], packs: Collection[str]) -> list[LoadedFile]:
    """Return the user's files with ids that no pack's file has. A file in a folder with the name of a used
    pack gets the prefix `./`, which no pack has."""
    apart = []
    for file in files:
        id = file.id.removeprefix("./")
        folder, slash, _ = id.partition("/")
        id = f"./{id}" if slash and folder in packs else id
        apart.append(file if id == file.id else replace(file, id=id))
    return apart


def _absence(path: str) -> str | None:
    """Return why there is nothing at a path, or None if there is something."""
    try:
        os.stat(path)
    except PermissionError as error:
        return f"cannot be read: {error.strerror}"
    except OSError:
        return MISSING_PATH
    return None
