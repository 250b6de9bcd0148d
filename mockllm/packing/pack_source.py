"""Parses the source of a pack: a folder, `URL@TAG`, a zip, a wheel, or an installed name.

Separate from fetching: a text that git could interpret as an option or a command is refused here, for all callers.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.display import shortened
from mockllm.core.url_secrets import without_password
from mockllm.scenario.lockfile import NAME
from mockllm.scenario.pack_files import PackRejected

_SCHEME: Final = re.compile(r"(?i)([a-z][a-z0-9+.-]*)://")
_SCP: Final = re.compile(r"[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:(?!//).+")
SCHEMES: Final = ("https", "http", "ssh", "file")
ARCHIVES: Final = (".zip", ".whl")
BAD_AUTHORITY: Final = (
    "expected a URL https://USER:PASSWORD@HOST:PORT/PATH; in a password / is written as %2F, # as %23, ? as %3F "
    "and @ as %40"
)


class PackSource(Struct, frozen=True):
    """A source. `where` is a path, a git URL or a name; `ref` a git tag or commit; `inside` a folder of the
    repository or archive. `text` is its form in a lockfile, without the credentials of a URL: git's own credential
    helpers supply them."""

    kind: Literal["folder", "git", "zip", "wheel", "installed"]
    where: str
    ref: str | None = None
    inside: str = ""

    @property
    def text(self) -> str:
        prefix = {"git": "git+", "installed": "installed:"}.get(self.kind, "")
        ref = f"@{self.ref}" if self.ref else ""
        where = without_password(self.where) if self.kind == "git" else self.where
        return f"{prefix}{where}{ref}{'#' + self.inside if self.inside else ''}"


def parse_pack_source(text: str, here: Path) -> PackSource:
    """Parse a source of the user or of a lockfile; paths are relative to `here`. Raises PackRejected."""
    if not text.isprintable() or text.startswith("-") or not text.strip():
        raise PackRejected(f"{text[:60]!r} is not a source of a pack")
    location, _, inside = text.partition("#")
    if _SCHEME.match(location):
        _check_authority(location)
    if inside and (inside.startswith("/") or ".." in inside.split("/")):
        raise PackRejected(f'"{inside}" is outside of {location}')
    inside = inside.strip("/")
    if location.startswith("installed:"):
        return PackSource("installed", location.removeprefix("installed:"))
    forced = location.startswith("git+")
    location = location.removeprefix("git+")
    scheme = _SCHEME.match(location)
    if scheme or _SCP.fullmatch(location):
        if scheme and scheme[1].lower() not in SCHEMES:
            raise PackRejected(
                f'"{scheme[1]}://" is not fetched; a git URL begins with https://, ssh:// or file://'
            )
        if not forced and location.lower().endswith(ARCHIVES):
            raise PackRejected(f"{location} is not downloaded; fetch it yourself and add the file")
        return _git_source(
            location, inside, path=location.find("/", len(scheme[0])) if scheme else location.index(":")
        )
    if "::" in location:
        raise PackRejected(f'"{location}" would let git run a command; use a URL or a path')
    try:
        return _path_source(location, inside, here, forced)
    except OSError as error:
        raise PackRejected(f"{shortened(location)} cannot be read: {error.strerror}") from None


def _check_authority(url: str) -> None:
    """Raise PackRejected for a URL whose password ends its authority. The message has no part of it."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise PackRejected(BAD_AUTHORITY) from None


def _git_source(location: str, inside: str, path: int) -> PackSource:
    """Return the source at a URL whose path begins at this place. A tag comes after it, a user before it."""
    at = location.rfind("@", path) if path >= 0 else -1
    url, ref = (location, None) if at < 0 else (location[:at], location[at + 1 :])
    return _checked(PackSource("git", url, ref, inside))


def _path_source(location: str, inside: str, here: Path, forced: bool) -> PackSource:
    whole = here / location
    if location.lower().endswith(ARCHIVES) and not whole.is_dir():
        return PackSource("wheel" if location.lower().endswith(".whl") else "zip", location, None, inside)
    if whole.is_dir() and not forced:
        repository = is_repository(whole) and not (whole / "pack.yaml").is_file()
        return PackSource("git" if repository else "folder", location, None, inside)
    path, at, ref = location.rpartition("@")
    if at and is_repository(here / path):
        return _checked(PackSource("git", path, ref, inside))
    folder = (here / path).resolve()
    above = next(filter(is_repository, folder.parents), None) if at and folder.is_dir() else None
    if above:  # a folder of a repository, as it was at a tag
        below = folder.relative_to(above).as_posix()
        return _checked(PackSource("git", os.path.relpath(above, here), ref, below))
    if at and folder.is_dir():
        raise PackRejected(
            f'"{path}" is in no git repository, so it has no version "{ref}"; leave out @{ref}'
        )
    if forced and is_repository(whole):
        return PackSource("git", location, None, inside)
    if re.fullmatch(NAME, location) and not location.startswith(".") and os.sep + "." not in location:
        return PackSource("installed", location)
    raise PackRejected(f'there is no folder, zip, wheel or git repository "{location}"')


def _checked(place: PackSource) -> PackSource:
    if place.ref is not None and (
        not re.fullmatch(r"[\w./+-]+", place.ref) or place.ref.startswith(("-", "/"))
    ):
        raise PackRejected(f'"{place.ref}" is not a tag or commit')
    return place


def is_repository(folder: Path) -> bool:
    """Return whether a folder is a git repository, bare or with files."""
    return (folder / ".git").exists() or ((folder / "HEAD").is_file() and (folder / "objects").is_dir())


def from_here(place: PackSource, folder: Path, here: Path | None = None) -> PackSource:
    """Return a source with its path relative to a folder, not to `here`, which is the working folder by default."""
    if place.kind == "installed" or (place.kind == "git" and _remote(place.where)):
        return place
    return replace(place, where=Path(os.path.relpath((here or Path()) / place.where, folder)).as_posix())


def is_remote(place: PackSource) -> bool:
    """Return whether a source is on another machine."""
    return place.kind == "git" and _remote(place.where) and not place.where.lower().startswith("file:")


def _remote(where: str) -> bool:
    return bool(_SCHEME.match(where) or _SCP.fullmatch(where))
