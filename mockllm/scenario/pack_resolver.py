"""Where a pack is that is used by its name: what the lock names, then what ships, then what is installed.

A pack that is found here is whole and unchanged: its files are held against the lock's SHA-256, and against
what a pack may hold at all. Nothing is fetched and no code of an installed package is imported.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct, field

from mockllm.scenario.bundled_packs import shipped, shipped_names
from mockllm.scenario.diagnostics import Diagnostic, nearest
from mockllm.scenario.lockfile import LOCK, Lock, read_lock
from mockllm.scenario.pack_files import PackRejected, read_tree
from mockllm.scenario.scenario_folder import is_pack, within

ENTRY_POINTS: Final = "mockllm.packs"
"""The group in which a wheel names its packs: `team/x = package_folder`."""
_MODULE: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")

Origin: TypeAlias = Literal["folder", "locked", "shipped", "installed"]


class PackNotFound(ValueError):
    """There is no pack of this name. `hint` is which was perhaps meant."""

    def __init__(self, name: str, hint: str) -> None:
        super().__init__(f'there is no pack "{name}"{hint}')
        self.hint = hint


class ResolvedPack(NamedTuple):
    """A pack's folder, and how it came there."""

    folder: Path
    origin: Origin


def installed() -> Mapping[str, Path]:
    """The packs of installed packages, by name: their folders, found without importing them."""
    return dict(_installed())


def _installed() -> Iterator[tuple[str, Path]]:
    from importlib import metadata  # 10 ms that only a name which is nowhere else is worth

    for point in metadata.entry_points(group=ENTRY_POINTS):
        if point.dist is None or not _MODULE.fullmatch(point.value):
            continue
        folder = Path(str(point.dist.locate_file(point.value.replace(".", "/"))))
        if is_pack(folder):
            yield point.name, folder


class PackResolver(Struct):
    """The packs that can be used by name. `frozen`: only what ships or stands in the lock."""

    lock: Lock
    frozen: bool = False
    _found: dict[str, ResolvedPack | ValueError] = field(default_factory=dict)

    @classmethod
    def beside(cls, path: str, frozen: bool = False) -> PackResolver:
        """The shelf of the lock at this path."""
        return cls(read_lock(path), frozen)

    @property
    def mistakes(self) -> list[Diagnostic]:
        """What is wrong with the lock itself."""
        return list(self.lock.mistakes)

    def find(self, name: str) -> ResolvedPack:
        """The pack of this name; ValueError with a person's message where it is not there or not as it was."""
        if name not in self._found:
            try:
                self._found[name] = self._find(name)
            except ValueError as error:
                self._found[name] = error
        found = self._found[name]
        if isinstance(found, ValueError):
            raise found
        return found

    def _find(self, name: str) -> ResolvedPack:
        if name in self.lock.packs:
            return ResolvedPack(self._locked(name), "locked")
        folder = shipped(name)
        if folder is not None:
            return ResolvedPack(folder, "shipped")
        others = installed()
        if name in others:
            if self.frozen:
                message = f"is installed, but not in {LOCK}, and --frozen uses nothing else"
                raise ValueError(f'the pack "{name}" {message}; run `mockllm pack add {name}`')
            try:
                read_tree(others[name])
            except (PackRejected, OSError) as error:
                raise ValueError(f'the installed pack "{name}" is refused: {error}') from None
            return ResolvedPack(others[name], "installed")
        known = [*self.lock.packs, *shipped_names(), *others]
        near = nearest(name, known)
        listed = f"; there are {', '.join(known)}, and `mockllm pack add SOURCE` takes what others share"
        raise PackNotFound(name, listed if near is None else f'; did you mean "{near}"?')

    def _locked(self, name: str) -> Path:
        word = self.lock.packs[name]
        places = [place for place in (self.lock.vendored(name), self.lock.kept(name)) if is_pack(place)]
        if not places:
            hint = "; run `mockllm pack add` to fetch it" + (" before --frozen" if self.frozen else "")
            raise ValueError(f"{LOCK} names {name} {word.version}, and it is not here{hint}")
        folder, home = places[0], os.path.realpath(self.lock.folder)
        shown = os.path.relpath(folder)
        if not within(os.path.realpath(folder), home):
            raise ValueError(f"{shown} is a link that leads away from {LOCK}")
        try:
            digest = read_tree(folder).sha256
        except (PackRejected, OSError) as error:
            raise ValueError(f"{shown} is not as {LOCK} has it: {error}") from None
        if digest != word.sha256:
            again = "vendor" if folder == self.lock.vendored(name) else "add"
            raise ValueError(
                f"{shown} is not the {name} {word.version} of {LOCK}: its files have changed; put them back with "
                f"`mockllm pack {again}`, or share them as another version"
            )
        return folder
