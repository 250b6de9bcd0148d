"""What differs from one family of models to the next on this wire: one small table, by the answered model.

A row is here only where recordings of the same weeks differ by model. What changed with time (and so looks
different in older recordings of older models) follows the newest for all.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from msgspec import Struct

DEFAULT_MODEL: Final = "claude-sonnet-5"
"""The model that answers where neither the rule nor the request names one."""


class AnthropicFamily(Struct, frozen=True):
    """`geo`: what `usage.inference_geo` says. `thinking_tokens`: whether usage tells them apart."""

    geo: str
    thinking_tokens: bool


_ROWS: Final = (
    ("claude-*-4-[678]*", AnthropicFamily("global", thinking_tokens=False)),
    ("claude-*-4*", AnthropicFamily("not_available", thinking_tokens=False)),
    ("claude-[23]*", AnthropicFamily("not_available", thinking_tokens=False)),
    ("*", AnthropicFamily("global", thinking_tokens=True)),
)


@lru_cache(maxsize=256)
def family_of(model: str) -> AnthropicFamily:
    """The first row that fits; a name that nobody knows answers as the newest models do."""
    return next(family for glob, family in _ROWS if fnmatchcase(model, glob))
