"""Which warnings a terminal session has already shown, so that a command that is run again and again repeats none.

Only a terminal leaves warnings out: a log of CI, or a file, has them all in each run.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TextIO

from mockllm.core.display import counted
from mockllm.core.json.codec import Json

LIFETIME: Final = 12 * 3600.0
"""Seconds after which a session counts as a new one: the system uses the numbers of sessions again."""
MAX_SESSIONS: Final = 50


def print_warnings(
    warnings: Sequence[str], environment: Mapping[str, str], out: TextIO | None = None
) -> None:
    """Print warnings, on a terminal only those that its session has not shown yet, and how many it has."""
    out = sys.stderr if out is None else out
    new = warnings if not out.isatty() else _not_shown(warnings, environment)
    for warning in new:
        print(f"mockllm: warning: {warning}", file=out)
    if len(new) < len(warnings):
        known = counted(len(warnings) - len(new), "warning")
        print(f"mockllm: {known} as before; `mockllm check` shows all", file=out)


def _not_shown(warnings: Sequence[str], environment: Mapping[str, str]) -> Sequence[str]:
    """Return the warnings that are new in this session, and store them. Where nothing can be stored, all are new."""
    if not warnings or not hasattr(os, "getsid"):
        return warnings
    path = Path(environment.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "mockllm" / "warnings.json"
    now, session = time.time(), str(os.getsid(0))
    sessions = {
        name: known
        for name, known in _stored(path).items()
        if isinstance(known, dict) and now - LIFETIME < known.get("at", 0) <= now
    }
    shown = sessions.pop(session, {}).get("shown", [])
    digests = {hashlib.sha256(warning.encode()).hexdigest()[:16]: warning for warning in warnings}
    latest = sorted(sessions.items(), key=lambda item: item[1]["at"])[1 - MAX_SESSIONS :]
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        written = path.with_name(f"{path.name}.{os.getpid()}")
        written.write_text(json.dumps({**dict(latest), session: {"at": now, "shown": [*digests]}}))
        written.replace(path)
    return [warning for digest, warning in digests.items() if digest not in shown]


def _stored(path: Path) -> dict[str, Json]:
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text())
        if isinstance(found, dict):
            return found
    return {}
