"""The members of responses that the server writes from a reply, each with the word of the language for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RAW: Final = "finish_reason: {raw: …}"
WRITTEN: Final[Mapping[str, str]] = {
    "output": "parts, text or tool_calls",
    "stopReason": RAW,
    "usage.inputTokens": "usage: {input_tokens: …}",
    "usage.outputTokens": "usage: {output_tokens: …}",
}
"""By path; `*` is each item of a list."""
