"""All randomness and all ids: pure hashes of their position.

A draw is a hash of (seed, rule, scope, tries, place), an id a hash of (seed, scope, number, prefix, place). So other
requests change them only by the number and the tries, and a repeated call returns the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from random import Random
from typing import Final, NamedTuple

_LETTERS: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BASE62: Final = bytes(_LETTERS[byte % 62] for byte in range(256))
HEX: Final = bytes(b"0123456789abcdef"[byte % 16] for byte in range(256))


class Randomness:
    """The draws of one response: an independent stream for each place that draws."""

    __slots__ = ("_prefix",)

    def __init__(self, seed: int, rule: str, scope: str, tries: int) -> None:
        self._prefix = f"{seed}|{rule}|{scope}|{tries}|"

    def uniform(self, place: str) -> float:
        """Return a number in [0, 1)."""
        digest = blake2b((self._prefix + place).encode(), digest_size=8).digest()
        return (int.from_bytes(digest, "big") >> 11) * (1.0 / (1 << 53))

    def random(self, place: str) -> Random:
        """Return a generator for a place that draws many times."""
        digest = blake2b((self._prefix + place).encode(), digest_size=8).digest()
        return Random(int.from_bytes(digest, "big"))  # noqa: S311 - a mock's draws, seeded on purpose


UNUSED_RANDOMNESS: Final = Randomness(0, "", "", 0)
"""For what is known to draw nothing; it does not prevent a draw."""


def below(random: Random, count: int) -> int:
    """Return a number from 0 to below `count`, as `Random.choice` draws its index, in half the time."""
    getrandbits, bits = random.getrandbits, count.bit_length()
    drawn = getrandbits(bits)
    while drawn >= count:
        drawn = getrandbits(bits)
    return drawn


class Ids:
    """The ids of one response. `id_seed` is the beginning of all texts that are hashed to ids."""

    __slots__ = ("id_seed",)

    def __init__(self, seed: int, scope: str, number: int) -> None:
        self.id_seed = f"{seed}|{scope}|{number}|".encode()

    @staticmethod
    def id_seed_prefix(seed: int, scope: str) -> bytes:
        """Return the beginning of the id seeds of a scope; the response's number and a bar follow."""
        return f"{seed}|{scope}|".encode()

    def make(self, prefix: str, length: int, place: str = "", alphabet: bytes = BASE62) -> str:
        """Return an id of `prefix` and `length` (at most 64) further characters. `place` distinguishes it from other
        ids of the response with this prefix."""
        hashed = blake2b(self.id_seed + f"{prefix}|{place}".encode(), digest_size=length)
        return prefix + hashed.digest().translate(alphabet).decode()


def as_uuid(digits: str) -> str:
    """Return 32 hexadecimal digits in the form of a UUID."""
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


class IdPattern(NamedTuple):
    """The part of an id that equal responses share. `key` distinguishes the id from the response's other ids."""

    prefix: bytes
    length: int
    key: bytes
    alphabet: bytes


def id_pattern(prefix: str, length: int, place: str, alphabet: bytes) -> IdPattern:
    """Return the pattern of the id that `Ids.make` returns for these arguments."""
    return IdPattern(prefix.encode(), length, f"{prefix}|{place}".encode(), alphabet)


def fill_ids(patterns: Sequence[IdPattern], id_seed: bytes) -> list[bytes]:
    """Return the ids of the response with this id seed (`Ids.id_seed`)."""
    ids = []
    for prefix, length, key, alphabet in patterns:  # a comprehension costs one more call for each response
        ids.append(prefix + blake2b(id_seed + key, digest_size=length).digest().translate(alphabet))
    return ids
