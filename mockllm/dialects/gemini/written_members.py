"""The members of responses that the server writes from a reply, each with the word of the language for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RAW: Final = "finish_reason: {raw: …}"
WRITTEN: Final[Mapping[str, str]] = {
    "candidates.*.content": "parts, text or tool_calls",
    "candidates.*.finishReason": RAW,
    "modelVersion": "model",
    "usageMetadata.promptTokenCount": "usage: {input_tokens: …}",
    "usageMetadata.candidatesTokenCount": "usage: {output_tokens: …}",
    "usageMetadata.cachedContentTokenCount": "usage: {cached_tokens: …}",
    "usageMetadata.thoughtsTokenCount": "usage: {reasoning_tokens: …}",
}
"""By path; `*` is each item of a list."""
