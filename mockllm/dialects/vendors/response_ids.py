"""The ids of DeepSeek's, xAI's and OpenRouter's responses, of their items and of their calls, from recordings of
August 2026. They differ from OpenAI's: UUIDs, calls that are counted from 0, and the ids of generations."""

from __future__ import annotations

from typing import Final

from mockllm.core.randomness import BASE62, Ids
from mockllm.dialects.vendors.vendor import LOWER, VendorIdFormat

RESPONSE: Final = "resp_"
CALL: Final = "call_"
ITEMS: Final = ("rs_", "msg_", "fc_", "ctc_")
UUID: Final = VendorIdFormat()
GENERATION: Final = VendorIdFormat("gen-1784218677-", 20)
DEEPSEEK_CALL: Final = VendorIdFormat(CALL, 24, counted=True)


class CountedIds(Ids):
    """Ids that contain the number of what they name, among those with the same prefix."""

    __slots__ = ("_ids", "_places")

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._places: dict[str, list[str]] = {}
        """The places by their prefix, in order."""

    def number(self, prefix: str, place: str) -> int:
        places = self._places.setdefault(prefix, [])
        if place not in places:
            places.append(place)
        return places.index(place)


class DeepSeekIds(CountedIds):
    """A UUID for the response, and one for each item. Calls have the ids of its chat."""

    __slots__ = ()

    def make(self, prefix: str, length: int, place: str = "", alphabet: bytes = BASE62) -> str:
        if prefix == RESPONSE or prefix in ITEMS:
            return UUID.make(self._ids, prefix + place)
        if prefix == CALL:
            return DEEPSEEK_CALL.make(self._ids, place, self.number(prefix, place))
        return self._ids.make(prefix, length, place, alphabet)


class XaiIds(CountedIds):
    """The UUID of the response also in its items, behind OpenAI's prefix. Its calls share another UUID."""

    __slots__ = ()

    def make(self, prefix: str, length: int, place: str = "", alphabet: bytes = BASE62) -> str:
        if prefix == RESPONSE:
            return UUID.make(self._ids, prefix)
        if prefix == CALL:
            return f"call-{UUID.make(self._ids, CALL)}-{self.number(prefix, place)}"
        if prefix not in ITEMS:
            return self._ids.make(prefix, length, place, alphabet)
        number = self.number(prefix, place)
        ending = f"_{number}" if prefix in ("fc_", "ctc_") or number else ""
        return prefix + UUID.make(self._ids, RESPONSE) + ending


class OpenRouterIds(CountedIds):
    """The id of a generation for the response. Messages and calls have ids for the time being."""

    __slots__ = ()

    def make(self, prefix: str, length: int, place: str = "", alphabet: bytes = BASE62) -> str:
        if prefix == RESPONSE:
            return GENERATION.make(self._ids, prefix)
        if prefix in ("msg_", "fc_"):
            return self._ids.make(f"{prefix}tmp_", 11, place, LOWER)
        return self._ids.make(prefix, length, place, alphabet)
