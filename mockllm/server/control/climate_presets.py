"""The climates of the pack `weather`, as modifiers for the overlay: the same weather, for all endpoints or one,
while the server runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.scenario.bundled_packs import shipped
from mockllm.scenario.yaml_reader import read_source

PACK: Final = "weather"
CALM: Final = "calm"
"""The climate that changes nothing."""
_HEADING: Final = re.compile(r"^ *# --- ([\w-]+): (.+?) -+$", re.MULTILINE)
"""What the pack's file says above the modifiers of each."""


class Climate(Struct, frozen=True):
    """`modifiers` as a file has them, without the condition that switches them on."""

    name: str
    about: str
    modifiers: Sequence[Mapping[str, Json]]

    def on(self, endpoint: str, match: Mapping[str, Json]) -> list[Json]:
        """Its modifiers for the requests of this match."""
        of = f"settings {endpoint or 'global'} {self.name}"
        head: Mapping[str, Json] = {"match": dict(match)} if match else {}
        return [{"name": f"{of} {each['name']}", **head, **_without_name(each)} for each in self.modifiers]


@cache
def climates() -> Mapping[str, Climate]:
    """All there are, by name; none where the pack is not there."""
    home = shipped(PACK)
    if home is None:
        return {}
    pack: Any = read_source((home / "pack.yaml").read_bytes(), "pack.yaml").data
    raw = b"".join(path.read_bytes() for path in sorted(home.glob("*.yaml")) if path.name != "pack.yaml")
    data: Any = read_source(raw, PACK).data
    about = {CALM: "everything as it is", **dict(_HEADING.findall(raw.decode()))}
    found = {}
    for name in pack["params"]["climate"]["type"]:
        own = [each for each in data["modifiers"] if each.get("enabled") == {"climate": name}]
        modifiers = [{word: each[word] for word in each if word != "enabled"} for each in own]
        found[name] = Climate(name, about.get(name, ""), modifiers)
    return found


def _without_name(item: Mapping[str, Json]) -> dict[str, Json]:
    return {word: value for word, value in item.items() if word != "name"}
