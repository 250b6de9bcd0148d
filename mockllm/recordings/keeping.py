"""Files of recordings on the disk: each is there as a whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from tempfile import NamedTemporaryFile


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
