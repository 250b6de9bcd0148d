"""The numbers of tokens in the `context` of /api/generate."""

from __future__ import annotations

from typing import Final
from zlib import crc32

from mockllm.core.json.codec import Json
from mockllm.core.tokens import split

VOCABULARY: Final = 128_256
"""The number of different tokens of Llama 3."""
MAX_CHARACTERS: Final = 8_192


def token_numbers(text: str) -> list[Json]:
    """Return the numbers of the tokens at the end of a text."""
    tokens = split(text[-MAX_CHARACTERS:])
    return [crc32(token.encode("utf-8", "surrogatepass")) % VOCABULARY for token in tokens]
