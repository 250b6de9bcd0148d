"""Numbers of tokens without a vocabulary, for the calls that tokenize a text and make the text of tokens again.

A text is cut evenly into as many tokens as its estimate has, and the number of a token holds its bytes. So any part
of a list becomes its text again.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from mockllm.core.tokens import estimate

MAX_BYTES: Final = 6
"""Bytes of a token: its number is below 2**53, which every reader of JSON holds exactly."""


def token_numbers(text: str, count: int | None = None) -> list[int]:
    """Return the numbers of a text's tokens: `count` of them where the text allows that many, else its estimate."""
    raw = text.encode("utf-8", "replace")
    length = len(raw)
    wanted = estimate(text) if count is None else count
    number = min(length, max(wanted, -(-length // MAX_BYTES)))
    ends = [length * place // number for place in range(number + 1)] if number else []
    return [int.from_bytes(b"\x01" + raw[start:end]) for start, end in pairwise(ends)]


def token_bytes(number: int) -> bytes:
    """Return the bytes of a token; a sign for a number that no text has."""
    raw = number.to_bytes((number.bit_length() + 7) // 8 or 1)
    return raw[1:] if raw[0] == 1 and len(raw) > 1 else "\N{REPLACEMENT CHARACTER}".encode()


def token_string(number: int) -> str:
    """Return the text of a token; a sign in place of a part of a character."""
    return token_bytes(number).decode("utf-8", "replace")


def text_of_tokens(numbers: Sequence[int]) -> str:
    return b"".join(map(token_bytes, numbers)).decode("utf-8", "replace")
