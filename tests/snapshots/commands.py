"""Runs `python -m mockllm` inside the test process, with a fixed clock and a clean environment."""

from __future__ import annotations

import os
import runpy
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from textwrap import dedent
from typing import Final
from unittest.mock import patch

import pytest

import mockllm
from tests.process import environment

MAIN: Final = str(Path(str(mockllm.__file__)).with_name("__main__.py"))
SOURCE: Final = str(Path(MAIN).parent.parent)
NOW: Final = 1_700_000_000.0


def run_command(*arguments: str, folder: Path) -> tuple[int, str, str]:
    """The exit code, standard output and standard error of a command that ends by itself."""
    output, errors = StringIO(), StringIO()
    with (
        chdir(folder),
        patch.dict(os.environ, environment(COLUMNS="100", NO_COLOR="1"), clear=True),
        patch.object(sys, "argv", ["mockllm", *arguments]),
        patch("time.time", return_value=NOW),
        redirect_stdout(output),
        redirect_stderr(errors),
        pytest.raises(SystemExit) as end,
    ):
        runpy.run_path(MAIN, run_name="__main__")
    code = end.value.code
    assert isinstance(code, int)
    return code, output.getvalue(), errors.getvalue()


def transcript(*arguments: str, folder: Path) -> str:
    """A command as a reader would see it in a terminal."""
    code, output, errors = run_command(*arguments, folder=folder)
    actual = f"$ mockllm {' '.join(arguments)}\n{output}"
    if errors:
        actual += f"--- standard error\n{errors}"
    actual += f"--- exit code {code}\n"
    return actual.replace(str(folder), "<folder>").replace(SOURCE, "<source>")


def write_files(folder: Path, files: dict[str, str]) -> None:
    """Write these texts below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
