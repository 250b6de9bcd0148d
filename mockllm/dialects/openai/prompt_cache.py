"""How this provider caches prompts.

Source: https://developers.openai.com/api/docs/guides/prompt-caching (autumn of 2026), and `prompt_cache_key`,
`prompt_cache_retention`, `prompt_cache_options` and `prompt_cache_breakpoint` in the types of the SDK. Models up to
GPT-5.5 cache prompts of 1,024 tokens and more, in steps of 128 tokens. An entry lasts 5 to 10 minutes after the last
use and at most an hour, or 24 hours. GPT-5.6 and later have breakpoints, one of them at the end of the prompt unless
the request has the mode `explicit`. Each lasts 30 minutes, and writes are counted. Recorded counts of GPT-4o and
GPT-5 are multiples of 128 (1,280 of 1,420; 1,536 of 1,586; 8,448 of 9,299). Those of GPT-5.6 are not (4,012 of
4,020, written first and then read).
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of
from mockllm.core.prompt_cache.policy import AutomaticPrefixCache, BreakpointCache, CachePolicy
from mockllm.core.request.request import Request
from mockllm.core.text_cache import text_cache

PROMPT_CACHE_BREAKPOINT: Final = "prompt_cache_breakpoint"
BREAKPOINT_LIFETIME: Final = 1800.0
_IN_MEMORY: Final = AutomaticPrefixCache(1024, 128, lifetime=300.0, max_lifetime=3600.0)
_EXTENDED: Final = AutomaticPrefixCache(1024, 128, lifetime=86_400.0, max_lifetime=86_400.0)
_BREAKPOINTS: Final = BreakpointCache(1024, lookback=10_000, breakpoints=4)
"""A breakpoint finds earlier ones at any distance."""

_UNCACHED: Final = ("gpt-3.5*", "gpt-4", "gpt-4-*", "davinci*", "babbage*", "o1-mini*", "o1-preview*")
"""Models before GPT-4o. The previews of o1 had no cache either."""
_WITH_BREAKPOINTS: Final = ("gpt-5.[6-9]*", "gpt-5.[1-9][0-9]*", "gpt-[6-9]*")
_LONG_LIVED: Final = ("gpt-5.[1-5]*",)
"""Models whose default is a retention of 24 hours: see `model_families`."""


@text_cache(512)  # clients repeat a few models
def _family_policy(model: str) -> CachePolicy | None:
    """Return how prompts for a model are cached; those for an unknown one as for most."""
    name = model.rpartition("/")[2]
    if any(fnmatchcase(name, glob) for glob in _UNCACHED):
        return None
    if any(fnmatchcase(name, glob) for glob in _WITH_BREAKPOINTS):
        return _BREAKPOINTS
    return _EXTENDED if any(fnmatchcase(name, glob) for glob in _LONG_LIVED) else _IN_MEMORY


def prompt_cache_policy(request: Request) -> CachePolicy | None:
    """Return how the prompt of a request is cached; None for a model without a cache."""
    policy = _family_policy(request.model or "")
    if policy is None or policy is _BREAKPOINTS:
        return policy
    match request.fields.get("prompt_cache_retention"):
        case "24h":
            return _EXTENDED
        case "in_memory" | "in-memory":
            return _IN_MEMORY
    return policy


def lifetime_of_final_breakpoint(fields: Mapping[str, Json]) -> float | None:
    """Return the lifetime of the breakpoint at the end of a prompt, unless the request places all itself."""
    explicit = object_of(fields.get("prompt_cache_options")).get("mode") == "explicit"
    return None if explicit else BREAKPOINT_LIFETIME


def breakpoint_lifetime_of(part: Mapping[str, Json]) -> float | None:
    """Return the lifetime of a part's breakpoint; None without one."""
    return BREAKPOINT_LIFETIME if type(part.get(PROMPT_CACHE_BREAKPOINT)) is dict else None


def without_breakpoint(part: Mapping[str, Json]) -> dict[str, Json]:
    """Return a part without its breakpoint."""
    return {name: value for name, value in part.items() if name != PROMPT_CACHE_BREAKPOINT}
