"""Selects versions of packs that meet all ranges together: of the packs to add, and of the packs that these use.

A used pack comes from the source in its `from`, from the source in the lockfile, or from an index. Packs that ship
with mockllm or are installed are not selected: they have one version.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible, ResolutionTooDeep, Resolver

from mockllm.packing import git
from mockllm.packing.fetch import FetchedPack, fetch_pack
from mockllm.packing.pack_index import PackIndex
from mockllm.packing.pack_source import PackSource, is_remote, parse_pack_source
from mockllm.scenario.lockfile import Lock
from mockllm.scenario.manifest import UseSpec
from mockllm.scenario.pack_files import PackRejected
from mockllm.scenario.pack_resolver import bundled_names
from mockllm.scenario.version_ranges import Range, Version, parse_range, parse_version

MAX_PACKS: Final = 100
"""Most packs, and most versions of packs, that one command fetches to select versions."""
MAX_ROUNDS: Final = 500
ANY: Final = Range("*", ())


class Requirement(Struct, frozen=True):
    """A required pack. `where` names who requires it, `place` is its source, if known; `exact` its only version."""

    name: str
    range: Range
    where: str
    place: PackSource | None = None
    exact: Version | None = None

    def admits(self, version: Version) -> bool:
        return version == self.exact if self.exact is not None else self.range.matches(version)

    def __str__(self) -> str:
        return f"{self.where} requires {self.exact or self.range}"


class PackVersion(Struct, frozen=True):
    """A version of a pack that may be selected. `sha256` is what an index states of its files."""

    name: str
    version: Version
    place: PackSource
    sha256: str | None = None


class PackVersions:
    """The versions that exist of each pack, and their files. Everything is fetched at most once."""

    def __init__(self, lock: Lock, index: PackIndex | None, here: Path) -> None:
        self._lock, self._index, self._here = lock, index, here
        self._fetched: dict[PackSource, FetchedPack] = {}
        self._tags: dict[str, Mapping[Version, str]] = {}

    def fetch(self, place: PackSource, ranges: Sequence[Range] = ()) -> FetchedPack:
        """Return the pack of a source. Raises PackRejected."""
        if place not in self._fetched:
            if len(self._fetched) >= MAX_PACKS:
                raise PackRejected(f"more than {MAX_PACKS} packs would have to be fetched to select versions")
            found = fetch_pack(place, self._here, ranges)
            self._fetched[place] = self._fetched[found.place] = found
        return self._fetched[place]

    def add(self, found: FetchedPack) -> None:
        """Take the pack of a branch, whose source is not fetched again."""
        self._fetched[found.place] = found

    def pack(self, candidate: PackVersion) -> FetchedPack:
        """Return the files of a candidate. Raises PackRejected if it is not the pack of its name and checksum."""
        found = self.fetch(candidate.place)
        if found.manifest.name != candidate.name:
            raise PackRejected(
                f'{candidate.place.text} contains the pack "{found.manifest.name}", not "{candidate.name}"'
            )
        if candidate.sha256 not in (None, found.tree.sha256):
            raise PackRejected(
                f"{candidate.place.text} has other files than the index states for {candidate.name} "
                f"{candidate.version}: expected SHA-256 {str(candidate.sha256)[:12]}…, found "
                f"{found.tree.sha256[:12]}…"
            )
        return found

    def candidates(self, name: str, places: Iterable[PackSource | None]) -> list[PackVersion]:
        """Return the versions of a pack, the newest first."""
        found = [
            each for place in dict.fromkeys(places) if place is not None for each in self._at(name, place)
        ]
        if not found and name in self._lock.packs:
            place = parse_pack_source(self._lock.packs[name].source, self._lock.folder)
            found = self._at(name, replace(place, ref=None) if place.kind == "git" else place)
        if not found and self._index is not None:
            found = [
                PackVersion(name, each.version, each.place, each.sha256)
                for each in self._index.versions(name, self._here)
            ]
        return sorted(found, key=lambda each: each.version, reverse=True)

    def _at(self, name: str, place: PackSource) -> list[PackVersion]:
        if place.kind != "git" or place.ref is not None:
            return [PackVersion(name, self.fetch(place).version, place)]
        if place.where not in self._tags:
            self._tags[place.where] = git.tags(place.where, self._here)
        return [
            PackVersion(name, each, replace(place, ref=tag)) for each, tag in self._tags[place.where].items()
        ]


class _Provider(AbstractProvider[Requirement, PackVersion, str]):
    def __init__(
        self, versions: PackVersions, fixed: Mapping[str, Sequence[Requirement]], lock: Lock
    ) -> None:
        self._versions, self._fixed, self._lock = versions, fixed, lock

    def identify(self, requirement_or_candidate: Requirement | PackVersion) -> str:
        return requirement_or_candidate.name

    def get_preference(self, identifier: str, *args: object, **information: object) -> str:
        return identifier

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[Requirement]],
        incompatibilities: Mapping[str, Iterator[PackVersion]],
    ) -> list[PackVersion]:
        wanted = [*requirements[identifier], *self._fixed.get(identifier, ())]
        excluded = {each.version for each in incompatibilities[identifier]}
        found = [
            each
            for each in self._versions.candidates(identifier, (each.place for each in wanted))
            if each.version not in excluded and all(one.admits(each.version) for one in wanted)
        ]
        locked = self._lock.packs.get(identifier)
        if locked is not None and not any(
            each.place is not None for each in wanted
        ):  # what is there may stay
            found.sort(key=lambda each: each.version != parse_version(locked.version))
        return found

    def is_satisfied_by(self, requirement: Requirement, candidate: PackVersion) -> bool:
        return requirement.admits(candidate.version)

    def get_dependencies(self, candidate: PackVersion) -> list[Requirement]:
        found = self._versions.pack(candidate)
        return [
            each
            for each in uses_of(found)
            if each.name not in bundled_names() and self._versions.candidates(each.name, (each.place,))
        ]


def uses_of(found: FetchedPack) -> Iterator[Requirement]:
    """Yield what a pack uses beside its own folders. Raises PackRejected for a `from` that is not a git URL."""
    where = f"{found.manifest.name} {found.manifest.version}"
    for use in found.manifest.use:
        text, source = (use.pack, use.from_) if isinstance(use, UseSpec) else (use, None)
        name, _, range_text = text.partition("@")
        if name.startswith("."):
            continue
        place = None if source is None else _used_source(source, found, where)
        try:
            yield Requirement(name, parse_range(range_text), where, place)
        except ValueError as error:
            raise PackRejected(f"{where}: use {text}: {error}") from None


def _used_source(text: str, found: FetchedPack, where: str) -> PackSource:
    """Return the source in a `from`. It names no folder of its user's machine, but a pack of this machine may."""
    place = parse_pack_source(text, Path(os.devnull))
    local = place.kind != "git" or place.where.lower().startswith("file:")
    if place.kind != "git" or (local and is_remote(found.place)):
        raise PackRejected(f"{where}: from: {text} is not the URL of a git repository that others can reach")
    return place


def resolve(
    roots: Sequence[Requirement],
    versions: PackVersions,
    fixed: Mapping[str, Sequence[Requirement]],
    lock: Lock,
) -> list[FetchedPack]:
    """Return the packs that the roots need, the used ones first. `fixed` are the requirements of scenarios and of
    other packs, by name. Raises PackRejected with all requirements of a pack that no version meets."""
    resolver: Resolver[Requirement, PackVersion, str] = Resolver(
        _Provider(versions, fixed, lock), BaseReporter()
    )
    try:
        result = resolver.resolve(roots, max_rounds=MAX_ROUNDS)
    except ResolutionImpossible as error:
        raise PackRejected(_conflict([cause.requirement for cause in error.causes], fixed)) from None
    except ResolutionTooDeep:
        raise PackRejected(f"no versions that fit each other were found in {MAX_ROUNDS} attempts") from None
    return [versions.pack(candidate) for candidate in reversed(result.mapping.values())]


def _conflict(requirements: Sequence[Requirement], fixed: Mapping[str, Sequence[Requirement]]) -> str:
    name = requirements[0].name
    lines = dict.fromkeys(str(each) for each in (*requirements, *fixed.get(name, ())) if each.name == name)
    return f"no version of {name} meets all requirements:\n  " + "\n  ".join(lines)
