"""Warnings of `exec` on a terminal: each once in a session; in a log always."""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path

import pytest

from mockllm.cli.shown_warnings import LIFETIME, MAX_SESSIONS, print_warnings


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(folder: Path, *warnings: str, out: io.StringIO | None = None) -> list[str]:
    out = Terminal() if out is None else out
    print_warnings(warnings, {"XDG_CACHE_HOME": str(folder)}, out)
    return out.getvalue().splitlines()


def test_terminal_shows_each_warning_once(tmp_path: Path) -> None:
    assert printed(tmp_path, "a", "b") == ["mockllm: warning: a", "mockllm: warning: b"]
    assert printed(tmp_path, "a", "b") == ["mockllm: 2 warnings as before; `mockllm check` shows all"]
    assert printed(tmp_path, "b", "c") == [
        "mockllm: warning: c",
        "mockllm: 1 warning as before; `mockllm check` shows all",
    ]
    assert printed(tmp_path) == []


def test_warning_that_was_away_is_new_again(tmp_path: Path) -> None:
    printed(tmp_path, "a")
    printed(tmp_path, "b")
    assert printed(tmp_path, "a") == ["mockllm: warning: a"]


def test_log_shows_all_warnings_each_time(tmp_path: Path) -> None:
    for _ in range(2):
        assert printed(tmp_path, "a", out=io.StringIO()) == ["mockllm: warning: a"]
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"1": 2}', "\udcff"])
def test_broken_store_shows_all_warnings(text: str, tmp_path: Path) -> None:
    (tmp_path / "mockllm").mkdir()
    (tmp_path / "mockllm/warnings.json").write_bytes(text.encode(errors="surrogateescape"))
    assert printed(tmp_path, "a") == ["mockllm: warning: a"]


def test_folder_that_cannot_be_written_shows_all_warnings(tmp_path: Path) -> None:
    (tmp_path / "mockllm").write_text("a file")
    for _ in range(2):
        assert printed(tmp_path, "a") == ["mockllm: warning: a"]


def test_old_sessions_are_removed(tmp_path: Path) -> None:
    path, now = tmp_path / "mockllm/warnings.json", time.time()
    path.parent.mkdir()
    sessions = {f"s{number}": {"at": now - number, "shown": []} for number in range(MAX_SESSIONS + 5)}
    sessions[str(os.getsid(0))] = {"at": now - LIFETIME - 1, "shown": ["ca978112ca1bbdca"]}
    path.write_text(json.dumps(sessions))
    assert printed(tmp_path, "a") == ["mockllm: warning: a"]
    assert len(json.loads(path.read_text())) == MAX_SESSIONS
