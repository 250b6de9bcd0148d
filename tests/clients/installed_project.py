"""Runs commands in a project outside of the tree, with this interpreter's `mockllm` on the path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import absent

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 280.0
"""Seconds for an installation or a run on a machine that is busy with other things."""


def copied(name: str, folder: Path) -> Path:
    """Return a copy of the project of this name beside this file."""
    if shutil.which("mockllm", path=str(Path(sys.executable).parent)) is None:
        absent("the command mockllm is not beside this Python: pip install -e .")
    shutil.copytree(Path(__file__).with_name(name), folder / "project")
    return folder / "project"


def run(*command: str, at: Path, check: bool = True, longest: float = LONGEST, **variables: str) -> str:
    """Return what a command printed within `longest` seconds. With `check` the test fails where the command does."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "NO_COLOR": "1", "CI": "1", **variables}
    environment.pop("MOCKLLM_URL", None)
    done = subprocess.run(
        command, cwd=at, env=environment, text=True, capture_output=True, timeout=longest, check=False
    )
    if check and done.returncode != 0:
        pytest.fail(f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}", pytrace=False)
    return done.stdout + done.stderr
