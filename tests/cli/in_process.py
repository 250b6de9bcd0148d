"""Runs a command in the test's own process, for commands that end by themselves: a separate process takes a second
each."""

from __future__ import annotations

import os
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest

from mockllm.cli.main import main
from tests.process import environment


@dataclass(frozen=True, slots=True)
class Ended:
    """The result, as in `subprocess.CompletedProcess`."""

    returncode: int
    stdout: str
    stderr: str


def command(*arguments: str, cwd: Path, **more: str) -> Ended:
    """Runs a command to its end, as `tests.process.command` does."""
    out, wrong = StringIO(), StringIO()
    with (
        chdir(cwd),
        patch.dict(os.environ, environment(**more), clear=True),
        redirect_stdout(out),
        redirect_stderr(wrong),
        pytest.raises(SystemExit) as end,
    ):
        main([*arguments])
    assert isinstance(end.value.code, int)
    return Ended(end.value.code, out.getvalue(), wrong.getvalue())
