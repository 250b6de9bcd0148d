"""What pads the pieces of OpenAI's streams, so that their lengths tell nothing of what is said.

Live padding is random; ours fills what is said up to a multiple of 16 characters, as in the newest
recordings, and turns with the number of the event.
"""

from __future__ import annotations

from typing import Final

CHARACTERS: Final = b"kT3vQx9ZbLw5RfNsJ8gYdHc2PmUaE6oWi1KrXt7VqBnz4CyDGuSjlMhApeF0IO" * 2


def padding(number: int, said: int) -> bytes:
    """The member that pads the event of this number, which says so many characters."""
    start = number % 62
    return b',"obfuscation":"%b"' % CHARACTERS[start : start + 16 - said % 16]
