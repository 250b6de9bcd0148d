"""The ids of DeepSeek's and xAI's responses and of their items, from recordings of August 2026: UUIDs in place of
OpenAI's ids."""

from __future__ import annotations

from typing import Final

from mockllm.core.randomness import BASE62, Ids
from mockllm.dialects.vendors.vendor import VendorIdFormat

RESPONSE: Final = "resp_"
ITEMS: Final = ("rs_", "msg_", "fc_", "ctc_")
UUID: Final = VendorIdFormat()


class DeepSeekIds(Ids):
    """A UUID for the response, and one for each item."""

    __slots__ = ("_ids",)

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def make(self, prefix: str, length: int, place: str = "", alphabet: bytes = BASE62) -> str:
        if prefix == RESPONSE or prefix in ITEMS:
            return UUID.make(self._ids, prefix + place)
        return self._ids.make(prefix, length, place, alphabet)


class XaiIds(Ids):
    """The UUID of the response also in its items, behind OpenAI's prefix. Calls are counted from 0."""

    __slots__ = ("_ids", "_places")

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._places: dict[str, list[str]] = {}
        """The places of the items by their prefix, in order."""

    def make(self, prefix: str, length: int, place: str = "", alphabet: bytes = BASE62) -> str:
        if prefix == RESPONSE:
            return UUID.make(self._ids, prefix)
        if prefix not in ITEMS:
            return self._ids.make(prefix, length, place, alphabet)
        places = self._places.setdefault(prefix, [])
        if place not in places:
            places.append(place)
        number = places.index(place)
        ending = f"_{number}" if prefix in ("fc_", "ctc_") or number else ""
        return prefix + UUID.make(self._ids, RESPONSE) + ending
