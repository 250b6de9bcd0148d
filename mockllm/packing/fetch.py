"""From a place to a pack in memory: its files, its manifest, and the place as a lock has it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.packing import git
from mockllm.packing.archives import read_wheel, read_zip
from mockllm.packing.pack_source import Place
from mockllm.scenario.bundled_packs import shipped_names
from mockllm.scenario.manifest import PackWord, read_manifest
from mockllm.scenario.pack_files import Refused, Tree, read_tree
from mockllm.scenario.pack_resolver import installed
from mockllm.scenario.scenario_folder import MANIFEST, is_pack
from mockllm.scenario.version_ranges import Range, Version, parse_version
from mockllm.scenario.yaml_reader import read_source

_NO_PACK: Final = f"it is no pack: it holds no {MANIFEST}"


class Obtained(Struct, frozen=True):
    """A pack that may be used. `place` names the tag that was taken, `commit` what that is."""

    tree: Tree
    word: PackWord
    place: Place
    commit: str | None = None

    @property
    def version(self) -> Version:
        return parse_version(self.word.version)


def obtain(place: Place, here: Path, ranges: Sequence[Range] = ()) -> Obtained:
    """The pack at a place; of a git repository without a tag the newest version that fits the ranges. Refused
    with a person's message."""
    try:
        if place.kind == "git":
            chosen = place if place.ref else replace(place, ref=newest(place, here, ranges))
            with git.fetched(chosen, here) as found:
                return _of(git.read(found, place.inside), _whole(chosen, found.commit), found.commit)
        if place.kind == "folder" and not is_pack(here / place.where / place.inside):
            raise Refused(_NO_PACK)  # before all that it holds is read
        return _of(_tree(place, here), place)
    except OSError as error:
        raise Refused(f"{place.text} cannot be read: {error.strerror or error}") from None


def _whole(place: Place, commit: str) -> Place:
    """A commit that was cut short in its whole length: it alone is fetched the next time, and it stays one."""
    short = place.ref is not None and commit.startswith(place.ref)
    return replace(place, ref=commit) if short else place


def newest(place: Place, here: Path, ranges: Sequence[Range]) -> str:
    """The tag of the newest version that fits."""
    tags = git.tags(place.where, here)
    fitting = [version for version in tags if all(each.holds(version) for each in ranges)]
    if not ranges:
        fitting = [version for version in fitting if not version.pre] or fitting
    if fitting:
        return tags[max(fitting)]
    if not tags:
        raise Refused(f"{place.where} has no tag that is a version; say which commit: {place.text}@COMMIT")
    wanted = " and ".join(map(str, ranges))
    raise Refused(f"{place.where} has no version that fits {wanted}; its newest is {max(tags)}")


def files_of(place: Place, here: Path) -> Tree:
    """The files at a place, whether they are a pack or not. Refused as above."""
    try:
        if place.kind == "git":
            chosen = place if place.ref else replace(place, ref=newest(place, here, ()))
            with git.fetched(chosen, here) as found:
                return git.read(found, place.inside)
        return _tree(place, here)
    except OSError as error:
        raise Refused(f"{place.text} cannot be read: {error.strerror or error}") from None


def _tree(place: Place, here: Path) -> Tree:
    path = here / place.where
    if place.kind == "zip":
        return read_zip(path, place.inside)
    if place.kind == "wheel":
        return read_wheel(path, place.inside)
    if place.kind == "installed":
        folder = installed().get(place.where)
        if folder is None:
            if place.where in shipped_names():
                raise Refused(f"it ships with mockllm and needs no lock: write use: [{place.where}]")
            raise Refused(f'there is no folder, zip, wheel, git repository or installed pack "{place.where}"')
        return read_tree(folder)
    folder = path / place.inside if place.inside else path
    if place.inside and not os.path.realpath(folder).startswith(os.path.realpath(path) + os.sep):
        raise Refused(f'"{place.inside}" is a link that leads out of {place.where}')
    return read_tree(folder)


def manifest(tree: Tree, shown: str = MANIFEST) -> PackWord:
    """The manifest among files; Refused where there is none or it is wrong."""
    content = tree.files.get(MANIFEST)
    if content is None:
        raise Refused(_NO_PACK)
    word, mistakes = read_manifest(read_source(content, shown))
    if word is None:
        raise Refused("\n".join(map(str, mistakes)))
    return word


def _of(tree: Tree, place: Place, commit: str | None = None) -> Obtained:
    word = manifest(tree)
    parse_version_of(word)
    return Obtained(tree, word, place, commit)


def parse_version_of(word: PackWord) -> Version:
    """The version of a manifest, which what is shared must have."""
    try:
        return parse_version(word.version)
    except ValueError as error:
        raise Refused(f"{MANIFEST}: version: {error}") from None
