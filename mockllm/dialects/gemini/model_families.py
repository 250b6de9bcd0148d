"""What differs from one family of models to the next, on Gemini's API and on Vertex AI: two small tables.

Taken from recordings of 2025 and 2026. Where the services changed with time, all follow the newest.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final, Literal

from msgspec import Struct

DEFAULT_MODEL: Final = "gemini-3.5-flash"
"""What answers where neither the rule nor the request names a model, and what an example asks for."""


class GeminiFamily(Struct, frozen=True):
    """How one family of models answers."""

    signs: Literal["nothing", "calls", "all"] = "all"
    """Which parts have a thought signature: the first call where there was thinking, or it always and, where
    there was thinking, the last text."""
    ids: bool = True
    """Whether calls have ids."""
    ends_alone: bool = True
    """Whether a stream's finish reason comes in a chunk of its own, behind what is said."""
    index: bool = True
    """Whether the first candidate tells its index."""
    logprobs: bool = False
    """Whether a whole answer tells the average of its log probabilities."""
    details: bool = False
    """Whether usage tells the modality of what was said."""
    counts: Literal["nothing", "prompt", "all"] = "all"
    """What a stream's usage tells before its last chunk."""
    remarks: bool = True
    """Whether a chunk that ends with a call says so in words."""


_GEMINI: Final = (
    (
        "gemini-[12].0*",
        GeminiFamily(
            "nothing",
            ids=False,
            ends_alone=False,
            index=False,
            logprobs=True,
            details=True,
            counts="prompt",
            remarks=False,
        ),
    ),
    ("gemini-[12].*", GeminiFamily("calls", ids=False, ends_alone=False)),
    ("gemma*", GeminiFamily("nothing", ids=False, ends_alone=False)),
    ("gemini-3-*", GeminiFamily(ids=False)),
    ("*", GeminiFamily()),
)
_VERTEX: Final = (
    (
        "gemini-[12].*",
        GeminiFamily(
            "calls",
            ids=False,
            ends_alone=False,
            index=False,
            logprobs=True,
            details=True,
            counts="nothing",
            remarks=False,
        ),
    ),
    ("*", GeminiFamily(ids=False, index=False, details=True, counts="nothing", remarks=False)),
)


@lru_cache(maxsize=512)
def family(model: str, *, vertex: bool) -> GeminiFamily:
    """The first row that fits; a name that nobody knows answers as the newest models do."""
    return next(found for glob, found in (_VERTEX if vertex else _GEMINI) if fnmatchcase(model, glob))
