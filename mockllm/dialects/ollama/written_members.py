"""The members of responses that the server writes from a reply, each with the word of the language for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RAW: Final = "finish_reason: {raw: …}"
WRITTEN: Final[Mapping[str, str]] = {
    "message.content": "text",
    "message.tool_calls": "tool_calls",
    "response": "text",
    "done_reason": RAW,
    "model": "model",
    "prompt_eval_count": "usage: {input_tokens: …}",
    "eval_count": "usage: {output_tokens: …}",
}
"""By path; `*` is each item of a list."""
