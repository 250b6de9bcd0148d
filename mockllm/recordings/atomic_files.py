"""Files of recordings on the disk: each is there as a whole, or not at all."""

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
    """Sees whether files can be written to a folder that may be still to come; an OSError says why not. Nothing
    stays behind."""
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    with NamedTemporaryFile(dir=there, prefix="."):
        pass


def keep(path: Path, text: str, *, private: bool = False) -> None:
    """Writes a file in one act: a reader sees it whole, or as it was. Raises OSError (a full disk …), and then
    leaves nothing behind. `private`: only this user may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = NamedTemporaryFile(dir=path.parent, prefix=".", delete=False)  # noqa: SIM115 - closed before it is renamed
    try:
        with file:  # closing writes what is left, so on a full disk it is the one to fail, a second time
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.chmod(file.name, 0o600 if private else 0o644)
        os.replace(file.name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(file.name)
        raise


def file_name(text: str) -> str:
    """A text as the name of a file on any system; never a path, never hidden."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip(".-")[:80] or "recording"


def folder_name(session: str) -> str:
    """A session as the name of a folder: its own where that is a name on any system, else one that no other session
    has, on no system (some take `A` for `a`)."""
    name = file_name(session)
    if name == session == session.lower() and session != SHARED:
        return name
    return f"{name[:70]}-{blake2b(session.encode(), digest_size=4).hexdigest()}"
