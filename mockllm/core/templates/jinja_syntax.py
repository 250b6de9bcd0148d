"""Jinja2's parser, with the line ends and texts of a template as they are written.

`compile_template` imports this module only for a template that has more than plain paths and filters of
them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import Lexer

from mockllm.core.templates.template import TemplateSyntax

LITERAL: Final = "(for a text without templates, write `literal: true` beside it)"
_WORDS: Final = {
    "token 'end of print statement'": '"}}"',
    "'end of print statement'": '"}}"',
    "token 'end of statement block'": '"%}"',
    "'end of statement block'": '"%}"',
    "Jinja was looking for the following tags:": "Expected",
}
"""Parts of the parser's messages, in words for people."""
_SPACES: Final = "\x1c\x1d\x1e\x1f\x0b\x0c\x85\u1680\u2028\u2029\u205f\u3000"
"""Characters that are white space to Jinja2, but no ends of lines."""


class _TemplateLexer(Lexer):
    """A lexer that changes no line end. Jinja2's writes each one as a line feed."""

    def tokeniter(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> Iterator[tuple[int, str, str]]:
        """Yield the tokens. Another white space replaces carriage returns meanwhile. In a text that has all of
        them, line ends become line feeds."""
        unused = next((space for space in _SPACES if space not in source), "\r")
        for line, kind, text in super().tokeniter(source.replace("\r", unused), name, filename, state):
            yield line, kind, text.replace(unused, "\r")

    def _normalize_newlines(self, value: str) -> str:
        return value


class _TemplateParser(Environment):
    """An environment that parses, and never renders."""

    @cached_property
    def lexer(self) -> Lexer:
        return _TemplateLexer(self)


PARSER: Final = _TemplateParser(autoescape=False, keep_trailing_newline=True)


def parsed(source: str) -> tuple[list[nodes.Node], Iterator[str]]:
    """Return the syntax trees of a template, and the sources of its expressions. Raise TemplateSyntax."""
    try:
        return PARSER.parse(source).body, _expression_sources(source)
    except TemplateSyntaxError as error:
        message = f"not a template: {_in_words(error.message or '')} {LITERAL}"
        raise TemplateSyntax(message, error.lineno) from None
    except RecursionError:
        raise TemplateSyntax("the template is nested too deeply") from None
    except ValueError as error:  # Python refuses numbers of thousands of digits
        raise TemplateSyntax(f"not a template: {error}") from None


def whole_characters(text: str) -> str:
    """Return a constant text with each pair of surrogates as one character, as in JSON. Raise TemplateSyntax for a
    surrogate without its pair."""
    try:
        return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise TemplateSyntax(
            r"half of a character: \ud800 to \udfff come in pairs, such as \ud83d\ude00"
        ) from None


def _in_words(message: str) -> str:
    for part, words in _WORDS.items():
        message = message.replace(part, words)
    return message.removesuffix(".")


def _expression_sources(source: str) -> Iterator[str]:
    """Return the source of each `{{ … }}`, in order."""
    sources: list[str] = []
    current: list[str] | None = None
    for _, kind, text in PARSER.lex(source):
        if kind == "variable_begin":
            current = []
        if current is not None:
            current.append(text)
        if kind == "variable_end" and current is not None:
            sources.append("".join(current))
            current = None
    return iter(sources)
