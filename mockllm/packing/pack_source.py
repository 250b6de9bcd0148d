"""Where a pack comes from, as a person writes it: a folder, `URL@TAG`, a zip, a wheel, an installed name.

Apart from fetching: what is written is understood here once, and refused where it could be an option or a
command for git.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from mockllm.scenario.lockfile import NAME
from mockllm.scenario.pack_files import PackRejected

_SCHEME: Final = re.compile(r"(?i)([a-z][a-z0-9+.-]*)://")
_SCP: Final = re.compile(r"[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:(?!//).+")
SCHEMES: Final = ("https", "http", "ssh", "file")
ARCHIVES: Final = (".zip", ".whl")


class PackSource(Struct, frozen=True):
    """`where` is a path, a git URL or a name; `ref` a git tag or commit; `inside` a folder of the repository or
    archive. `text` is how a lock has it."""

    kind: Literal["folder", "git", "zip", "wheel", "installed"]
    where: str
    ref: str | None = None
    inside: str = ""

    @property
    def text(self) -> str:
        prefix = {"git": "git+", "installed": "installed:"}.get(self.kind, "")
        ref = f"@{self.ref}" if self.ref else ""
        return f"{prefix}{self.where}{ref}{'#' + self.inside if self.inside else ''}"


def parse_pack_source(text: str, here: Path) -> PackSource:
    """The place that a person or a lock names; paths are relative to `here`. Refused where it names none."""
    if not text.isprintable() or text.startswith("-") or not text.strip():
        raise PackRejected(f"{text[:60]!r} is no source of a pack")
    given, _, inside = text.partition("#")
    if inside and (inside.startswith("/") or ".." in inside.split("/")):
        raise PackRejected(f'"{inside}" leads out of {given}')
    if given.startswith("installed:"):
        return PackSource("installed", given.removeprefix("installed:"))
    forced = given.startswith("git+")
    given = given.removeprefix("git+")
    scheme = _SCHEME.match(given)
    if scheme or _SCP.fullmatch(given):
        if scheme and scheme[1].lower() not in SCHEMES:
            raise PackRejected(
                f'"{scheme[1]}://" is not fetched; a git URL begins with https://, ssh:// or file://'
            )
        if not forced and given.lower().endswith(ARCHIVES):
            raise PackRejected(f"{given} is not downloaded; fetch it yourself and add the file")
        return _of_git(given, inside, begin=len(scheme[0]) if scheme else given.index("@") + 1)
    if "::" in given:
        raise PackRejected(f'"{given}" would let git run a command; give a URL or a path')
    return _of_path(given, inside, here, forced)


def _of_git(given: str, inside: str, begin: int) -> PackSource:
    slash = min(
        (place for place in (given.find("/", begin), given.find(":", begin)) if place >= 0), default=begin
    )
    at = given.rfind("@", slash)
    url, ref = (given, None) if at < 0 else (given[:at], given[at + 1 :])
    return _checked(PackSource("git", url, ref, inside.strip("/")))


def _of_path(given: str, inside: str, here: Path, forced: bool) -> PackSource:
    whole = here / given
    if given.lower().endswith(ARCHIVES) and not whole.is_dir():
        return PackSource(
            "wheel" if given.lower().endswith(".whl") else "zip", given, None, inside.strip("/")
        )
    if whole.is_dir() and not forced:
        if is_repository(whole) and not (whole / "pack.yaml").is_file():
            return PackSource("git", given, None, inside.strip("/"))
        return PackSource("folder", given, None, inside.strip("/"))
    path, at, ref = given.rpartition("@")
    if at and is_repository(here / path):
        return _checked(PackSource("git", path, ref, inside.strip("/")))
    above = (
        at and (here / path).is_dir() and next(filter(is_repository, (here / path).resolve().parents), None)
    )
    if above:  # a folder of a repository, as it was at a tag
        below = (here / path).resolve().relative_to(above).as_posix()
        return _checked(PackSource("git", os.path.relpath(above, here), ref, below))
    if forced and is_repository(whole):
        return PackSource("git", given, None, inside.strip("/"))
    if re.fullmatch(NAME, given) and not given.startswith(".") and os.sep + "." not in given:
        return PackSource("installed", given)
    raise PackRejected(f'there is no folder, zip, wheel or git repository "{given}"')


def _checked(place: PackSource) -> PackSource:
    if place.ref is not None and (
        not re.fullmatch(r"[\w./+-]+", place.ref) or place.ref.startswith(("-", "/"))
    ):
        raise PackRejected(f'"{place.ref}" is no tag or commit')
    return place


def is_repository(folder: Path) -> bool:
    """Whether a folder is a git repository, bare or with files."""
    return (folder / ".git").exists() or ((folder / "HEAD").is_file() and (folder / "objects").is_dir())


def from_here(place: PackSource, folder: Path) -> PackSource:
    """The same place, a path made relative to the lock's folder."""
    if place.kind == "installed" or (place.kind == "git" and _remote(place.where)):
        return place
    return replace(place, where=Path(os.path.relpath(place.where, folder)).as_posix())


def _remote(where: str) -> bool:
    return bool(_SCHEME.match(where) or _SCP.fullmatch(where))
