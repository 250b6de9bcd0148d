"""The script that builds the JavaScript client."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

import pytest

from scripts import build_clients


def test_build_excludes_other_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = []

    def build(target: Path) -> None:
        folder = os.open(build_clients.CLIENT, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(folder)
        built.append(target)

    monkeypatch.setattr(build_clients, "build", build)
    monkeypatch.setattr(sys, "argv", ["build_clients.py", str(tmp_path)])
    build_clients.main()
    assert built == [tmp_path]
