"""A terminal that stores what is written to it, and the forms of the progress line."""

from __future__ import annotations

import re
from io import StringIO
from threading import Event

CLEAR = "\r\x1b[2K"
REMOVED = "\n\x1b[?25h\r\x1b[1A\x1b[2K"
"""How rich removes a line at the end."""
STYLE = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\?25[lh]")
FRAME = re.compile(r"(?:^|\n|\r\x1b\[2K)[-\\|/] ([^\r\n]*)")


class Terminal(StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.written = Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.written.set()
        return super().write(text)

    def frames(self) -> list[str]:
        """Each form of the line, without colours and the spinner. The last one is that of the end."""
        return [frame.rstrip() for frame in FRAME.findall(STYLE.sub("", self.getvalue()))]


class Pipe(StringIO):
    """A pipe that says when something is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = Event()

    def write(self, text: str) -> int:
        count = super().write(text)
        if text.endswith("\n"):
            self.written.set()
        return count
