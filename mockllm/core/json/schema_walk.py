"""The places of a JSON Schema: it and every schema that stands in it, with the way there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from mockllm.core.json.codec import Json

Way: TypeAlias = tuple[str, ...]
"""The keywords, names and numbers that lead to a place."""


def places(schema: dict[str, Json]) -> Iterator[tuple[Way, dict[str, Json]]]:
    """Each before what it holds, however deep that is. What is no schema is passed over."""
    left: list[tuple[Way, Json]] = [((), schema)]
    while left:
        way, place = left.pop()
        if type(place) is dict:
            yield way, place
            left += reversed([((*way, *step), held) for step, held in _held(place)])


def _held(place: dict[str, Json]) -> Iterator[tuple[Way, Json]]:
    for keyword in ("properties", "$defs", "definitions"):
        named = place.get(keyword)
        for name, held in (named if type(named) is dict else {}).items():
            yield (keyword, name), held
    yield ("items",), place.get("items")
    for keyword in ("anyOf", "allOf"):
        several = place.get(keyword)
        for number, held in enumerate(several if type(several) is list else ()):
            yield (keyword, str(number)), held
