"""A row of the table of disturbances, and how its settings are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from mockllm.core.json.codec import Json

ExpectedReaction: TypeAlias = Literal["same", "recover", "report", "ignore"]
"""`same`: nothing changes. `recover`: a retry succeeds. `report`: an error says so. `ignore`: not tried."""
EXPECTATIONS: Final = ("same", "recover", "report", "ignore")
NeededResponse: TypeAlias = Literal["any", "stream", "whole", "calls", "parallel calls"]
"""The kind of response without which a disturbance has no effect."""


class DisturbanceType(Struct, frozen=True):
    """A row of the table.

    `forms` are the settings of modifiers, the simplest first; the search tries all, shrinking prefers the first.
    `family` is the class of the place: findings of one family that break the same rule are one. `says` completes
    "The server …". `changes_content`: the content of the response differs, so the output of a good client may, too.
    `lasts`: also tried on every request, as an outage.
    """

    name: str
    family: str
    expect: ExpectedReaction
    says: str
    forms: tuple[Mapping[str, Json], ...]
    needs: tuple[NeededResponse, ...] = ("any",)
    changes_content: bool = False
    lasts: bool = False

    @property
    def variation(self) -> bool:
        return self.expect == "same"


def faults(*listed: Json) -> Mapping[str, Json]:
    """Return the settings of a modifier with these faults."""
    return {"faults": list(listed)}


def at_places(name: str, **settings: Json) -> tuple[Mapping[str, Json], ...]:
    """Return a fault at four places: after the first chunk, in the middle, before the first, and near the end."""
    places: tuple[Json, ...] = ({"chunks": 1}, {"fraction": 0.5}, {"chunks": 0}, {"fraction": 0.9})
    return tuple(faults({name: {"after": place, **settings}}) for place in places)
