"""Changes of `mockllm.lock`: adds, updates and removes packs; fetches and vendors locked packs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.redaction import without_passwords
from mockllm.packing.atomic_store import drop, put_file, put_tree
from mockllm.packing.fetch import FetchedPack, fetch_pack, manifest
from mockllm.packing.inspection import validate_pack
from mockllm.packing.pack_source import PackSource, from_here, parse_pack_source
from mockllm.scenario.file_loader import load_files
from mockllm.scenario.lockfile import (
    FETCHED_FOLDER,
    LOCK_FILE,
    VENDOR_FOLDER,
    Lock,
    LockedPackSpec,
    lock_text,
    read_lock,
)
from mockllm.scenario.pack_files import PackRejected, read_tree
from mockllm.scenario.pack_resolver import PackResolver, bundled_names
from mockllm.scenario.scenario_folder import is_pack
from mockllm.scenario.source_file import Source
from mockllm.scenario.version_ranges import Range, parse_range, parse_version
from mockllm.scenario.vocabulary import Vocabulary

_IGNORE: Final = b"# Packs that mockllm fetched; mockllm.lock says which.\n*\n"


class VersionConstraint(Struct, frozen=True):
    """A required version range. `where` is its file and line."""

    range: Range
    where: str


def version_constraints(
    scenarios: Sequence[str], packs: Sequence[str], lock: str
) -> dict[str, list[VersionConstraint]]:
    """Return the version ranges that scenarios and their packs require, by pack name; an update must meet them.

    Files that cannot be loaded are skipped; `check` reports them.
    """
    loading = load_files(scenarios, packs, resolver=PackResolver.for_lock(lock))
    constraints: dict[str, list[VersionConstraint]] = {}
    own = [file.source for file in (*loading.files, *loading.disabled) if file.layer == "user"]
    for source in (*own, *(pack.source for pack in loading.packs)):
        for name, constraint in _constraints_of(source):
            constraints.setdefault(name, []).append(constraint)
    return constraints


def _constraints_of(source: Source) -> Iterator[tuple[str, VersionConstraint]]:
    data = source.data
    uses: Json = data.get("use") if isinstance(data, dict) else None
    for index, use in enumerate(uses if isinstance(uses, list) else ()):
        text = use.get("pack") if isinstance(use, dict) else use
        if not isinstance(text, str) or text.startswith("."):
            continue
        name, at, range_text = text.partition("@")
        try:
            line, column = source.position(("use", index))
            if at:
                yield name, VersionConstraint(parse_range(range_text), f"{source.name}:{line}:{column}")
        except ValueError:
            continue


class LockChange(Struct, frozen=True):
    """A change of a locked pack: its version before and now, None where it was or is absent."""

    name: str
    before: str | None
    now: str | None
    source: str
    uses: tuple[str, ...] = ()
    """One line for each used pack that is neither locked nor installed, or has a version outside of the range."""
    moved: bool = False
    """Whether it had another source before."""
    leads: tuple[str, ...] = ()
    """The targets of its requests and redirects and the variables that it reads, in words."""


class LockfileEditor:
    """Edits the lockfile at a path. `constraints`: the version ranges of scenarios and packs, by pack name."""

    def __init__(
        self,
        path: str,
        constraints: Mapping[str, Sequence[VersionConstraint]] | None = None,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        self.lock: Lock = read_lock(path)
        if self.lock.diagnostics:
            raise PackRejected("\n".join(map(str, self.lock.diagnostics)))
        self._constraints = constraints or {}
        self._vocabulary = vocabulary or Vocabulary()

    def add(self, text: str) -> LockChange:
        """Fetch and lock a pack. Raises PackRejected if its version is locked with other files."""
        source = parse_pack_source(text, Path.cwd())
        if source.kind == "git" and "://" not in source.where and Path(source.where).exists():
            source = replace(source, where=str(Path(source.where)))
        found = fetch_pack(source, Path.cwd(), self._ranges_of_source(source))
        return self._take(found, from_here(found.place, self.lock.folder))

    def update(self, name: str) -> LockChange:
        """Update a pack to the newest version of its source that meets all ranges."""
        locked = self._locked(name)
        place = parse_pack_source(locked.source, self.lock.folder)
        if place.kind == "git":
            place = replace(place, ref=None)
        ranges = [constraint.range for constraint in self._constraints.get(name, ())]
        found = fetch_pack(place, self.lock.folder, ranges)
        if found.manifest.name != name:
            raise PackRejected(f'{locked.source} now contains the pack "{found.manifest.name}", not "{name}"')
        return self._take(found, found.place)

    def remove(self, name: str) -> LockChange:
        """Remove a pack from the lockfile, and delete its files."""
        locked = self._locked(name)
        stored, vendored = self.lock.fetched_path(name), self.lock.vendored_path(name)
        self._write({other: spec for other, spec in self.lock.packs.items() if other != name})
        drop(stored, self.lock.folder / FETCHED_FOLDER)
        drop(vendored, self.lock.folder / VENDOR_FOLDER)
        return LockChange(name, locked.version, None, without_passwords(locked.source))

    def missing(self) -> list[str]:
        """Return the locked packs that are missing or changed."""
        names = [name for name in self.lock.packs if not is_pack(self.lock.vendored_path(name))]
        return [name for name in names if state_of(self.lock, name) in ("missing", "changed")]

    def fetch(self, names: Sequence[str]) -> Iterator[LockChange]:
        """Fetch packs in their locked versions."""
        for name in names:
            locked = self._locked(name)
            found = self._as_locked(name, locked)
            self._keep(found, self.lock.fetched_path(name))
            yield LockChange(name, None, locked.version, without_passwords(locked.source))

    def vendor(self) -> Iterator[tuple[str, Path]]:
        """Copy all packs into a folder that can be committed."""
        for name, locked in self.lock.packs.items():
            target, stored = self.lock.vendored_path(name), self.lock.fetched_path(name)
            tree = read_tree(stored) if is_pack(stored) else None
            if tree is None or tree.sha256 != locked.sha256:
                tree = self._as_locked(name, locked).tree
            put_tree(tree, target)
            yield name, target

    # --- parts ---

    def _locked(self, name: str) -> LockedPackSpec:
        if name not in self.lock.packs:
            known = ", ".join(sorted(self.lock.packs)) or "none"
            raise PackRejected(f'{LOCK_FILE} names no pack "{name}"; it names {known}')
        return self.lock.packs[name]

    def _as_locked(self, name: str, locked: LockedPackSpec) -> FetchedPack:
        place = parse_pack_source(locked.source, self.lock.folder)
        try:
            found = fetch_pack(place, self.lock.folder)
        except PackRejected as error:
            raise PackRejected(f"{name} {locked.version}: {error}") from None
        if found.tree.sha256 != locked.sha256:
            moved = "the tag was moved" if place.kind == "git" else "its files have changed"
            raise PackRejected(
                f"{locked.source} no longer contains the {name} {locked.version} of {LOCK_FILE} ({moved}): "
                f"expected SHA-256 {locked.sha256[:12]}…, found {found.tree.sha256[:12]}…; restore them, or, if this "
                f"is intended, `mockllm pack remove {name}` and add it again"
            )
        return found

    def _take(self, found: FetchedPack, place: PackSource) -> LockChange:
        name, version, digest = found.manifest.name, found.manifest.version, found.tree.sha256
        before = self.lock.packs.get(name)
        if before is not None and before.version == version and before.sha256 != digest:
            raise PackRejected(
                f"{name} {version} has other files than the {name} {version} of {LOCK_FILE}: a version never "
                f"changes; raise the version in its pack.yaml, or `mockllm pack remove {name}` first"
            )
        if name in bundled_names():
            raise PackRejected(
                f'"{name}" is the name of a pack that ships with mockllm; rename it in its pack.yaml'
            )
        self._check_constraints(found)
        capabilities = validate_pack(found.tree, self.lock.path, self._vocabulary)
        locked = LockedPackSpec(version=version, source=place.text, commit=found.commit, sha256=digest)
        old = self.lock.fetched_path(name) if before is not None else None
        packs = {**self.lock.packs, name: locked}
        self._keep(found, replace(self.lock, packs=packs).fetched_path(name))
        if is_pack(self.lock.vendored_path(name)):
            put_tree(found.tree, self.lock.vendored_path(name))
        self._write(packs)
        if old is not None and before is not None and before.version != version:
            drop(old, self.lock.folder / FETCHED_FOLDER)
        moved = before is not None and before.source != place.text
        leads = tuple(capabilities.leads if capabilities else ())
        change = LockChange(name, None, version, place.text, self._unmet_uses(found), moved, leads)
        return change if before is None else replace(change, before=before.version)

    def _check_constraints(self, found: FetchedPack) -> None:
        constraints = self._constraints.get(found.manifest.name, ())
        lines: dict[bool, str] = {False: "", True: ""}
        for constraint in constraints:
            met = constraint.range.matches(found.version)
            lines[met] += f"\n  {constraint.where} requires {constraint.range}" + ", which it meets" * met
        if lines[False]:
            name = f"{found.manifest.name} {found.manifest.version}"
            raise PackRejected(f"{name} does not meet all requirements:{lines[False]}{lines[True]}")

    def _unmet_uses(self, found: FetchedPack) -> tuple[str, ...]:
        """Return one line for each used pack that is missing or outside of its range."""
        resolver, lines = PackResolver(self.lock), []
        for use in (use if isinstance(use, str) else use.pack for use in found.manifest.use):
            name, _, wanted = use.partition("@")
            if name.startswith("."):
                continue
            try:
                folder = resolver.find(name).folder
                spec = self.lock.packs.get(name) or manifest(read_tree(folder))
                version = spec.version
                if not parse_range(wanted).matches(parse_version(version)):
                    lines.append(f"it uses {use}, but {name} {version} is installed: add or update it, too")
            except ValueError:
                lines.append(f"it uses {use}, which is not installed: add it, too")
        return tuple(lines)

    def _ranges_of_source(self, place: PackSource) -> list[Range]:
        """Return the ranges of the pack that is locked from this repository; a new pack's name is not yet known."""
        text = from_here(replace(place, ref=None), self.lock.folder).text
        for name, locked in self.lock.packs.items():
            if replace(parse_pack_source(locked.source, self.lock.folder), ref=None).text == text:
                return [constraint.range for constraint in self._constraints.get(name, ())]
        return []

    def _keep(self, found: FetchedPack, target: Path) -> None:
        ignore = self.lock.folder / FETCHED_FOLDER / ".gitignore"
        if not ignore.exists():
            put_file(_IGNORE, ignore)
        put_tree(found.tree, target)

    def _write(self, packs: Mapping[str, LockedPackSpec]) -> None:
        put_file(lock_text(packs).encode(), Path(self.lock.path))
        self.lock = read_lock(self.lock.path)


State = Literal["here", "vendored", "missing", "changed"]


def state_of(lock: Lock, name: str) -> State:
    """Return the state of a locked pack's files."""
    folders: dict[State, Path] = {"vendored": lock.vendored_path(name), "here": lock.fetched_path(name)}
    for state, folder in folders.items():
        if is_pack(folder):
            try:
                return state if read_tree(folder).sha256 == lock.packs[name].sha256 else "changed"
            except (PackRejected, OSError):
                return "changed"
    return "missing"
