"""Differences between models: the snapshot that serves an alias, and the details of a family's responses.

The families of each protocol are one ordered table; the first glob that matches decides. The data is from recordings
of 2023 to 2026. In chat completions, reasoning models omit `logprobs` from every choice. Only GPT-4o, GPT-4.1,
o3-mini and the audio models still have a system fingerprint. GPT-4's vision preview, which ended on 2024-12-06
(OpenAI's page of deprecations), follows its last recording, of February 2024. The response object of the responses
protocol has grown over the years. It has the form of recordings of July and August 2026, when all families had the
same members.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.text_cache import text_cache

DEFAULT_MODEL: Final = "gpt-4o-mini"
"""The model of a request that names none, which only lenient validation accepts, and of an example that names
none."""


class OpenAiFamily(Struct, frozen=True):
    """The details of one family's chat completions."""

    fingerprint: str | None = None
    logprobs: bool = True
    """Whether a choice has the key `logprobs` where the request has none."""
    has_service_tier: bool = True
    """Whether the response names its service tier."""
    counts_media_tokens: bool = False
    """Whether the usage counts the tokens of texts and images too."""
    cache_writes: bool = False
    """Whether the usage has the tokens written to the cache even where there are none."""
    ended_before_2025: bool = False
    """Whether the model ended before 2025, when responses had neither a tier nor annotations, refusals, fingerprints
    and details of the usage."""


SNAPSHOTS: Final = {
    "gpt-3.5-turbo": "gpt-3.5-turbo-0125",
    "gpt-4": "gpt-4-0613",
    "gpt-4-turbo": "gpt-4-turbo-2024-04-09",
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-4o-search-preview": "gpt-4o-search-preview-2025-03-11",
    "gpt-4o-mini-search-preview": "gpt-4o-mini-search-preview-2025-03-11",
    "gpt-4.1": "gpt-4.1-2025-04-14",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "gpt-4.1-nano": "gpt-4.1-nano-2025-04-14",
    "gpt-5": "gpt-5-2025-08-07",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
    "gpt-5-nano": "gpt-5-nano-2025-08-07",
    "gpt-5-pro": "gpt-5-pro-2025-10-06",
    "gpt-5.1": "gpt-5.1-2025-11-13",
    "gpt-5.2": "gpt-5.2-2025-12-11",
    "gpt-5.4": "gpt-5.4-2026-03-05",
    "o1": "o1-2024-12-17",
    "o1-mini": "o1-mini-2024-09-12",
    "o3": "o3-2025-04-16",
    "o3-mini": "o3-mini-2025-01-31",
    "o4-mini": "o4-mini-2025-04-16",
}
"""The dated model that serves each alias. A response repeats any other name unchanged."""

FAMILIES: Final = (
    ("gpt-4-vision*", OpenAiFamily(logprobs=False, ended_before_2025=True)),
    ("gpt-4o*-search-preview*", OpenAiFamily(fingerprint="", logprobs=False, has_service_tier=False)),
    ("gpt-4o*-audio*", OpenAiFamily(fingerprint="fp_1d8e19d9b2", logprobs=False, counts_media_tokens=True)),
    ("gpt-audio*", OpenAiFamily(fingerprint="fp_1d8e19d9b2", logprobs=False, counts_media_tokens=True)),
    ("gpt-4o*", OpenAiFamily(fingerprint="fp_a0e9480a2f")),
    ("gpt-4.1*", OpenAiFamily(fingerprint="fp_a1102cf978")),
    ("o[13]-mini*", OpenAiFamily(fingerprint="fp_d48b29c73d", logprobs=False)),
    ("o[134]*", OpenAiFamily(logprobs=False)),
    ("gpt-5.[6-9]*", OpenAiFamily(logprobs=False, cache_writes=True)),
    ("gpt-5*", OpenAiFamily(logprobs=False)),
    ("gpt-6*", OpenAiFamily(logprobs=False, cache_writes=True)),
    ("*", OpenAiFamily()),
)


def snapshot(model: str) -> str:
    """Return the model name of the response to a request for `model`."""
    return SNAPSHOTS.get(model, model)


@text_cache(512)  # clients repeat a few models
def family(model: str) -> OpenAiFamily:
    """Return the family of a model, by its requested or its dated name."""
    return next(family for pattern, family in FAMILIES if fnmatchcase(model, pattern))


class ResponsesFamily(Struct, frozen=True):
    """The details of one family in the responses protocol. `effort` and `context` are the defaults of `reasoning`.
    `phase`: its messages are marked as comments or the final answer."""

    effort: str | None = None
    context: str | None = None
    top_p: float = 1.0
    retention: str = "in_memory"
    phase: bool = False
    adds_functions: bool = False
    """Whether functions that the conversation adds are echoed as functions; else as namespaces."""


_OF_5_5: Final = ResponsesFamily(
    effort="medium", context="current_turn", top_p=0.98, retention="24h", phase=True
)
_OF_5_6: Final = replace(_OF_5_5, context="all_turns", adds_functions=True)
"""GPT-6 has no recording here, so it follows the models before it."""
RESPONSES_FAMILIES: Final = (
    ("o[134]*", ResponsesFamily(effort="medium", context="current_turn")),
    ("gpt-5-pro*", ResponsesFamily(effort="high", context="current_turn")),
    ("gpt-5.3-codex*", replace(_OF_5_5, effort="none")),
    ("gpt-5.[123]*", replace(_OF_5_5, effort="none", phase=False)),
    ("gpt-5.4*", replace(_OF_5_5, effort="none")),
    ("gpt-5.5*", _OF_5_5),
    ("gpt-5.*", _OF_5_6),
    ("gpt-6*", _OF_5_6),
    ("gpt-5*", ResponsesFamily(effort="medium", context="current_turn")),
    ("*", ResponsesFamily()),
)


@text_cache(512)  # clients repeat a few models
def responses_family(model: str) -> ResponsesFamily:
    """Return the form of a model's responses, by its requested or its dated name."""
    return next(family for pattern, family in RESPONSES_FAMILIES if fnmatchcase(model, pattern))
