"""Compiles the text of a template to closures over a TemplateScope.

A template with plain paths (`{{ query.delay }}ms`) or paths with a filter (`{{ user | truncate(80) }}`) is parsed
here, without an import of Jinja2; any other one by `core.templates.jinja_compiler`.
"""

from __future__ import annotations

import re
from functools import partial
from inspect import signature
from typing import Final

from mockllm.core.templates.filters import FILTERS, TAKES_ABSENT, call
from mockllm.core.templates.template import OPENING, Evaluate, PathRead, Template, TemplateBlock, needed

_CONSTANT: Final = r"""(?:0|[1-9]\d{0,8}|"[^"\\\r\n]*"|'[^'\\\r\n]*')"""
_PATH: Final = re.compile(
    r"""\{\{\s*([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*|\[\d{1,9}\]|\["[^"\\]*"\]|\['[^'\\]*'\])*)\s*"""
    rf"(?:\|\s*([a-z]+)\s*(?:\(\s*({_CONSTANT}(?:\s*,\s*{_CONSTANT})*)\s*\))?\s*)?\}}\}}",
    re.ASCII,
)
"""A path, perhaps with one filter, whose arguments are constants."""
_ARGUMENT: Final = re.compile(_CONSTANT, re.ASCII)
_KEY: Final = re.compile(r"""\.(\w+)|\[(\d+)\]|\[["'](.*?)["']\]""", re.ASCII)
_KEYWORDS: Final = frozenset(
    {"true", "false", "none", "True", "False", "None", "not", "and", "or", "if", "in", "is"}
)


def compile_template(source: str, origin: str = "") -> Template:
    """Return the template of a text; `origin` is its place, for messages. Raise TemplateSyntax."""
    blocks = _plain_paths(source)
    if blocks is None:
        from mockllm.core.templates.jinja_compiler import compile_blocks  # imports Jinja2, 20 ms

        blocks = compile_blocks(source)
    return Template(source, origin, blocks)


def _filtered(read: PathRead, name: str, written: str) -> Evaluate | None:
    """Return the closure of a path with a filter; None where there is no such filter, or it takes other arguments."""
    arguments = [int(text) if text.isdecimal() else text[1:-1] for text in _ARGUMENT.findall(written)]
    try:
        signature(FILTERS[name]).bind(None, *arguments)
    except (KeyError, TypeError):
        return None  # the compiler with Jinja2 says what is wrong
    value: Evaluate = read if name in TAKES_ABSENT else partial(needed, read)
    return lambda scope: call(name, value(scope), arguments, {})


def _plain_paths(source: str) -> list[str | TemplateBlock] | None:
    """Return the blocks of a text that has only plain paths, or paths with a filter; None where it has more."""
    blocks: list[str | TemplateBlock] = []
    end = 0
    for match in _PATH.finditer(source):
        if match[1] in _KEYWORDS or OPENING.search(source, end, match.start()):
            return None
        if match.start() > end:
            blocks.append(source[end : match.start()])
        keys = [int(index) if index else name or quoted for name, index, quoted in _KEY.findall(match[2])]
        read = PathRead.of(match[1], keys)
        value = read if match[3] is None else _filtered(read, match[3], match[4] or "")
        if value is None:
            return None
        blocks.append(TemplateBlock(match[0], value, (read,)))
        end = match.end()
    if OPENING.search(source, end):
        return None
    if end < len(source):
        blocks.append(source[end:])
    return blocks
