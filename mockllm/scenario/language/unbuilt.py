"""Words of the language that are read and checked, but which nothing goes by yet: they are mistakes, so that no
scenario says them in vain. What comes to work is taken out of `UNBUILT`, and nothing else changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pydantic import AfterValidator

from mockllm.core.quantity_types import mistake

UNBUILT: Final[set[str]] = {
    "during",
    "limit",
    "load",
    "requires_state",
    "sets_state",
    "ttft by input tokens",
}


def unbuilt(word: str) -> AfterValidator:
    """For the annotation of a word: its own mistakes are told first."""
    return AfterValidator(_refusal(word))


def _refusal(word: str) -> Callable[[Any], Any]:
    def refuse(value: Any) -> Any:
        if value is not None and word in UNBUILT:
            raise mistake(f"{word} is not there yet: nothing would go by it")
        return value

    return refuse
