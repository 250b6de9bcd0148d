"""`${name}` in a file becomes the value of a pack's parameter, on the parsed tree.

A text that is one `${name}` alone takes the value with its type; inside a text the value is written out. A
value never becomes a template (`core.filled`), and nothing is ever parsed again after it was put in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.values.substituted_text import SubstitutedText
from mockllm.scenario.diagnostics import Diagnostic, Path, meant, scalar_text
from mockllm.scenario.source_file import Mark, Source

_MARK: Final = re.compile(r"\$\$\{|\$\{(?P<name>[^{}]*)(?P<close>\}?)")
_ALONE: Final = re.compile(r"\$\{([^{}]*)\}\Z")
_TEMPLATE: Final = re.compile(r"\{[{%#]")
ROOM: Final = 64 * 1024 * 1024
_BRACE: Final = '{{ "{" }}'


class SizeBudget(Struct):
    """How many characters of parameters there is still room for, in the texts of all files that are loaded: what
    a few lines become is bounded, too. Below 0 where there was too little, which is said once."""

    left: int = ROOM


def substituted(
    source: Source, params: Mapping[str, Json], pack: str | None, room: SizeBudget | None = None
) -> Source:
    """The source with parameters put in, its mistakes extended by those of its `${…}`."""
    if not source.fills or source.data is None:
        return source
    filling = _Filling(source, params, pack, room or SizeBudget())
    data, mark = filling.tree(source.data, source.marks, ())
    return replace(source, data=data, marks=mark, mistakes=(*source.mistakes, *filling.mistakes), fills=False)


def filled(
    source: Source, path: Path, params: Mapping[str, Json], pack: str | None
) -> tuple[Json, list[Diagnostic]]:
    """The value at one path of a source with parameters put in."""
    data = source.data
    for step in path:
        data = data[step]
    filling = _Filling(source, params, pack, SizeBudget())
    return filling.tree(data, source.mark(path), path)[0], filling.mistakes


class _Filling(Struct):
    source: Source
    params: Mapping[str, Json]
    pack: str | None
    room: SizeBudget
    mistakes: list[Diagnostic] = field(default_factory=list)

    def tree(self, data: Json, mark: Mark, path: Path) -> tuple[Json, Mark]:
        """A value and its marks, each the same object where nothing in it changed."""
        if isinstance(data, str):
            return (self.text(data, path), mark) if "${" in data else (data, mark)
        children: Any = mark[2]
        if isinstance(data, list):
            items = [self.tree(each, children[i], (*path, i)) for i, each in enumerate(data)]
            if all(new is old for (new, _), old in zip(items, data, strict=True)):
                return data, mark
            return [each for each, _ in items], (mark[0], mark[1], [each for _, each in items])
        if isinstance(data, dict):
            return self.mapping(data, mark, path)
        return data, mark

    def mapping(self, data: dict[str, Json], mark: Mark, path: Path) -> tuple[Json, Mark]:
        children: Any = mark[2]
        items: dict[str, Json] = {}
        marks: dict[str, Mark] = {}
        changed = False
        for key, value in data.items():
            below = (*path, key)
            new = str(self.spliced(key, below, key=True)) if "${" in key else key
            if new in items:
                self.refuse(below, f'duplicate key "{new}"', key=True)
            items[new], marks[new] = self.tree(value, children[key], below)
            changed = changed or new != key or items[new] is not value
        return (items, (mark[0], mark[1], marks)) if changed else (data, mark)

    def text(self, text: str, path: Path) -> Json:
        """What becomes of a text that holds `${`."""
        alone = _ALONE.match(text)
        if alone is None:
            return self.spliced(text, path)
        value = self.value(alone[1], path)
        return SubstitutedText(value, None) if isinstance(value, str) and _TEMPLATE.search(value) else value

    def spliced(self, text: str, path: Path, key: bool = False) -> str:
        """A text with the values written out in it."""
        plain, template, end = "", "", 0
        for found in _MARK.finditer(text):
            before = text[end : found.start()]
            end = found.end()
            if found["name"] is None:
                put = escaped = "${"
            else:
                put = self.put(text, found, path, key)
                escaped = put.replace("{", _BRACE)
            plain += before + put
            if escaped != put and before.endswith("{"):
                before = before[:-1] + _BRACE
            template += before + escaped
        plain, template = plain + text[end:], template + text[end:]
        if plain == template or not _TEMPLATE.search(plain):
            return plain
        return SubstitutedText(plain, template if _TEMPLATE.search(_MARK.sub(" ", text)) else None)

    def put(self, text: str, found: re.Match[str], path: Path, key: bool) -> str:
        """The text to put in place of one `${name}` inside a text."""
        name = found["name"]
        if not found["close"]:
            self.refuse(path, 'a "${" without its "}"; write "$${" where no parameter is meant', key)
            return ""
        if _is_open(text, found.start()):
            self.refuse(
                path, f"${{{name}}} stands inside a template; there a parameter is just its name: {name}", key
            )
            return ""
        value = self.value(name, path, key)
        return "" if value is None else self.fitting(scalar_text(value), path, key)

    def fitting(self, text: str, path: Path, key: bool) -> str:
        """A value's text, where there is room for it."""
        if 0 <= self.room.left < len(text):
            self.refuse(path, f"parameters make more than {ROOM >> 20} MiB of these files", key)
            self.room.left = -1
        if self.room.left < len(text):
            return ""
        self.room.left -= len(text)
        return text

    def value(self, name: str, path: Path, key: bool = False) -> Json:
        if name in self.params:
            return self.params[name]
        escape = f'; write "$${{{name}}}" where no parameter is meant'
        if self.pack is None:
            self.refuse(
                path, f"${{{name}}}: only a pack has parameters, and this file is in none{escape}", key
            )
        else:
            near = meant(name, self.params) if self.params else ""
            self.refuse(path, f'the pack {self.pack} has no parameter "{name}"{near or escape}', key)
        return None

    def refuse(self, path: Path, message: str, key: bool = False) -> None:
        self.mistakes.append(self.source.mistake(path, message, key))


def _is_open(text: str, end: int) -> bool:
    """Whether a template that begins before this place has not ended there."""
    return any(
        text.rfind(begin, 0, end) > text.rfind(close, 0, end) for begin, close in (("{{", "}}"), ("{%", "%}"))
    )
