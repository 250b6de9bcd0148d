"""How providers cache prompts: what is read of earlier prompts, and what is written for later ones."""

from __future__ import annotations

from math import inf
from typing import Final, TypeAlias

from msgspec import Struct

SHORT_LIFETIME: Final = 300.0
"""Seconds. Tokens that are written for longer are counted separately."""


class AutomaticPrefixCache(Struct, frozen=True):
    """A cache of all prefixes, in steps of tokens, without breakpoints of the client. A prompt of fewer than
    `minimum` tokens is not cached. An entry ends `lifetime` seconds after its last use, and `max_lifetime` seconds
    after it was written."""

    minimum: int = 1024
    step: int = 128
    lifetime: float = 300.0
    max_lifetime: float = inf


class BreakpointCache(Struct, frozen=True):
    """A cache of the prefixes that end at a breakpoint, each with its own lifetime. A breakpoint finds entries that
    end at one of the `lookback` blocks before it, or at the breakpoint itself. At most `breakpoints` of a request
    count, the latest."""

    minimum: int = 1024
    lookback: int = 20
    breakpoints: int = 4


CachePolicy: TypeAlias = AutomaticPrefixCache | BreakpointCache


class PromptCacheSettings(Struct, frozen=True):
    """The values that a scenario sets in place of the provider's."""

    minimum: int | None = None
    lifetime: float | None = None


class CachedTokens(Struct, frozen=True):
    """The tokens of one prompt that were read from the cache and written to it; `written_long` of these for longer
    than five minutes."""

    read: int = 0
    written: int = 0
    written_long: int = 0


NOTHING_CACHED: Final = CachedTokens()
