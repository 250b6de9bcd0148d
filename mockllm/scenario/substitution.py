"""Substitution of pack parameters: `${name}` in a file becomes the parameter's value, on the parsed tree.

A text that is only `${name}` becomes the value with its type; inside a longer text the value is written out. A value
never becomes a template (`core.templates.template`). Nothing is parsed again after the substitution.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.templates.template import SubstitutedText
from mockllm.scenario.diagnostics import Diagnostic, Path, scalar_text, suggestion, value_at
from mockllm.scenario.source_file import Mark, Source, child_mark

_MARK: Final = re.compile(r"\$\$\{|\$\{(?P<name>[^{}]*)(?P<close>\}?)")
_ALONE: Final = re.compile(r"\$\{([^{}]*)\}\Z")
_TEMPLATE: Final = re.compile(r"\{[{%#]")
MAX_SUBSTITUTED: Final = 64 * 1024 * 1024
_BRACE: Final = '{{ "{" }}'


class SizeBudget(Struct):
    """The number of characters of parameters that all loaded files may still receive. It limits the size of
    texts that a few lines can produce. Below 0 after an overrun, which is reported once."""

    left: int = MAX_SUBSTITUTED


def substitute(
    source: Source, params: Mapping[str, Json], pack: str | None, budget: SizeBudget | None = None
) -> Source:
    """Return the source with parameters substituted, and with the diagnostics of its `${…}` added."""
    if not source.has_params or source.data is None:
        return source
    substitution = _Substitution(source, params, pack, budget or SizeBudget())
    data, mark = substitution.tree(source.data, source.marks, ())
    diagnostics = (*source.diagnostics, *substitution.diagnostics)
    return replace(source, data=data, marks=mark, diagnostics=diagnostics, has_params=False)


def substitute_at(
    source: Source, path: Path, params: Mapping[str, Json], pack: str | None
) -> tuple[Json, list[Diagnostic]]:
    """Return the value at one path of a source with parameters substituted."""
    data = value_at(source.data, path)
    substitution = _Substitution(source, params, pack, SizeBudget())
    return substitution.tree(data, source.mark(path), path)[0], substitution.diagnostics


def param_alone(written: Json) -> str | None:
    """Return the name of the parameter whose value replaces all of a text; None for other values."""
    alone = _ALONE.match(written) if isinstance(written, str) else None
    return None if alone is None else alone[1]


class _Substitution(Struct):
    source: Source
    params: Mapping[str, Json]
    pack: str | None
    budget: SizeBudget
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def tree(self, data: Json, mark: Mark, path: Path) -> tuple[Json, Mark]:
        """Return a value and its marks; both are the same objects if nothing in them changed."""
        if isinstance(data, str):
            return (self.text(data, path), mark) if "${" in data else (data, mark)
        if isinstance(data, list):
            items = [self.tree(item, child_mark(mark, i), (*path, i)) for i, item in enumerate(data)]
            if all(new is old for (new, _), old in zip(items, data, strict=True)):
                return data, mark
            return [item for item, _ in items], (mark[0], mark[1], [item_mark for _, item_mark in items])
        if isinstance(data, dict):
            return self.mapping(data, mark, path)
        return data, mark

    def mapping(self, data: dict[str, Json], mark: Mark, path: Path) -> tuple[Json, Mark]:
        items: dict[str, Json] = {}
        marks: dict[str, Mark] = {}
        changed = False
        for key, value in data.items():
            below = (*path, key)
            new = str(self.interpolate(key, below, key=True)) if "${" in key else key
            if new in items:
                self.report(below, f'duplicate key "{new}"', key=True)
            items[new], marks[new] = self.tree(value, child_mark(mark, key), below)
            changed = changed or new != key or items[new] is not value
        return (items, (mark[0], mark[1], marks)) if changed else (data, mark)

    def text(self, text: str, path: Path) -> Json:
        """Return the value of a text that contains `${`."""
        alone = _ALONE.match(text)
        if alone is None:
            return self.interpolate(text, path)
        value = self.value(alone[1], path)
        return SubstitutedText(value, None) if isinstance(value, str) and _TEMPLATE.search(value) else value

    def interpolate(self, text: str, path: Path, key: bool = False) -> str:
        """Return a text with the values written out in it."""
        plain, template, end = "", "", 0
        for match in _MARK.finditer(text):
            before = text[end : match.start()]
            end = match.end()
            if match["name"] is None:
                value = escaped = "${"
            else:
                value = self.replacement(text, match, path, key)
                escaped = value.replace("{", _BRACE)
            plain += before + value
            if escaped != value and before.endswith("{"):
                before = before[:-1] + _BRACE
            template += before + escaped
        plain, template = plain + text[end:], template + text[end:]
        if plain == template or not _TEMPLATE.search(plain):
            return plain
        return SubstitutedText(plain, template if _TEMPLATE.search(_MARK.sub(" ", text)) else None)

    def replacement(self, text: str, match: re.Match[str], path: Path, key: bool) -> str:
        """Return the replacement of one `${name}` inside a text."""
        name = match["name"]
        if not match["close"]:
            self.report(path, 'a "${" without its "}"; write "$${" for a literal "${"', key)
            return ""
        if _is_open(text, match.start()):
            self.report(
                path,
                f"${{{name}}} is inside a template; write the parameter there without ${{}}: {name}",
                key,
            )
            return ""
        value = self.value(name, path, key)
        return "" if value is None else self.within_budget(scalar_text(value), path, key)

    def within_budget(self, text: str, path: Path, key: bool) -> str:
        """Return a value's text, or an empty text if the budget is used up."""
        if 0 <= self.budget.left < len(text):
            self.report(path, f"parameters write more than {MAX_SUBSTITUTED >> 20} MiB into these files", key)
            self.budget.left = -1
        if self.budget.left < len(text):
            return ""
        self.budget.left -= len(text)
        return text

    def value(self, name: str, path: Path, key: bool = False) -> Json:
        if name in self.params:
            return self.params[name]
        escape = f'; write "$${{{name}}}" for a literal text'
        if self.pack is None:
            self.report(
                path, f"${{{name}}}: only a pack has parameters, and this file is in none{escape}", key
            )
        else:
            near = suggestion(name, self.params) if self.params else ""
            self.report(path, f'the pack {self.pack} has no parameter "{name}"{near or escape}', key)
        return None

    def report(self, path: Path, message: str, key: bool = False) -> None:
        self.diagnostics.append(self.source.diagnostic(path, message, key))


def _is_open(text: str, end: int) -> bool:
    """Return whether a template that begins before this position has not ended there."""
    pairs = (("{{", "}}"), ("{%", "%}"))
    return any(text.rfind(begin, 0, end) > text.rfind(close, 0, end) for begin, close in pairs)
