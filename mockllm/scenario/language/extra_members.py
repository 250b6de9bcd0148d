"""The members in `extras` of a reply that would replace what the server writes from the reply's other words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from mockllm.scenario.known_names import KnownNames

_Path: TypeAlias = tuple[str | int, ...]
_TEMPLATE: Final = "{{"


def refused_members(extras: Mapping[str, object], known_names: KnownNames) -> Iterator[str]:
    """Yield a message for each name that is no dialect, each member that the server writes, and each value that would
    replace such members."""
    for dialect, own in extras.items():
        unknown = known_names.unknown_name_error("dialect", str(dialect))
        if unknown is not None:
            dialects = known_names.provider_dialects.get(dialect)
            hint = f"; that of {dialect} is {' or '.join(sorted(dialects))}" if dialects else ""
            yield f"the members are grouped by dialect; {unknown}{hint}"
            continue
        for path, value in _members(own if isinstance(own, dict) else {}):
            if path[0] == "events":
                continue
            name = ".".join(map(str, path))
            word = known_names.written_member(dialect, path)
            kind = known_names.kind_of_parent(dialect, path)
            if word is not None:
                yield f"{dialect}.{name} is written from the reply; write {word} there"
            elif kind is not None and _replaces(value, kind):
                example = "[{member: 1}]" if kind is list else "{member: 1}"
                yield (
                    f"{dialect}.{name} has members that are written from the reply; add others, such as {example}, "
                    "or write http for a body of your own"
                )


def _replaces(value: object, kind: type) -> bool:
    """Return whether a value does not add members to an object or a list of this kind. A template may."""
    return not value or not isinstance(value, kind) if not isinstance(value, str) else _TEMPLATE not in value


def _members(value: object, path: _Path = ()) -> Iterator[tuple[_Path, object]]:
    """Yield all members below a value, with their paths."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield (*path, key), child
        yield from _members(child, (*path, key))
