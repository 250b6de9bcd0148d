"""Differences between model families: one small table, by the model of the response.

A row exists only where recordings of the same weeks differ by model. Differences over time, which also show
in older recordings of older models, follow the newest form for all models.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

from msgspec import Struct

from mockllm.core.text_cache import text_cache

DEFAULT_MODEL: Final = "claude-sonnet-5"
"""The model where neither the rule nor the request names one."""


class AnthropicFamily(Struct, frozen=True):
    """The details of one family. `geo`: the value of `usage.inference_geo`. `thinking_tokens`: whether usage
    counts them separately."""

    geo: str
    thinking_tokens: bool


_ROWS: Final = (
    ("claude-*-4-[678]*", AnthropicFamily("global", thinking_tokens=False)),
    ("claude-*-4*", AnthropicFamily("not_available", thinking_tokens=False)),
    ("claude-[23]*", AnthropicFamily("not_available", thinking_tokens=False)),
    ("*", AnthropicFamily("global", thinking_tokens=True)),
)


@text_cache(256)
def family_of(model: str) -> AnthropicFamily:
    """Return the first row that matches; an unknown model gets the newest form."""
    return next(family for glob, family in _ROWS if fnmatchcase(model, glob))
