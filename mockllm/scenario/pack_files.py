"""The files of a pack as one value: the allowed files, read with limits, and their SHA-256.

Every source of a pack (folder, git, zip, wheel) ends in `PackFiles`. So all of them reject the same: paths out of
the pack, code, and too much data.
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

from mockllm.core.url_secrets import without_passwords

MAX_FILES: Final = 2000
MAX_PACK_FILE_SIZE: Final = 16 * 1024 * 1024
"""Bytes of one file."""
MAX_PACK_SIZE: Final = 64 * 1024 * 1024
"""Bytes of all files of a pack."""
MAX_PACK_DEPTH: Final = 12
MAX_PACK_PATH: Final = 200
DIST: Final = "dist"

CODE: Final = frozenset(
    f".{suffix}"
    for suffix in (
        *("py", "pyc", "pyo", "pyd", "pyi", "pth", "egg-link", "js", "mjs", "cjs", "ts", "rb"),
        *(
            "pl",
            "php",
            "lua",
            "sh",
            "bash",
            "zsh",
            "fish",
            "bat",
            "cmd",
            "ps1",
            "psm1",
            "vbs",
            "desktop",
            "lnk",
        ),
        *("so", "dll", "dylib", "exe", "com", "msi", "jar", "class", "wasm", "app"),
    )
)
"""Suffixes of files that a machine executes: a pack is data."""
_KINDS: Final = {
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?\Z")
_FORBIDDEN: Final = re.compile(r'[\\:*?"<>|\x00-\x1f\x7f]')


class PackRejected(ValueError):
    """A pack contains or is something that is not allowed; one line for users, without the passwords of URLs."""

    def __init__(self, message: str) -> None:
        super().__init__(without_passwords(message))


class PackFiles(Struct):
    """Contents of files, by path below the pack's folder, with slashes."""

    files: dict[str, bytes] = field(default_factory=dict)
    _seen: dict[str, str] = field(default_factory=dict)
    _bytes: int = 0

    def expect(self, path: str, size: int) -> None:
        """Check the path and size of a file before it is read. Raise PackRejected if they are not allowed."""
        _check_path(path)
        if size > MAX_PACK_FILE_SIZE:
            raise PackRejected(
                f'"{path}" has {_mib(size)}; a file of a pack may have at most {_mib(MAX_PACK_FILE_SIZE)}'
            )
        if self._bytes + size > MAX_PACK_SIZE:
            raise PackRejected(f"its files have more than {_mib(MAX_PACK_SIZE)} together")
        if len(self.files) >= MAX_FILES:
            raise PackRejected(f"it has more than {MAX_FILES} files")

    def add(self, path: str, content: bytes) -> None:
        """Add a file. Raise PackRejected if it is not allowed in a pack."""
        self.expect(path, len(content))
        folders = path.split("/")
        for depth in range(1, len(folders) + 1):
            part = "/".join(folders[:depth])
            known = self._seen.setdefault(unicodedata.normalize("NFC", part).casefold(), part)
            if known != part or (depth == len(folders) and part in self.files):
                raise PackRejected(f'"{known}" and "{part}" are one file on some systems')
        if any("/".join(folders[:depth]) in self.files for depth in range(1, len(folders))):
            raise PackRejected(f'"{path}" is inside a file')
        self.files[path] = content
        self._bytes += len(content)

    @property
    def sha256(self) -> str:
        """The SHA-256 of all paths and contents: equal files, equal digests, whatever the source."""
        digest = hashlib.sha256(b"mockllm pack 1\n")
        for path in sorted(self.files):
            file_digest = hashlib.sha256(self.files[path]).hexdigest()
            digest.update(f"{file_digest} {len(self.files[path])} {path}\n".encode())
        return digest.hexdigest()


def is_ignored(path: str) -> bool:
    """Return whether a path is not part of a pack. Such a path, or a folder above it, begins with a dot or is a
    tool's cache. Or it is in the top folder `dist`, to which `pack build` writes."""
    if path == DIST or path.startswith(f"{DIST}/"):
        return True
    return any(
        (part.startswith(".") and part not in (".", "..")) or part == "__pycache__"
        for part in path.split("/")
    )


def read_tree(folder: Path) -> PackFiles:
    """Return the files of a folder. Raise PackRejected for files that are not allowed, OSError for unreadable
    files."""
    tree = PackFiles()
    for path, entry in _walk(folder, "", 1):
        tree.expect(path, entry.stat(follow_symlinks=False).st_size)
        tree.add(path, _read(entry.path))
    return tree


def _walk(folder: Path | str, prefix: str, depth: int) -> Iterator[tuple[str, os.DirEntry[str]]]:
    if depth > MAX_PACK_DEPTH:
        raise PackRejected(f'"{prefix[:60]}…" is in more than {MAX_PACK_DEPTH} folders')
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = prefix + entry.name
            if is_ignored(path):
                continue
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                raise PackRejected(f'"{path}" is a link; put a copy of the file there')
            if stat.S_ISDIR(mode):
                yield from _walk(entry.path, f"{path}/", depth + 1)
            elif stat.S_ISREG(mode):
                yield path, entry
            else:
                raise PackRejected(
                    f'"{path}" is a {_KINDS.get(stat.S_IFMT(mode), "special file")}, not a file'
                )


def _read(path: str) -> bytes:
    """Return a file's bytes, safely even if the file was exchanged meanwhile."""
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(number, "rb") as file:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise PackRejected(f'"{path}" is not a file')
        return file.read(MAX_PACK_FILE_SIZE + 1)


def _check_path(path: str) -> None:
    shown = path if path.isprintable() else repr(path)[1:-1]
    shown = shown if len(shown) <= 80 else f"{shown[:60]}…"
    if path.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", path):
        raise PackRejected(f'"{shown}" is an absolute path')
    parts = path.split("/")
    if ".." in parts or ("\\" in path and ".." in path.split("\\")):
        raise PackRejected(f'"{shown}" leads out of the pack')
    if len(path.encode("utf-8", "surrogateescape")) > MAX_PACK_PATH:
        raise PackRejected(f'"{shown}" is a path of more than {MAX_PACK_PATH} bytes')
    if len(parts) > MAX_PACK_DEPTH:
        raise PackRejected(f'"{shown}" is in more than {MAX_PACK_DEPTH} folders')
    for part in parts:
        if not part or part == "." or _FORBIDDEN.search(part) or not part.isprintable() or part[-1] in ". ":
            raise PackRejected(f'"{shown}" is a path that not every system allows')
        if _RESERVED.match(part):
            raise PackRejected(f'"{shown}" is a path that not every system allows: "{part}" is a device')
    if os.path.splitext(path)[1].lower() in CODE:
        raise PackRejected(f'"{shown}" is code; a pack is data')


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB" if size >= 2**20 else f"{size} bytes"
