"""Changes of `mockllm.lock`: adds, updates and removes packs; fetches and vendors locked packs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.url_secrets import without_passwords
from mockllm.packing.atomic_store import drop, one_writer, put_file, put_tree
from mockllm.packing.changed_sources import what_changed
from mockllm.packing.fetch import FetchedPack, fetch_branch, fetch_pack, manifest
from mockllm.packing.git import Signature, branch_commit
from mockllm.packing.inspection import validate_pack
from mockllm.packing.locked_pack_state import state_of
from mockllm.packing.pack_index import PackIndex
from mockllm.packing.pack_source import PackSource, from_here, parse_pack_source
from mockllm.packing.resolution import ANY, PackVersion, PackVersions, Requirement, resolve
from mockllm.packing.version_constraints import VersionConstraint
from mockllm.scenario.known_names import KnownNames
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
from mockllm.scenario.version_ranges import Range, Version, parse_range, parse_version

_IGNORE: Final = b"# Packs that mockllm fetched; mockllm.lock says which.\n*\n"


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
    changed: bool = False
    """Whether it had other files before."""
    signature: Signature | None = None
    """The signature of its tag or archive."""
    leads: tuple[str, ...] = ()
    """The targets of its requests and redirects and the variables that it reads, in words."""
    held_back: str = ""
    """Why a newer version of its source is not taken."""


class LockfileEditor:
    """Edits the lockfile at a path. `constraints`: the version ranges of scenarios and packs, by pack name."""

    def __init__(
        self,
        path: str,
        constraints: Mapping[str, Sequence[VersionConstraint]] | None = None,
        known_names: KnownNames | None = None,
        index: PackIndex | None = None,
    ) -> None:
        self.lock: Lock = _read_without_diagnostics(path)
        self._constraints = constraints or {}
        self._known_names = known_names or KnownNames()
        self._index = index
        self.unread: dict[str, PackRejected] = {}
        """Why `outdated` or `newest_commit` could not read a source, by pack name."""
        self._versions = PackVersions(self.lock, index, self.lock.folder)

    def root(self, text: str, *, dev: bool = False) -> Requirement:
        """Fetch the pack that a user names, and return it as a requirement. `dev`: the source names a branch."""
        source = self._source_of(text)
        if dev:
            found = fetch_branch(source, self.lock.folder)
            self._versions.add(found)
            return Requirement(found.manifest.name, ANY, "the command line", found.place, found.version)
        found = self._versions.fetch(source, self._ranges_of_source(source))
        pinned = source.kind != "git" or source.ref is not None or found.version.pre
        if pinned:
            self._check_constraints(found)
            return Requirement(found.manifest.name, ANY, "the command line", found.place, found.version)
        return Requirement(found.manifest.name, ANY, "the command line", source)

    def add(self, roots: Sequence[Requirement], *, signed: bool = False) -> list[LockChange]:
        """Lock packs, and all packs that they use, in versions that fit each other. Raises PackRejected; then nothing
        is locked. `signed`: refuse a pack without the signature of a known signer."""
        wanted = {root.name for root in roots}
        found = resolve(roots, self._versions, self._fixed(wanted), self.lock)
        names = {each.manifest.name for each in found}
        for each in found:
            self._check(each, names, signed=signed)
        changes = [(each, self._take(each)) for each in found]
        return [
            replace(change, uses=self._unmet_uses(each))
            for each, change in changes
            if change.before != change.now or change.moved or change.name in wanted
        ]

    def update(
        self, names: Sequence[str], *, major: bool = False
    ) -> tuple[list[LockChange], Mapping[str, PackRejected]]:
        """Update packs together, to the newest versions of their sources that meet all ranges. With `major`, the
        ranges of them in the user's own files do not count. The packs that they use are locked with them. Return the
        changes, and the packs whose sources are refused. Raises PackRejected; then nothing is locked."""
        if major:
            self._constraints = {
                name: [each for each in constraints if each.pack is not None or name not in names]
                for name, constraints in self._constraints.items()
            }
        roots, kept, refused = [], [], {}
        for name in names:
            try:
                newest = self._newest(name, names)
            except PackRejected as error:
                refused[name] = error
                continue
            if isinstance(newest, LockChange):
                kept.append(newest)
            else:
                roots.append(newest)
        return [*kept, *(self.add(roots) if roots else ())], refused

    def outdated(self) -> Iterator[tuple[str, LockedPackSpec, Version | None, Version | None]]:
        """Yield each locked pack with a newer version: the newest in all ranges, and the newest at all. None: the
        source cannot be read, or has no version in the ranges."""
        for name, locked in sorted(self.lock.packs.items()):
            try:
                place = parse_pack_source(locked.source, self.lock.folder)
                place = replace(place, ref=None) if place.kind == "git" else place
                known = [each.version for each in self._versions.candidates(name, (place,))]
            except PackRejected as error:
                known, self.unread[name] = [], error
            stable = [version for version in known if not version.pre] or known
            ranges = [constraint.range for constraint in self._constraints.get(name, ())]
            fitting = [version for version in stable if all(range.matches(version) for range in ranges)]
            yield name, locked, max(fitting, default=None), max(stable, default=None)

    def newest_commit(self, name: str) -> str | None:
        """Return the newest commit of the branch of a locked pack. None: it has no branch, or its source cannot be
        read (`unread`)."""
        locked = self._locked(name)
        if locked.branch is None:
            return None
        try:
            place = parse_pack_source(locked.source, self.lock.folder)
            return branch_commit(place.where, locked.branch, self.lock.folder)
        except PackRejected as error:
            self.unread[name] = error
            return None

    def remove(self, name: str) -> LockChange:
        """Remove a pack from the lockfile, and delete its files."""
        locked = self._locked(name)
        stored, vendored = self.lock.fetched_path(name), self.lock.vendored_path(name)
        self._write(name, None)
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
        try:
            place = parse_pack_source(locked.source, self.lock.folder)
            if locked.branch is not None:  # the branch moves; the lock names its commit
                place = replace(place, ref=locked.commit)
            found = fetch_pack(place, self.lock.folder)
        except PackRejected as error:
            raise PackRejected(f"{name} {locked.version}: {error}") from None
        if found.tree.sha256 != locked.sha256:
            raise PackRejected(
                f"{locked.source} no longer contains the {name} {locked.version} of {LOCK_FILE} "
                f"({what_changed(place)}): expected SHA-256 {locked.sha256[:12]}…, found "
                f"{found.tree.sha256[:12]}…; restore them, or, if this is intended, "
                f"`mockllm pack remove {name}` and add it again"
            )
        return found

    def _source_of(self, text: str) -> PackSource:
        """Return the source that a user names, relative to the lockfile; a name may be in the index."""
        name, _, range_text = text.partition("@")
        if self._index is not None and name in self._index.packs and not Path(text).exists():
            try:
                range = parse_range(range_text)
            except ValueError as error:
                raise PackRejected(str(error)) from None
            known = self._index.versions(name, self.lock.folder)
            fitting = {each.version: each for each in known if range.matches(each.version)}
            if not fitting:
                raise PackRejected(f"{self._index.shown} has no version of {name} that fits {range}")
            chosen = fitting[max(fitting)]
            self._versions.pack(PackVersion(name, chosen.version, chosen.place, chosen.sha256))
            return chosen.place
        source = parse_pack_source(text, Path.cwd())
        if source.kind == "git" and "://" not in source.where and Path(source.where).exists():
            source = replace(source, where=str(Path(source.where)))
        return from_here(source, self.lock.folder)

    def _newest(self, name: str, updated: Collection[str]) -> Requirement | LockChange:
        """Return a locked pack as a requirement of its newest version; what it stays where the only version of its
        source does not fit. `updated`: the packs that change with it. Raises PackRejected."""
        locked = self._locked(name)
        place = parse_pack_source(locked.source, self.lock.folder)
        if locked.branch is not None:
            found = fetch_branch(replace(place, ref=locked.branch), self.lock.folder)
            self._versions.add(found)
            return Requirement(name, ANY, "the command line", found.place, found.version)
        if place.kind == "git":
            place = replace(place, ref=None)
        fixed = self._fixed(updated).get(name, ())
        found = self._versions.fetch(place, [each.range for each in fixed])
        if found.manifest.name != name:
            raise PackRejected(f'{locked.source} now contains the pack "{found.manifest.name}", not "{name}"')
        exact = found.version if place.kind != "git" or found.version.pre else None
        unmet = [each for each in fixed if not each.admits(found.version)]
        if exact is not None and unmet:
            says = f"{place.text} is {found.version}, but {' and '.join(map(str, unmet))}"
            if not all(each.admits(parse_version(locked.version)) for each in fixed):
                raise PackRejected(says)
            return LockChange(name, locked.version, locked.version, place.text, held_back=says)
        return Requirement(name, ANY, "the command line", place, exact)

    def _fixed(self, roots: Collection[str]) -> dict[str, list[Requirement]]:
        """Return the requirements of scenarios and of packs in use, by name. Those of the roots, and of all packs
        that they use, are left out: their new versions state new ones."""
        changing = set(roots)
        while more := {
            name
            for name, constraints in self._constraints.items()
            if name not in changing and any(each.pack in changing for each in constraints)
        }:
            changing |= more
        return {
            name: [
                Requirement(name, each.range, each.where) for each in constraints if each.pack not in changing
            ]
            for name, constraints in self._constraints.items()
        }

    def _check(self, found: FetchedPack, together: Collection[str], *, signed: bool) -> None:
        """Raise PackRejected if a fetched pack may not be locked. `together`: the packs that are locked with it."""
        name, version = found.manifest.name, found.manifest.version
        before = self.lock.packs.get(name)
        same = before is not None and before.version == version and before.sha256 != found.tree.sha256
        if same and found.branch is None and before is not None and before.branch is None:
            raise PackRejected(
                f"{name} {version} has other files than the {name} {version} of {LOCK_FILE}: a version never "
                f"changes; raise the version in its pack.yaml, or `mockllm pack remove {name}` first"
            )
        if name in bundled_names():
            raise PackRejected(
                f'"{name}" is the name of a pack that ships with mockllm; rename it in its pack.yaml'
            )
        signer = None if found.signature is None else found.signature.signer
        if signed and signer is None:
            reason = "it has no signature" if found.signature is None else found.signature.flaw
            raise PackRejected(f"{name} {version} is not signed by a known signer: {reason}")
        if before is not None and before.signer is not None and signer != before.signer:
            raise PackRejected(
                f"{name} {before.version} is signed by {before.signer}, and {version} by "
                f"{signer or 'no known signer'}; if this is intended, `mockllm pack remove {name}` and add it again"
            )
        self._check_constraints(found, together)

    def _take(self, found: FetchedPack) -> LockChange:
        name, version, digest = found.manifest.name, found.manifest.version, found.tree.sha256
        before = self.lock.packs.get(name)
        capabilities = validate_pack(found.tree, self.lock.path, self._known_names)
        locked = LockedPackSpec(
            version=version,
            source=found.place.text,
            commit=found.commit,
            branch=found.branch,
            signer=None if found.signature is None else found.signature.signer,
            sha256=digest,
        )
        old = self.lock.fetched_path(name) if before is not None else None
        packs = {**self.lock.packs, name: locked}
        self._keep(found, replace(self.lock, packs=packs).fetched_path(name))
        if is_pack(self.lock.vendored_path(name)):
            put_tree(found.tree, self.lock.vendored_path(name))
        self._write(name, locked)
        if old is not None and before is not None and before.version != version:
            drop(old, self.lock.folder / FETCHED_FOLDER)
        return LockChange(
            name,
            None if before is None else before.version,
            version,
            found.place.text,
            moved=before is not None and before.source != found.place.text,
            leads=tuple(capabilities.leads if capabilities else ()),
            signature=found.signature,
            changed=before is not None and before.sha256 != digest,
        )

    def _check_constraints(self, found: FetchedPack, together: Collection[str] = ()) -> None:
        constraints = [
            each for each in self._constraints.get(found.manifest.name, ()) if each.pack not in together
        ]
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

    def _write(self, name: str, locked: LockedPackSpec | None) -> None:
        """Lock a pack, or remove it (None). Changes that another process has made meanwhile stay."""
        path = self.lock.path
        with one_writer(self.lock.folder):
            packs = {**_read_without_diagnostics(path).packs, name: locked}
            put_file(lock_text({key: spec for key, spec in packs.items() if spec}).encode(), Path(path))
        self.lock = read_lock(path)


def _read_without_diagnostics(path: str) -> Lock:
    lock = read_lock(path)
    if lock.diagnostics:
        raise PackRejected("\n".join(map(str, lock.diagnostics)))
    return lock
