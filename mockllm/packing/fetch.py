"""Fetches a pack from its source into memory: its files, its manifest, and the source for the lockfile."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.packing import git
from mockllm.packing.archive_signature import archive_signature
from mockllm.packing.archives import read_wheel, read_zip
from mockllm.packing.pack_source import PackSource
from mockllm.scenario.diagnostics import nearest
from mockllm.scenario.manifest import PackSpec, read_manifest
from mockllm.scenario.pack_files import PackFiles, PackRejected, read_tree
from mockllm.scenario.pack_resolver import bundled_names, installed_packs
from mockllm.scenario.scenario_folder import MANIFEST, is_pack
from mockllm.scenario.version_ranges import Range, Version, parse_version
from mockllm.scenario.yaml_reader import read_source

_NO_PACK: Final = f"it is not a pack: it contains no {MANIFEST}"


class FetchedPack(Struct, frozen=True):
    """A fetched pack. `place` contains the selected tag or branch, `commit` its commit, `signature` that of the
    tag or the archive. `branch`: the pack follows a branch."""

    tree: PackFiles
    manifest: PackSpec
    place: PackSource
    commit: str | None = None
    signature: git.Signature | None = None
    branch: str | None = None

    @property
    def version(self) -> Version:
        return parse_version(self.manifest.version)


def fetch_pack(place: PackSource, here: Path, ranges: Sequence[Range] = ()) -> FetchedPack:
    """Fetch the pack of a source; from a git repository without a tag, the newest version in the ranges. Raises
    PackRejected."""
    if place.kind == "folder" and not is_pack(here / place.where / place.inside):
        raise PackRejected(_NO_PACK)  # before all files are read
    found = _read(place, here, ranges)
    read = manifest(found.tree)
    parse_version_of(read)
    return FetchedPack(found.tree, read, found.place, found.commit, found.signature)


def fetch_branch(place: PackSource, here: Path) -> FetchedPack:
    """Fetch the pack at the newest commit of the branch that a git source names. Raises PackRejected."""
    if place.kind != "git" or place.ref is None:
        raise PackRejected(f"--dev follows a branch of a git repository: {place.text}@BRANCH")
    with git.fetched(place, here, moving=True) as found:
        tree = git.read(found, place.inside)
        read = manifest(tree)
        parse_version_of(read)
        return FetchedPack(tree, read, place, found.commit, branch=place.ref)


def files_of(place: PackSource, here: Path) -> PackFiles:
    """Return the files of a source, which need not be a pack. Raises PackRejected."""
    return _read(place, here, ()).tree


class _ReadSource(Struct, frozen=True):
    """The files of a source, the source with its tag or commit, and the commit of a git repository."""

    tree: PackFiles
    place: PackSource
    commit: str | None = None
    signature: git.Signature | None = None


def _read(place: PackSource, here: Path, ranges: Sequence[Range]) -> _ReadSource:
    try:
        if place.kind != "git":
            signature = archive_signature(here / place.where) if place.kind in ("zip", "wheel") else None
            return _ReadSource(_tree(place, here), place, signature=signature)
        chosen = place if place.ref else replace(place, ref=newest(place, here, ranges))
        with git.fetched(chosen, here) as found:
            tree = git.read(found, place.inside)
            return _ReadSource(tree, _whole(chosen, found.commit), found.commit, found.signature)
    except OSError as error:
        raise PackRejected(f"{place.text} cannot be read: {error.strerror or error}") from None


def _whole(place: PackSource, commit: str) -> PackSource:
    """Replace an abbreviated commit by the full one, so that the next fetch needs only this commit."""
    short = place.ref is not None and commit.startswith(place.ref)
    return replace(place, ref=commit) if short else place


def newest(place: PackSource, here: Path, ranges: Sequence[Range]) -> str:
    """Return the tag of the newest version in all ranges."""
    tags = git.tags(place.where, here)
    fitting = [version for version in tags if all(range.matches(version) for range in ranges)]
    if not ranges:
        fitting = [version for version in fitting if not version.pre] or fitting
    if fitting:
        return tags[max(fitting)]
    if not tags:
        raise PackRejected(f"{place.where} has no tag that is a version; name a commit: {place.text}@COMMIT")
    wanted = " and ".join(map(str, ranges))
    raise PackRejected(f"{place.where} has no version that fits {wanted}; its newest is {max(tags)}")


def _tree(place: PackSource, here: Path) -> PackFiles:
    path = here / place.where
    if place.kind == "zip":
        return read_zip(path, place.inside)
    if place.kind == "wheel":
        return read_wheel(path, place.inside)
    if place.kind == "installed":
        installed, bundled = installed_packs(), bundled_names()
        folder = installed.get(place.where)
        if folder is None:
            if place.where in bundled:
                raise PackRejected(f"it ships with mockllm and needs no lock: write use: [{place.where}]")
            near = nearest(place.where, [*bundled, *installed])
            raise PackRejected(
                f'there is no folder, zip, wheel, git repository or installed pack "{place.where}"'
                + (f'; did you mean "{near}"?' if near else "")
            )
        return read_tree(folder)
    folder = path / place.inside if place.inside else path
    if place.inside and not os.path.realpath(folder).startswith(os.path.realpath(path) + os.sep):
        raise PackRejected(f'"{place.inside}" is a link to a target outside of {place.where}')
    return read_tree(folder)


def manifest(tree: PackFiles, shown: str = MANIFEST) -> PackSpec:
    """Parse the manifest of a pack. Raises PackRejected if it is missing or invalid."""
    content = tree.files.get(MANIFEST)
    if content is None:
        raise PackRejected(_NO_PACK)
    read, diagnostics = read_manifest(read_source(content, shown))
    if read is None:
        raise PackRejected("\n".join(map(str, diagnostics)))
    return read


def parse_version_of(manifest: PackSpec) -> Version:
    """Return the version of a manifest. Raises PackRejected if it is missing: shared packs need one."""
    try:
        return parse_version(manifest.version)
    except ValueError as error:
        raise PackRejected(f"{MANIFEST}: version: {error}") from None
