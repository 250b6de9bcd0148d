"""Finds locked packs whose sources have other files under the same version: edited folders, moved tags."""

from __future__ import annotations

from collections.abc import Iterator

from mockllm.packing.fetch import fetch_pack
from mockllm.packing.git import tag_commit
from mockllm.packing.pack_source import PackSource, parse_pack_source
from mockllm.scenario.lockfile import Lock, LockedPackSpec
from mockllm.scenario.pack_files import PackRejected


def changed_sources(lock: Lock) -> Iterator[tuple[str, LockedPackSpec, str]]:
    """Yield each locked pack whose source has other files under its version, and what happened. A branch may move,
    and a source that cannot be read is left out."""
    for name, locked in sorted(lock.packs.items()):
        if locked.branch is not None:
            continue
        try:
            place = parse_pack_source(locked.source, lock.folder)
            if _has_other_files(lock, locked, place):
                yield name, locked, what_changed(place)
        except PackRejected:
            continue


def what_changed(place: PackSource) -> str:
    """Return why a source has other files than before."""
    return "the tag was moved" if place.kind == "git" else "its files have changed"


def _has_other_files(lock: Lock, locked: LockedPackSpec, place: PackSource) -> bool:
    is_git = place.kind == "git"
    if is_git and tag_commit(place.where, place.ref or "", lock.folder) in (None, locked.commit):
        return False
    found = fetch_pack(place, lock.folder)
    same_version = is_git or found.manifest.version == locked.version
    return same_version and found.tree.sha256 != locked.sha256
