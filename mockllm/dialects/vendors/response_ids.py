"""The ids of responses, of their items and of their calls, where a vendor's differ from OpenAI's."""

from __future__ import annotations

from typing import Final

from mockllm.core.randomness import Ids
from mockllm.dialects.vendors.vendor import VendorIdFormat

RESPONSE: Final = "resp_"
CALL: Final = "call_"
ITEMS: Final = ("rs_", "msg_", "fc_", "ctc_")
UUID: Final = VendorIdFormat()


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
