"""What differs from model to model: the snapshot that answers for an alias, and the small ways of a family.

One ordered table; the first glob that fits decides. Taken from recordings of 2023 to 2026: reasoning
models leave `logprobs` out of every choice, and only the GPT-4o family still has a system fingerprint.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from msgspec import Struct

DEFAULT_MODEL: Final = "gpt-4o-mini"
"""What answers where no model was named, which only a lenient validation lets through; and what an example
asks for that names none."""


class OpenAiFamily(Struct, frozen=True):
    """How one family of models answers."""

    fingerprint: str | None = None
    logprobs: bool = True
    """Whether a choice has the key `logprobs` where none were asked for."""
    tier: bool = True
    """Whether the answer names its service tier."""


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
"""The dated model that answers where an alias was asked. Any other name is answered as it was asked."""

FAMILIES: Final = (
    ("gpt-4o*-search-preview*", OpenAiFamily(fingerprint="", logprobs=False, tier=False)),
    ("gpt-4o*", OpenAiFamily(fingerprint="fp_a0e9480a2f")),
    ("o[134]-mini*", OpenAiFamily(fingerprint="fp_d48b29c73d", logprobs=False)),
    ("o[134]*", OpenAiFamily(logprobs=False)),
    ("gpt-5*", OpenAiFamily(logprobs=False)),
    ("*", OpenAiFamily()),
)


def snapshot(model: str) -> str:
    """The name that an answer gives for the model that was asked for."""
    return SNAPSHOTS.get(model, model)


@lru_cache(maxsize=512)
def family(model: str) -> OpenAiFamily:
    """The family of a model, by its asked or its dated name."""
    return next(found for pattern, found in FAMILIES if fnmatchcase(model, pattern))
