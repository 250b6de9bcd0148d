"""The admin token of `serve`: from an option, or from a file that a scraper or a script can read too.

A generated token is printed once, when it is generated.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from mockllm.cli.options import BadOption

LENGTH: Final = 24
"""Random bytes of a generated token."""
MODE: Final = 0o600
"""Readable by the server's user alone; a scraper in another container runs as the same user."""


class AdminToken(NamedTuple):
    """`text` is None without a token. `generated` is the file to which a new token was just written."""

    text: str | None = None
    generated: Path | None = None


def admin_token(values: Mapping[str, Any]) -> AdminToken:
    """Return the token of --admin-token or --admin-token-file. Raise BadOption for an invalid one."""
    text, file = (values["admin_token"] or "").strip(), values["admin_token_file"]
    if not file:
        return AdminToken(_check_token(text, "--admin-token: not a token") if text else None)
    if text:
        raise BadOption("--admin-token and --admin-token-file: use only one of them")
    path = Path(file)
    try:
        return AdminToken(_read(path)) if path.exists() else _generate(path)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text"
        raise BadOption(f"--admin-token-file: {path}: {why}") from None


def _read(path: Path) -> str:
    return _check_token(path.read_text("utf-8").strip(), f"--admin-token-file: {path} contains no token")


def _check_token(text: str, problem: str) -> str:
    """Return the text if it is valid in a header. Raise BadOption otherwise."""
    if not text or not text.isprintable() or " " in text:
        raise BadOption(f"{problem}: expected one word on one line")
    return text


def _generate(path: Path) -> AdminToken:
    """Write a new token to the file. Never overwrite a file that another process created meanwhile."""
    token = secrets.token_urlsafe(LENGTH)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "w") as file:
        file.write(f"{token}\n")
    return AdminToken(token, path)
