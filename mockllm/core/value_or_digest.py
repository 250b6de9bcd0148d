"""Parts of cache keys that stay small, however large the request is that they come from."""

from __future__ import annotations

from collections.abc import Hashable
from hashlib import blake2b
from typing import Final

MAX_PART: Final = 1_024
"""The most bytes of a value that is a part of a key itself."""
_DIGEST_SIZE: Final = 16


def value_or_digest(value: Hashable) -> Hashable:
    """Return the value, or a digest of a large one. Values of other texts and numbers have other digests."""
    if not value:  # most parts of most requests
        return value
    if type(value) is bytes:
        data = value
    elif type(value) is str:  # ten times as fast as the representation
        data = value.encode("utf-8", "surrogatepass")
    else:
        data = repr(value).encode()
    return value if len(data) <= MAX_PART else blake2b(data, digest_size=_DIGEST_SIZE).digest()
