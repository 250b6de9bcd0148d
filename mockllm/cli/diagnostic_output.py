"""Output of diagnostics, as lines and as JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO

from mockllm.core.json.codec import Json
from mockllm.scenario.diagnostics import Diagnostic


def use_colours() -> bool:
    """Return whether standard output gets colours: it is a terminal, and NO_COLOR is unset (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def print_mistakes(mistakes: Sequence[Diagnostic], out: TextIO) -> None:
    """Print one line for each mistake, then their number."""
    for mistake in mistakes:
        print(mistake, file=out)
    count = len(mistakes)
    print(f"{count} mistake{'s' * (count != 1)}", file=out)


def as_json(mistake: Diagnostic) -> Json:
    """Return the JSON form of a mistake."""
    return {
        "file": mistake.file,
        "line": mistake.line,
        "column": mistake.column,
        "path": mistake.path,
        "message": mistake.message,
    }
