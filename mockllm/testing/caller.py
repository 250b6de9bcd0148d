"""The line of a test that called this package, found on the stack."""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Final, NamedTuple

OURS: Final = "mockllm.testing."


class Caller(NamedTuple):
    """The line of the test that called this package."""

    file: str
    line: int

    @property
    def shown(self) -> str:
        """The path of the file, relative to the current folder if it is below that."""
        try:
            near = os.path.relpath(self.file)
        except ValueError:  # another drive
            return self.file
        return self.file if near.startswith("..") else near


def caller() -> Caller:
    """Return the first caller outside of this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__")).startswith(OURS):
        frame = frame.f_back
    assert frame is not None
    return Caller(os.path.abspath(frame.f_code.co_filename), frame.f_lineno)
