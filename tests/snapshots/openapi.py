"""An OpenAPI document with its texts apart from it, so that a change of words changes no structure."""

from __future__ import annotations

from typing import Any, Final

TEXTS: Final = ("summary", "description")
NAMED: Final = frozenset({"properties", "patternProperties", "paths", "responses", "schemas", "mapping"})
"""Mappings whose keys are names, so that none of them is a word of OpenAPI."""


class Normalised:
    """`document`: the components have their names, in the order of the alphabet. So a new one changes no other.

    `texts`: each summary and description behind its path.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.texts: dict[str, str] = {}
        document = {**document, "info": {**document["info"], "version": "<version>"}}
        self.document = self._walk(document, "", False)

    def _walk(self, value: Any, place: str, named: bool) -> Any:
        if isinstance(value, list):
            return [self._walk(item, f"{place}/{number}", False) for number, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        walked: dict[str, Any] = {}
        for key, item in sorted(value.items()):
            if key in TEXTS and isinstance(item, str) and not named:
                self.texts[f"{place}/{key}"] = item
            else:
                walked[key] = self._walk(item, f"{place}/{key}", key in NAMED and not named)
        return walked
