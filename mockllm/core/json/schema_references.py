"""The references within a schema. Where ids and anchors leave a choice, all of the targets are found: a decoy, such
as an id inside `const`, must hide none."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from mockllm.core.json.codec import MISSING, Json
from mockllm.core.json.schema_keywords import REFERENCES, place_of, pointer_names

_ANCHORS: Final = ("$anchor", "$dynamicAnchor")
_MAX_RESOURCES: Final = 16
"""The most parts with an id of their own in which references are looked up."""


class SchemaReferences:
    """Finds the targets of the references of one schema. `are_unknown`: too many parts have ids for that. `sources`:
    the parts that apply `unevaluatedProperties` or `unevaluatedItems`. `has_choices`: there is `anyOf` or `oneOf`."""

    def __init__(self, root: Json) -> None:
        self._root = root
        self._resources: list[tuple[str, Json]] = [(_root_segment(root), root)]
        """The root and the parts with an id, each with the last segment of the id."""
        self._anchors: dict[str, list[Json]] = {}
        self._dynamic_roots: list[Json] = []
        self._targets: dict[str, list[Json]] = {}
        self.sources: list[Json] = []
        self.has_choices = False
        has_references = self._read()
        self.are_unknown = has_references and len(self._resources) > 1 + _MAX_RESOURCES

    def _read(self) -> bool:
        """Find the ids and anchors; return whether there are references."""
        waiting, found = [self._root], False
        old_ids: list[tuple[str, Json]] = []
        is_old = False
        while waiting:
            part = waiting.pop()
            if type(part) is dict:
                found = found or not part.keys().isdisjoint(REFERENCES)
                for key in _ANCHORS:
                    self._add_anchor(part.get(key), part)
                if type(part.get("$id")) is str:
                    self._add_id(part["$id"], part)
                if type(part.get("id")) is str:
                    old_ids.append((part["id"], part))
                is_old = is_old or "draft-0" in str(part.get("$schema", ""))
                self.has_choices = self.has_choices or "anyOf" in part or "oneOf" in part
                if part.get("$recursiveAnchor") is True:
                    self._dynamic_roots.append(part)
                if is_unevaluated(part, "unevaluatedProperties") or is_unevaluated(part, "unevaluatedItems"):
                    self.sources.append(part)
                waiting += part.values()
            elif type(part) is list:
                waiting += part
        for name, part in old_ids if is_old else ():
            self._add_id(name, part)
        return found

    def _add_anchor(self, name: Json, part: Json) -> None:
        if type(name) is str:
            self._anchors.setdefault(name, []).append(part)

    def _add_id(self, name: str, part: Json) -> None:
        base, _, anchor = name.partition("#")
        self._add_anchor(anchor or None, part)  # up to draft 7
        if base and part is not self._root:
            self._resources.append((_last_segment(base), part))

    def targets(self, keyword: str, reference: Json) -> list[Json]:
        """Return the parts that a reference may mean; None for one of them that is not in the schema."""
        if type(reference) is not str:
            return [None]
        found = self._targets.get(reference)
        if found is None:
            found = self._targets[reference] = self._find(reference) or [None]
        if keyword == "$recursiveRef":
            return [*found, *(each for each in self._dynamic_roots if all(each is not one for one in found))]
        return found

    def _find(self, reference: str) -> list[Json]:
        base, _, fragment = reference.partition("#")
        if fragment and not fragment.startswith("/"):
            return self._anchors.get(fragment) or self._anchors.get(unquote(fragment)) or []
        segment = _last_segment(base)
        places = [part for own, part in self._resources if not base or segment in ("", own) or own == ""]
        names = pointer_names(fragment)
        found = [place_of(each, names) for each in places]
        return [each for each in found if each is not MISSING]


def is_unevaluated(schema: Json, keyword: str) -> bool:
    """Return whether a schema has one of the two keywords, and the library does not ignore it."""
    return schema.get(keyword, True) is not True


def _root_segment(root: Json) -> str:
    own = root.get("$id", root.get("id")) if type(root) is dict else None
    return _last_segment(own.partition("#")[0]) if type(own) is str else "#"  # which no other id has


def _last_segment(uri: str) -> str:
    """Return the segment of an id that stays the same in each relative form; "" where that is not certain."""
    segment = unquote(uri[max(uri.rfind("/"), uri.rfind(":")) + 1 :])
    return "" if "?" in uri or segment in (".", "..") else segment
