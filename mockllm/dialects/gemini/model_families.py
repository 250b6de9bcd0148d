"""Differences between model families on Gemini's API and on Vertex AI: two small tables.

The data is from recordings of 2025 and 2026. Where the services changed over time, all families follow the
newest form.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final, Literal

from msgspec import Struct

from mockllm.core.text_cache import text_cache

DEFAULT_MODEL: Final = "gemini-3.5-flash"
"""The model where neither the rule nor the request names one, and of examples."""


class GeminiFamily(Struct, frozen=True):
    """The details of one family's responses."""

    signs: Literal["nothing", "calls", "all"] = "all"
    """The parts with a thought signature. `calls`: the first call, where there was thinking. `all`: the first
    call always, and the last text where there was thinking."""
    ids: bool = True
    """Whether calls have ids."""
    ends_alone: bool = True
    """Whether a stream's finish reason is in a separate chunk after the content."""
    index: bool = True
    """Whether the first candidate contains its index."""
    logprobs: bool = False
    """Whether a non-streaming response contains the average of its log probabilities."""
    details: bool = False
    """Whether usage contains the modality of the output."""
    counts: Literal["nothing", "prompt", "all"] = "all"
    """The usage of a stream's chunks before the last one."""
    remarks: bool = True
    """Whether a chunk that ends with a call has a finish message."""


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


@text_cache(512)
def family(model: str, *, vertex: bool) -> GeminiFamily:
    """Return the first row that matches; an unknown model gets the newest form."""
    return next(row for glob, row in (_VERTEX if vertex else _GEMINI) if fnmatchcase(model, glob))
