"""The members of responses that the server writes from a reply, each with the word of the language for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RAW: Final = "finish_reason: {raw: …}"
WRITTEN: Final[Mapping[str, str]] = {
    "content": "parts, text or tool_calls",
    "stop_reason": RAW,
    "model": "model",
    "usage.input_tokens": "usage: {input_tokens: …}",
    "usage.output_tokens": "usage: {output_tokens: …}",
    "usage.cache_read_input_tokens": "usage: {cached_tokens: …}",
    "usage.cache_creation_input_tokens": "usage: {cache_write_tokens: …}",
}
"""By path; `*` is each item of a list."""
