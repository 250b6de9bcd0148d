"""Atomic writes of files."""

from __future__ import annotations

import contextlib
import os
import re
from hashlib import blake2b
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

SHARED: Final = "shared"
"""The folder of requests without a session."""


def probe(folder: Path) -> None:
    """Check whether files can be written to a folder that need not exist; raises OSError otherwise. No file
    remains."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    with NamedTemporaryFile(dir=existing, prefix="."):
        pass


def write_file(path: Path, content: str | bytes, *, private: bool = False) -> None:
    """Write a file atomically: a reader sees the old or the new content. Raises OSError (a full disk …), and then
    leaves no file. `private`: only this user may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = NamedTemporaryFile(dir=path.parent, prefix=".", delete=False)  # noqa: SIM115 - closed before it is renamed
    try:
        with file:  # closing flushes the rest, so on a full disk it fails a second time
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(file.name, 0o600 if private else 0o644)
        os.replace(file.name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(file.name)
        raise


def file_name(text: str) -> str:
    """Return a text as a file name for any system; never a path, never hidden."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip(".-")[:80] or "recording"


def folder_name(session: str) -> str:
    """Return the folder name of a session: its id if that is a file name on any system, else a unique name.

    The name is unique on systems that do not distinguish `A` from `a` too.
    """
    name = file_name(session)
    if name == session == session.lower() and session != SHARED:
        return name
    return f"{name[:70]}-{blake2b(session.encode(), digest_size=4).hexdigest()}"
