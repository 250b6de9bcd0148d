"""The estimated tokens of a prompt: of its messages' parts, and of what frames them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mockllm.core.request.messages import CallPart, MediaPart, MessagePart, ResultPart, TextPart, ThinkingPart
from mockllm.core.tokens import estimate

TOKENS_PER_PROMPT: Final = 3
TOKENS_PER_MESSAGE: Final = 4
"""The tokens of a prompt, and of each of its messages, in addition to their texts, as in OpenAI's cookbook."""
MEDIA_TOKENS: Final = 85
"""The tokens of an image, a file or a sound."""

_TEXTS: Final = frozenset({TextPart, ResultPart, ThinkingPart})


def estimate_texts(texts: Sequence[str]) -> int:
    """Return the tokens of a prompt with one text in each message, and no tools."""
    return TOKENS_PER_PROMPT + TOKENS_PER_MESSAGE * len(texts) + sum(map(estimate, texts))


def estimate_parts(parts: Sequence[MessagePart]) -> int:
    """Return the tokens of a message's parts."""
    total = 0
    for part in parts:
        kind = type(part)  # a conversation has many: a match statement costs as much as the estimate
        if kind in _TEXTS:
            total += estimate(part.text)  # type: ignore[union-attr]  # has a text
        elif kind is CallPart:
            total += estimate(f"{part.name}{part.arguments}")  # type: ignore[union-attr]  # a call
        elif isinstance(part, MediaPart):
            total += MEDIA_TOKENS
    return total
