"""From a text to a template. Text with plain paths (`{{ query.delay }}ms`) is taken apart here and never imports
Jinja2; anything more goes through `template_syntax`.
"""

from __future__ import annotations

import re
from typing import Final

from mockllm.core.templates.template import Block, PathRead, Template

_PATH: Final = re.compile(
    r"""\{\{\s*([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*|\[\d{1,9}\]|\["[^"\\]*"\]|\['[^'\\]*'\])*)\s*\}\}""", re.ASCII
)
_KEY: Final = re.compile(r"""\.(\w+)|\[(\d+)\]|\[["'](.*?)["']\]""", re.ASCII)
_OPENING: Final = re.compile(r"\{[{%#]")
_WORDS: Final = frozenset(
    {"true", "false", "none", "True", "False", "None", "not", "and", "or", "if", "in", "is"}
)


def compile_template(source: str, origin: str = "") -> Template:
    """The template of a text; `origin` is where it stands, for messages. Raises TemplateSyntax."""
    blocks = _plain_paths(source)
    if blocks is None:
        from mockllm.core.templates.compiler import compile_blocks  # imports Jinja2, 20 ms

        blocks = compile_blocks(source)
    return Template(source, origin, blocks)


def _plain_paths(source: str) -> list[str | Block] | None:
    """The blocks of a text that holds nothing but plain paths; None where it holds more."""
    blocks: list[str | Block] = []
    end = 0
    for found in _PATH.finditer(source):
        if found[1] in _WORDS or _OPENING.search(source, end, found.start()):
            return None
        if found.start() > end:
            blocks.append(source[end : found.start()])
        keys = [int(index) if index else name or quoted for name, index, quoted in _KEY.findall(found[2])]
        reading = PathRead.of(found[1], keys)
        blocks.append(Block(found[0], reading, (reading,)))
        end = found.end()
    if _OPENING.search(source, end):
        return None
    if end < len(source):
        blocks.append(source[end:])
    return blocks
