"""Differences of the response object between models: an ordered table; the first glob that matches decides.

The object has grown over the years. Each family's responses follow its last recording. A model in no row gets
the newest form (August 2026).
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

from msgspec import Struct

from mockllm.core.text_cache import text_cache


class ResponsesFamily(Struct, frozen=True):
    """The details of one family's responses. `effort` and `context` are the defaults of `reasoning`. `phase`:
    its messages are marked as comments or the final answer. `recent`: its last recording is from the summer
    of 2026, when `moderation`, `tool_usage` and others were added."""

    effort: str | None = None
    context: str | None = None
    top_p: float = 1.0
    retention: str | None = "in_memory"
    phase: bool = False
    recent: bool = True


FAMILIES: Final = (
    ("gpt-4o*", ResponsesFamily(retention=None, recent=False)),
    ("o[134]*", ResponsesFamily(effort="medium", retention=None, recent=False)),
    ("gpt-5-pro*", ResponsesFamily(effort="high", retention=None, recent=False)),
    ("gpt-5.[123]*", ResponsesFamily(effort="none", top_p=0.98, retention=None, recent=False)),
    (
        "gpt-5.[45]*",
        ResponsesFamily(effort="none", context="current_turn", top_p=0.98, retention="24h", phase=True),
    ),
    (
        "gpt-5.*",
        ResponsesFamily(effort="medium", context="all_turns", top_p=0.98, retention="24h", phase=True),
    ),
    ("gpt-5*", ResponsesFamily(effort="medium", context="current_turn")),
    ("*", ResponsesFamily()),
)


@text_cache(512)
def family_of(model: str) -> ResponsesFamily:
    """Return the form of a model's responses, by its requested or its dated name."""
    return next(family for pattern, family in FAMILIES if fnmatchcase(model, pattern))
