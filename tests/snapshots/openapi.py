"""An OpenAPI document without the names of its components, and its texts apart from it."""

from __future__ import annotations

import json
from typing import Any, Final

PREFIX: Final = "#/components/schemas/"
TEXTS: Final = ("summary", "description")
NAMED: Final = frozenset({"properties", "patternProperties", "paths", "responses", "schemas", "mapping"})
"""Mappings whose keys are names, so that none of them is a word of OpenAPI."""


class Normalised:
    """`document`: components are called `Schema1`, `Schema2` … in the order in which the paths refer to them.

    `texts`: each summary and description behind the place where it stands.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._schemas: dict[str, Any] = document["components"]["schemas"]
        self._names: dict[str, str] = {}
        self._queue: list[str] = []
        self.texts: dict[str, str] = {}
        document = {**document, "info": {**document["info"], "version": "<version>"}}
        components = {**document.pop("components")}
        del components["schemas"]
        self.document = self._walk(document, "", False)
        self.document["components"] = self._walk(components, "/components", False)
        self.document["components"]["schemas"] = self._components()

    def _components(self) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while len(result) < len(self._schemas):
            if not self._queue:  # the rest is referred to by no path; its order must not depend on its name
                self._name_of(min(set(self._schemas) - set(self._names), key=self._content))
            title = self._queue.pop(0)
            result[self._names[title]] = self._component(title)
        return result

    def _component(self, title: str) -> Any:
        schema, name = dict(self._schemas[title]), self._names[title]
        if schema.get("title") == title:
            schema["title"] = name
        return self._walk(schema, f"/{name}", False)

    def _content(self, title: str) -> str:
        schema = {key: value for key, value in self._schemas[title].items() if key not in ("title", *TEXTS)}
        return json.dumps(schema, sort_keys=True)

    def _name_of(self, title: str) -> str:
        if title not in self._names:
            self._names[title] = f"Schema{len(self._names) + 1}"
            self._queue.append(title)
        return self._names[title]

    def _walk(self, value: Any, place: str, named: bool) -> Any:
        if isinstance(value, str):
            if value.startswith(PREFIX):
                return PREFIX + self._name_of(value.removeprefix(PREFIX))
            return value
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
