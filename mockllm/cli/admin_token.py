"""The admin token of `serve`: given, or kept in a file that others who need it can read, a scraper or a script.

Apart from what it opens. One that was made is told once, as it is made.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from mockllm.cli.options import BadOption

LENGTH: Final = 24
"""Random bytes of one that is made."""
MODE: Final = 0o640
"""For its group too: a container beside it reads it as a member."""


class AdminToken(NamedTuple):
    """`text` is None where there is none. `made` is the file that it was just written to."""

    text: str | None = None
    made: Path | None = None


def admin_token(values: Mapping[str, Any]) -> AdminToken:
    """As --admin-token or --admin-token-file have it. Raises BadOption."""
    given, file = (values["admin_token"] or "").strip(), values["admin_token_file"]
    if not file:
        return AdminToken(_word(given, "--admin-token: not a token") if given else None)
    if given:
        raise BadOption("--admin-token and --admin-token-file: give one of them")
    path = Path(file)
    try:
        return AdminToken(_read(path)) if path.exists() else _made(path)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is no text"
        raise BadOption(f"--admin-token-file: {path}: {why}") from None


def _read(path: Path) -> str:
    return _word(path.read_text("utf-8").strip(), f"--admin-token-file: {path} holds no token")


def _word(text: str, otherwise: str) -> str:
    """What can stand in a header as it is."""
    if not text or not text.isprintable() or " " in text:
        raise BadOption(f"{otherwise}: one word on one line")
    return text


def _made(path: Path) -> AdminToken:
    """Never over a file that came meanwhile."""
    token = secrets.token_urlsafe(LENGTH)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "w") as file:
        file.write(f"{token}\n")
    return AdminToken(token, path)
