"""The climates of the pack `weather`, as modifiers that the overlay can add for one or all endpoints."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.scenario.pack_resolver import bundled_pack
from mockllm.scenario.yaml_reader import read_source

PACK: Final = "weather"
CALM: Final = "calm"
"""The climate that changes nothing."""
_HEADING: Final = re.compile(r"^ *# --- ([\w-]+): (.+?) -+$", re.MULTILINE)
"""The comment above the modifiers of a climate in the pack's file."""


class Climate(Struct, frozen=True):
    """A climate. `modifiers` are those of the pack, without the condition on the parameter."""

    name: str
    about: str
    modifiers: Sequence[Mapping[str, Json]]

    def for_endpoint(self, endpoint: str, match: Mapping[str, Json]) -> list[Json]:
        """Return the modifiers with the endpoint's name and match."""
        prefix = f"settings {endpoint or 'global'} {self.name}"
        head: Mapping[str, Json] = {"match": dict(match)} if match else {}
        return [
            {"name": f"{prefix} {modifier['name']}", **head, **_without_name(modifier)}
            for modifier in self.modifiers
        ]


@cache
def climates() -> Mapping[str, Climate]:
    """Return all climates by name; none if the pack is not installed."""
    folder = bundled_pack(PACK)
    if folder is None:
        return {}
    pack: Any = read_source((folder / "pack.yaml").read_bytes(), "pack.yaml").data
    raw = b"".join(path.read_bytes() for path in sorted(folder.glob("*.yaml")) if path.name != "pack.yaml")
    data: Any = read_source(raw, PACK).data
    about = {CALM: "everything as it is", **dict(_HEADING.findall(raw.decode()))}
    result = {}
    for name in pack["params"]["climate"]["type"]:
        items = [item for item in data["modifiers"] if item.get("enabled") == {"climate": name}]
        modifiers = [{key: item[key] for key in item if key != "enabled"} for item in items]
        result[name] = Climate(name, about.get(name, ""), modifiers)
    return result


def _without_name(item: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in item.items() if key != "name"}
