"""All randomness, and all ids: pure hashes of where they stand.

Drawn by (seed, rule, scope, tries, place) and named by (seed, scope, number, prefix, place), so that what
else the server does meanwhile never changes them, and asking twice gives the same.
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
    """The draws of one answer: one independent stream for each place that draws."""

    __slots__ = ("_root",)

    def __init__(self, seed: int, rule: str, scope: str, tries: int) -> None:
        self._root = f"{seed}|{rule}|{scope}|{tries}|"

    def uniform(self, place: str) -> float:
        """A number in [0, 1)."""
        digest = blake2b((self._root + place).encode(), digest_size=8).digest()
        return (int.from_bytes(digest, "big") >> 11) * (1.0 / (1 << 53))

    def random(self, place: str) -> Random:
        """A generator for a place that draws many times."""
        digest = blake2b((self._root + place).encode(), digest_size=8).digest()
        return Random(int.from_bytes(digest, "big"))  # noqa: S311 - a mock's dice, seeded on purpose


class Ids:
    """The ids of one answer. `root` is what they are all hashed behind."""

    __slots__ = ("root",)

    def __init__(self, seed: int, scope: str, number: int) -> None:
        self.root = b"%b%d|" % (self.stem(seed, scope), number)

    @staticmethod
    def stem(seed: int, scope: str) -> bytes:
        """What the roots of a scope's answers begin with; the answer's number and a bar follow."""
        return f"{seed}|{scope}|".encode()

    def make(self, prefix: str, length: int, place: str = "", alphabet: bytes = BASE62) -> str:
        """`prefix` and `length` (at most 64) characters after it."""
        hashed = blake2b(self.root + f"{prefix}|{place}".encode(), digest_size=length)
        return prefix + hashed.digest().translate(alphabet).decode()


class IdPattern(NamedTuple):
    """What of an id is the same in every answer of a kind; `filled` makes those of one answer. `key` tells
    it from the answer's other ids."""

    prefix: bytes
    length: int
    key: bytes
    alphabet: bytes


def id_pattern(prefix: str, length: int, place: str, alphabet: bytes) -> IdPattern:
    """The mould of what `Ids.make` gives for the same."""
    return IdPattern(prefix.encode(), length, f"{prefix}|{place}".encode(), alphabet)


def fill_ids(moulds: Sequence[IdPattern], root: bytes) -> list[bytes]:
    """The ids of the answer whose root (`Ids.root`) it is."""
    said = []
    for prefix, length, key, alphabet in moulds:  # a comprehension would be one more call for each answer
        said.append(prefix + blake2b(root + key, digest_size=length).digest().translate(alphabet))
    return said
