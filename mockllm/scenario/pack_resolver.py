"""The folder of a pack that is used by its name: from the lockfile, then bundled with mockllm, then installed.

Bundled packs are inside the installed package, or in the folder `scenarios` of a checkout. A resolved pack is
complete and unchanged: its files are checked against the SHA-256 of the lockfile and against the limits for packs.
Nothing is fetched, and no code of an installed package is imported.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct, field

import mockllm
from mockllm.scenario.diagnostics import nearest
from mockllm.scenario.lockfile import LOCK_FILE, Lock, read_lock
from mockllm.scenario.pack_files import PackRejected, read_tree
from mockllm.scenario.scenario_folder import is_pack, within


def _bundled_folder() -> Path:
    package = Path(mockllm.__file__).resolve().parent
    installed_packs = package / "packs"
    return installed_packs if installed_packs.is_dir() else package.parent / "scenarios"


def bundled_names() -> list[str]:
    """Return the names of the bundled packs."""
    home = _bundled_folder()
    return sorted(folder.name for folder in home.iterdir() if is_pack(folder)) if home.is_dir() else []


def bundled_pack(name: str) -> Path | None:
    """Return the folder of a bundled pack by its name."""
    return _bundled_folder() / name if name in bundled_names() else None


ENTRY_POINTS: Final = "mockllm.packs"
"""The entry point group in which a wheel names its packs: `team/x = package_folder`."""
_MODULE: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")

Origin: TypeAlias = Literal["folder", "locked", "shipped", "installed"]


class PackNotFound(ValueError):
    """No pack has this name. `hint` suggests another name."""

    def __init__(self, name: str, hint: str) -> None:
        super().__init__(f'there is no pack "{name}"{hint}')
        self.hint = hint


class ResolvedPack(NamedTuple):
    """A pack's folder and its origin."""

    folder: Path
    origin: Origin


def installed_packs() -> Mapping[str, Path]:
    """Return the folders of the packs of installed packages, by name, without importing the packages."""
    from importlib import metadata  # takes 10 ms; imported only for a name that is found nowhere else

    packs = {}
    for point in metadata.entry_points(group=ENTRY_POINTS):
        if point.dist is None or not _MODULE.fullmatch(point.value):
            continue
        folder = Path(str(point.dist.locate_file(point.value.replace(".", "/"))))
        if is_pack(folder):
            packs[point.name] = folder
    return packs


class PackResolver(Struct):
    """Finds packs by name. With `frozen`, only bundled packs and packs of the lockfile."""

    lock: Lock
    frozen: bool = False
    _found: dict[str, ResolvedPack | ValueError] = field(default_factory=dict)
    _bundled: Sequence[str] | None = None
    _installed: Mapping[str, Path] | None = None
    """The packs of installed packages; like the names of bundled packs, read once, when they are needed."""

    @classmethod
    def for_lock(cls, path: str, frozen: bool = False) -> PackResolver:
        """Return the resolver for the lockfile at this path."""
        return cls(read_lock(path), frozen)

    def find(self, name: str) -> ResolvedPack:
        """Return the pack of this name. Raise ValueError with a message for users if it is missing or changed."""
        if name not in self._found:
            try:
                self._found[name] = self._find(name)
            except ValueError as error:
                self._found[name] = error
        result = self._found[name]
        if isinstance(result, ValueError):
            raise result
        return result

    def _find(self, name: str) -> ResolvedPack:
        if self._bundled is None:
            self._bundled = bundled_names()
        folder = _bundled_folder() / name if name in self._bundled else None
        if (
            name in self.lock.packs and folder is not None
        ):  # else a lockfile could replace a shipped pack unnoticed
            raise ValueError(
                f'{LOCK_FILE} names "{name}", which is the name of a pack that ships with mockllm'
            )
        if name in self.lock.packs:
            return ResolvedPack(self._locked(name), "locked")
        if folder is not None:
            return ResolvedPack(folder, "shipped")
        if self._installed is None:
            self._installed = installed_packs()
        others = self._installed
        if name in others:
            if self.frozen:
                message = f"is installed, but not in {LOCK_FILE}, and --frozen uses nothing else"
                raise ValueError(f'the pack "{name}" {message}; run `mockllm pack add {name}`')
            try:
                read_tree(others[name])
            except (PackRejected, OSError) as error:
                raise ValueError(f'the installed pack "{name}" is refused: {error}') from None
            return ResolvedPack(others[name], "installed")
        if self.lock.diagnostics:
            raise ValueError(f'"{name}" may be a pack of {LOCK_FILE}, which has mistakes')
        known = [*self.lock.packs, *self._bundled, *others]
        near = nearest(name, known)
        listed = f"; there are {', '.join(known)}, and `mockllm pack add SOURCE` adds packs of others"
        raise PackNotFound(name, listed if near is None else f'; did you mean "{near}"?')

    def _locked(self, name: str) -> Path:
        locked = self.lock.packs[name]
        if self.frozen and locked.branch is not None:
            raise ValueError(
                f"{LOCK_FILE} names the branch {locked.branch} for {name}, and --frozen uses no branch; add a "
                f"version of it: `mockllm pack add {locked.source.rpartition('@')[0]}`"
            )
        folders = list(filter(is_pack, (self.lock.vendored_path(name), self.lock.fetched_path(name))))
        if not folders:
            run = "run `mockllm pack add` to fetch it before --frozen"
            hint = f"; {run if self.frozen else '`mockllm pack add` fetches it, or says why it cannot'}"
            raise ValueError(f"{LOCK_FILE} names {name} {locked.version}, and its files are missing{hint}")
        folder, home = folders[0], os.path.realpath(self.lock.folder)
        shown = os.path.relpath(folder)
        if not within(os.path.realpath(folder), home):
            raise ValueError(f"{shown} is a link that leads out of the folder of {LOCK_FILE}")
        try:
            digest = read_tree(folder).sha256
        except (PackRejected, OSError) as error:
            raise ValueError(f"{shown} does not match {LOCK_FILE}: {error}") from None
        if digest != locked.sha256:
            again = "vendor" if folder == self.lock.vendored_path(name) else "add"
            raise ValueError(
                f"{shown} is not {name} {locked.version} of {LOCK_FILE}: its files have changed; restore them with "
                f"`mockllm pack {again}`, or share them as another version"
            )
        return folder
