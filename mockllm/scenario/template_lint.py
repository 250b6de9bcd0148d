"""What templates read that no request can give: a member that nothing of this kind has, a group that no regex
of the rule catches.

Apart from the values, which refuse a name that does not exist at all: these paths may stand behind a `default`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from mockllm.core.json.codec import MISSING, Missing
from mockllm.core.templates.template import PathRead
from mockllm.core.values.dynamic import Expression
from mockllm.scenario.diagnostics import Path, meant
from mockllm.scenario.language.base import Spec, children

Held: TypeAlias = "Mapping[str, Held] | list[Held] | None"
"""What a reading holds: members by name, the one kind of a list's items, or None where there is no telling."""

_ANY: Final = "*"
"""In place of a name: whatever it is."""
_TEXT: Final[Held] = {}
_RESULT: Final[Held] = {"name": _TEXT, "id": _TEXT, "text": _TEXT, "is_error": _TEXT, "json": None}
_HELD: Final[Mapping[str, Held]] = {
    "model": _TEXT,
    "user": _TEXT,
    "system": _TEXT,
    "session": _TEXT,
    "path": _TEXT,
    "turn": _TEXT,
    "messages": [{"role": _TEXT, "text": _TEXT}],
    "tools": [_TEXT],
    "tool_result": _RESULT,
    "tool_results": {_ANY: _RESULT},
    "query": {_ANY: _TEXT},
    "headers": {_ANY: _TEXT},
}


def unreadable(word: Spec, regexes: Iterable[str]) -> Iterator[tuple[Path, str]]:
    """Where a rule or modifier reads such a thing, and why it is never there; `regexes` are those of its match."""
    held = {**_HELD, "match": dict.fromkeys(_groups(regexes), _TEXT)}
    for path, expression in _expressions(word, ()):
        for reading in expression.template.reads:
            reason = _absent(reading, held.get(reading.name))
            if reason is not None:
                yield path, reason


def _groups(regexes: Iterable[str]) -> Iterator[str]:
    """The names and numbers of what they catch."""
    for regex in regexes:
        compiled = re.compile(regex)
        yield from (str(number) for number in range(compiled.groups + 1))
        yield from compiled.groupindex


def _absent(reading: PathRead, held: Held) -> str | None:
    """Why a reading never finds anything; None where it may."""
    for depth, key in enumerate(reading.keys):
        below = _below(held, key)
        if isinstance(below, Missing):
            whole = PathRead(reading.name, reading.keys[: depth + 1])
            return f"{whole} is never there: {_told(PathRead(reading.name, reading.keys[:depth]), held, key)}"
        held = below
    return None


def _below(held: Held, key: str | int) -> Held | Missing:
    if held is None:
        return None
    if isinstance(held, list):
        return held[0] if isinstance(key, int) else MISSING
    return held[_ANY] if _ANY in held else held.get(str(key), MISSING)


def _told(holder: PathRead, held: Held, key: str | int) -> str:
    """What there is in place of a key."""
    if isinstance(held, list):
        return f"{holder} is a list; write {holder}[0]"
    names = [] if held is None else sorted(held)
    if holder.name == "match":
        near = meant(str(key), (name for name in names if name != "0"))
        return f"no regex of this match has such a group{near}" if names else "this match has no regex"
    return f"{holder} has {', '.join(names) or 'no members'}"


def _expressions(value: Any, path: Path) -> Iterator[tuple[Path, Expression[Any]]]:
    """The templates of a word, and where each stands."""
    if isinstance(value, Expression):
        yield path, value
    else:
        for key, child in children(value):
            yield from _expressions(child, (*path, key))
