"""The shape of JSON in the language: which of its values are objects and lists, and which may be anything.

A model says so by its type, such as `dict[str, JsonValue]`. Values with templates are checked by their shape twice:
when a file is loaded, and when the templates have values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from msgspec import Struct
from pydantic_core import CoreSchema

from mockllm.core.json.codec import Json
from mockllm.core.values.dynamic import Dynamic

FindTemplate: TypeAlias = Callable[[str, Callable[[Json], Json]], Dynamic | None]
"""Returns the template that a text is, with the check of its value; None where it is none."""


class JsonShape(Struct, frozen=True):
    """A shape. `kind`: `dict`, `list`, or empty where any JSON fits. `inner`: the shape of members or items."""

    kind: str = ""
    inner: JsonShape | None = None

    @property
    def part(self) -> JsonShape:
        """The shape of members or items."""
        return self.inner or ANY_JSON

    def fits(self, value: object) -> bool:
        """Return whether a value has the shape. A dynamic value has: its own value is checked later."""
        if not self.kind or isinstance(value, Dynamic):
            return True
        children: Iterable[object]
        if self.kind == "dict" and isinstance(value, dict):
            children = value.values()
        elif self.kind == "list" and isinstance(value, list):
            children = value
        else:
            return False
        return not self.part.kind or all(map(self.part.fits, children))

    def with_templates(self, value: object, template: FindTemplate) -> object:
        """Return a tree with the templates that are in its texts; None where it has none."""
        if isinstance(value, str):
            return template(value, self.checked)
        children: Iterable[tuple[str | int, object]] = ()
        if isinstance(value, dict | list):
            children = value.items() if isinstance(value, dict) else enumerate(value)
        inner = self.part
        found = {
            key: changed
            for key, child in children
            if (changed := inner.with_templates(child, template)) is not None
        }
        if not found:
            return None
        if isinstance(value, dict):
            return {str(key): found.get(key, child) for key, child in value.items()}
        assert isinstance(value, list)
        return [found.get(index, child) for index, child in enumerate(value)]

    def checked(self, value: Json) -> Json:
        """Return the value of a template. Raise ValueError where it has another shape."""
        if self.fits(value):
            return value
        wanted = "an object" if self.kind == "dict" else "a list"
        parts = {"dict": " of objects", "list": " of lists"}.get(self.part.kind, "")
        raise ValueError(f"the value is not {wanted}{parts}")


ANY_JSON = JsonShape()


def shape_of(schema: CoreSchema) -> JsonShape:
    """Return the shape that pydantic's schema of a type has."""
    if schema["type"] == "dict":
        return JsonShape("dict", shape_of(schema["values_schema"]) if "values_schema" in schema else None)
    if schema["type"] == "list":
        return JsonShape("list", shape_of(schema["items_schema"]) if "items_schema" in schema else None)
    return ANY_JSON
