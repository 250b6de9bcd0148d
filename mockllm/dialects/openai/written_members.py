"""The members of responses that the server writes from a reply, each with the word of the language for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RAW: Final = "finish_reason: {raw: …}"
WRITTEN: Final[Mapping[str, str]] = {
    "choices.*.finish_reason": RAW,
    "choices.*.message.content": "text",
    "choices.*.message.tool_calls": "tool_calls",
    "choices.*.message.refusal": "refusal",
    "choices.*.text": "text",
    "choices.*.delta": "events: {chunk: {choices: [{delta: …}]}}",
    "output": "parts, text or tool_calls",
    "status": RAW,
    "incomplete_details": RAW,
    "model": "model",
    "usage.prompt_tokens": "usage: {input_tokens: …}",
    "usage.completion_tokens": "usage: {output_tokens: …}",
    "usage.input_tokens": "usage: {input_tokens: …}",
    "usage.output_tokens": "usage: {output_tokens: …}",
    "usage.prompt_tokens_details.cached_tokens": "usage: {cached_tokens: …}",
    "usage.input_tokens_details.cached_tokens": "usage: {cached_tokens: …}",
    "usage.completion_tokens_details.reasoning_tokens": "usage: {reasoning_tokens: …}",
    "usage.output_tokens_details.reasoning_tokens": "usage: {reasoning_tokens: …}",
}
"""By path; `*` is each item of a list."""
