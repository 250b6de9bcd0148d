"""Padding of the chunks of OpenAI's streams; padded lengths do not reveal the length of the text.

The real padding is random. This padding fills the text up to a multiple of 16 characters, as in the newest
recordings, and rotates with the number of the event.
"""

from __future__ import annotations

from typing import Final

PADDING_CHARACTERS: Final = b"kT3vQx9ZbLw5RfNsJ8gYdHc2PmUaE6oWi1KrXt7VqBnz4CyDGuSjlMhApeF0IO" * 2


def padding(number: int, text_length: int) -> bytes:
    """Return the member that pads the event `number`, which has `text_length` characters of text."""
    start = number % 62
    return b',"obfuscation":"%b"' % PADDING_CHARACTERS[start : start + 16 - text_length % 16]
