"""The files of a pack as one value: what may be in a pack at all, read with bounds, and its SHA-256.

Every way by which a pack comes here (folder, git, zip, wheel) ends in a `Tree`, so that each of them refuses
the same: what reaches out of the pack, what is no data, what is too much.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct, field

MOST_FILES: Final = 2000
LARGEST: Final = 16 * 1024 * 1024
"""Bytes of one file."""
LARGEST_TREE: Final = 64 * 1024 * 1024
"""Bytes of all files of a pack."""
DEEPEST: Final = 12
LONGEST_PATH: Final = 200
DIST: Final = "dist"

CODE: Final = frozenset(
    f".{kind}"
    for kinds in (
        (
            "py",
            "pyc",
            "pyo",
            "pyd",
            "pyi",
            "pth",
            "egg-link",
            "js",
            "mjs",
            "cjs",
            "ts",
            "rb",
            "pl",
            "php",
            "lua",
        ),
        ("sh", "bash", "zsh", "fish", "bat", "cmd", "ps1", "psm1", "vbs", "desktop", "lnk"),
        ("so", "dll", "dylib", "exe", "com", "msi", "jar", "class", "wasm", "app"),
    )
    for kind in kinds
)
"""Endings of files that a machine would run: a pack is data."""
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?\Z")
_SIGNS: Final = re.compile(r'[\\:*?"<>|\x00-\x1f\x7f]')


class PackRejected(ValueError):
    """What a pack must not hold or be, in a line for a person."""


class PackFiles(Struct):
    """Contents of files, by path below the pack's folder, with slashes."""

    files: dict[str, bytes] = field(default_factory=dict)
    _seen: dict[str, str] = field(default_factory=dict)
    _bytes: int = 0

    def expect(self, path: str, size: int) -> None:
        """Refuses a file of this path and size before it is read."""
        _allowed(path)
        if size > LARGEST:
            raise PackRejected(f'"{path}" holds {_mib(size)}; a file of a pack holds at most {_mib(LARGEST)}')
        if self._bytes + size > LARGEST_TREE:
            raise PackRejected(f"its files hold more than {_mib(LARGEST_TREE)} together")
        if len(self.files) >= MOST_FILES:
            raise PackRejected(f"it holds more than {MOST_FILES} files")

    def add(self, path: str, content: bytes) -> None:
        """Puts a file in; Refused where it must not be in a pack."""
        self.expect(path, len(content))
        folders = path.split("/")
        for depth in range(1, len(folders) + 1):
            part = "/".join(folders[:depth])
            known = self._seen.setdefault(unicodedata.normalize("NFC", part).casefold(), part)
            if known != part or (depth == len(folders) and part in self.files):
                raise PackRejected(f'"{known}" and "{part}" are one file on some systems')
        if any("/".join(folders[:depth]) in self.files for depth in range(1, len(folders))):
            raise PackRejected(f'"{path}" lies in a file')
        self.files[path] = content
        self._bytes += len(content)

    @property
    def sha256(self) -> str:
        """Of all paths and contents: equal trees, equal digests, whatever they came in."""
        whole = hashlib.sha256(b"mockllm pack 1\n")
        for path in sorted(self.files):
            one = hashlib.sha256(self.files[path]).hexdigest()
            whole.update(f"{one} {len(self.files[path])} {path}\n".encode())
        return whole.hexdigest()


def hidden(path: str) -> bool:
    """Whether a path is none of a pack's: it, or a folder above it, begins with a dot or is a tool's cache; or it
    lies in the folder `dist` at the top, where `pack build` writes."""
    if path == DIST or path.startswith(f"{DIST}/"):
        return True
    return any(
        (part.startswith(".") and part not in (".", "..")) or part == "__pycache__"
        for part in path.split("/")
    )


def read_tree(folder: Path) -> PackFiles:
    """The files of a folder; Refused for what must not be in a pack, OSError for what cannot be read."""
    tree = PackFiles()
    for path, entry in _walk(folder, "", 1):
        tree.expect(path, entry.stat(follow_symlinks=False).st_size)
        tree.add(path, _read(entry.path))
    return tree


def _walk(folder: Path | str, prefix: str, depth: int) -> Iterator[tuple[str, os.DirEntry[str]]]:
    if depth > DEEPEST:
        raise PackRejected(f'"{prefix[:60]}…" lies in more than {DEEPEST} folders')
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = prefix + entry.name
            if hidden(path):
                continue
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                raise PackRejected(f'"{path}" is a link; put a copy of the file there')
            if stat.S_ISDIR(mode):
                yield from _walk(entry.path, f"{path}/", depth + 1)
            elif stat.S_ISREG(mode):
                yield path, entry
            else:
                raise PackRejected(f'"{path}" is a {_kind(mode)}, not a file')


def _read(path: str) -> bytes:
    """A file's bytes, also where it was exchanged for something else meanwhile."""
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(number, "rb") as file:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise PackRejected(f'"{path}" is not a file')
        return file.read(LARGEST + 1)


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}
    return kinds.get(stat.S_IFMT(mode), "special file")


def _allowed(path: str) -> None:
    shown = path if path.isprintable() else repr(path)[1:-1]
    shown = shown if len(shown) <= 80 else f"{shown[:60]}…"
    if path.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", path):
        raise PackRejected(f'"{shown}" is an absolute path')
    parts = path.split("/")
    if ".." in parts or ("\\" in path and ".." in path.split("\\")):
        raise PackRejected(f'"{shown}" leads out of the pack')
    if len(path.encode("utf-8", "surrogateescape")) > LONGEST_PATH:
        raise PackRejected(f'"{shown}" is a path of more than {LONGEST_PATH} bytes')
    if len(parts) > DEEPEST:
        raise PackRejected(f'"{shown}" lies in more than {DEEPEST} folders')
    for part in parts:
        if not part or part == "." or _SIGNS.search(part) or not part.isprintable() or part[-1] in ". ":
            raise PackRejected(f'"{shown}" is a path that not every system can have')
        if _RESERVED.match(part):
            raise PackRejected(f'"{shown}" is a path that not every system can have: "{part}" is a device')
    if os.path.splitext(path)[1].lower() in CODE:
        raise PackRejected(f'"{shown}" is code; a pack is data')


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB" if size >= 2**20 else f"{size} bytes"
