"""What differs from model to model in a responses object: an ordered table, the first glob that fits decides.

The object has grown over the years. Each family answers as it was last recorded; a name that is in no row
answers in the newest form (August 2026).
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from msgspec import Struct


class ResponsesFamily(Struct, frozen=True):
    """How one family answers. `effort` and `context` are what its `reasoning` says where nothing was asked;
    `phase`: its messages say whether they are comments or the final answer; `recent`: it was last recorded
    in the summer of 2026, when `moderation`, `tool_usage` and others came."""

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


@lru_cache(maxsize=512)
def family_of(model: str) -> ResponsesFamily:
    """The form of a model's answers, by its asked or its dated name."""
    return next(found for pattern, found in FAMILIES if fnmatchcase(model, pattern))
