"""The texts that a person typed in a conversation, bounded: for rules that search them for names and values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from mockllm.core.request.agent_frames import typed_text
from mockllm.core.request.messages import Message, TextPart

MAX_TEXT: Final = 16_000
"""The most characters of one text that are searched for the frames of agents."""
MAX_TYPED: Final = 4
"""The most texts of a person that are read."""
_MAX_MESSAGES: Final = 200
_MAX_PARTS: Final = 50
"""The last messages, and the first parts of one, that are read."""


def shortened(text: str, max_length: int) -> str:
    """Return a text with at most `max_length` characters, and a line break: the first half and the last one."""
    return text if len(text) <= max_length else f"{text[: max_length // 2]}\n{text[-max_length // 2 :]}"


def person_texts(messages: Sequence[Message]) -> Iterator[str]:
    """Yield the texts of the user's messages without what agents add, the last message first."""
    for message in islice(reversed(messages), _MAX_MESSAGES):
        if message.role == "user":
            texts = [part.text for part in message.parts[:_MAX_PARTS] if type(part) is TextPart]
            typed = [typed_text(shortened(text, MAX_TEXT // max(1, len(texts)))) for text in texts]
            text = "\n".join(filter(None, typed))
            if text:
                yield text
