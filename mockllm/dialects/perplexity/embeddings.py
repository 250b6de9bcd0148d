"""Perplexity's embeddings: the forms of its vectors, and their cost.

The vectors are signed bytes or bits in base64, never numbers. The bytes are from a recording of August 2026.
The names and the bits are from the types of the package perplexityai (0.46); the order of the bits is inferred.
"""

from __future__ import annotations

from base64 import b64encode
from struct import pack
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.text_vectors import Vector

LARGEST_BYTE: Final = 127


def signed_bytes(vector: Vector) -> str:
    """Return a vector as signed bytes; the largest component becomes 127 or -127."""
    largest = max(map(abs, vector), default=0.0) or 1.0
    return b64encode(
        pack(f"{len(vector)}b", *(round(part / largest * LARGEST_BYTE) for part in vector))
    ).decode()


def bits(vector: Vector) -> str:
    """Return a vector with a bit for each component: 1 where it is not negative. The first bit is the highest."""
    digits = "".join("1" if part >= 0 else "0" for part in vector)
    size = -(-len(digits) // 8)
    return b64encode(int(digits.ljust(size * 8, "0") or "0", 2).to_bytes(size, "big")).decode()


VECTORS: Final = {None: signed_bytes, "base64_int8": signed_bytes, "base64_binary": bits}


def edit_embeddings(payload: dict[str, Json]) -> None:
    payload["usage"]["cost"] = {"currency": "USD", "input_cost": 2.8e-08, "total_cost": 2.8e-08}
