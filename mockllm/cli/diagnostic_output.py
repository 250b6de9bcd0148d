"""How mistakes and warnings are listed, for people and for programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO

from mockllm.core.json.codec import Json
from mockllm.scenario.diagnostics import Diagnostic


def coloured() -> bool:
    """Whether what is printed may have colours: a person reads it, and does not forbid them (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def list_mistakes(mistakes: Sequence[Diagnostic], out: TextIO) -> None:
    """One line each, and how many."""
    for mistake in mistakes:
        print(mistake, file=out)
    count = len(mistakes)
    print(f"{count} mistake{'s' * (count != 1)}", file=out)


def as_json(mistake: Diagnostic) -> Json:
    """A mistake for a program."""
    return {
        "file": mistake.file,
        "line": mistake.line,
        "column": mistake.column,
        "path": mistake.path,
        "message": mistake.message,
    }
