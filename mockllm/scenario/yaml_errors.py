"""Messages for YAML syntax errors: a table from the parser's phrases to messages for users.

The parser reports what it expected; the messages say what to do. Separate from the reader, which only knows
the position at which reading stopped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent, StreamEndEvent

from mockllm.scenario.diagnostics import Diagnostic


class _Mark(NamedTuple):
    """A position, counted from 0 as the parser does."""

    line: int
    column: int


_ENDS: Final = {"{{": "}}", "{%": "%}", "${": "}"}
_VALUE: Final = re.compile(r"(?:^|[:,\[{-])\s+|^\s*|[\[{,]")
_COLON_WITHOUT_SPACE_LINE: Final = re.compile(r"\s*(?:- +)*([\w-]+:[^\s:/]\S*)")
"""A line that begins with `name:x`, which YAML reads as a text."""
_WIDE_COLON_LINE: Final = re.compile(r"\s*(?:- +)*([\w-]+)\N{FULLWIDTH COLON}")
_DASH_WITHOUT_SPACE: Final = re.compile(r"\s*(?:- +)*(-)\w[\w-]*:(?:\s|$)")
_ITEM_WITHOUT_COLON: Final = re.compile(r"\s*(?:- +)+(\w[^:\"'#\[{]*)")
"""An item of a list that is a plain text."""
_EQUALS_LINE: Final = re.compile(r"\s*(?:- +)*([a-z_]+) ?=(?:\s|[\w\"'\[{]|$)")
"""A line that begins with `name =`, as in other formats."""
_ITEM: Final = re.compile(r"-(?:\s|$)")
_DASH_ADVICE: Final = 'write a space after the dash: "- …"'
_CONFLICT: Final = re.compile(r"^<{7} ", re.MULTILINE)
"""The line with which git marks the beginning of a conflict."""
_TEMPLATE: Final = re.compile(r"\{\{|\{%|\$\{")

_INDENT: Final = (
    "this does not belong here; check the indentation (the keys of one mapping begin in the same column)"
)
_NO_COLON: Final = 'expected "key: value", but no ":" follows this text'
_TAB: Final = "a tab; YAML is indented with spaces only"
_BLOCK_TEXT: Final = re.compile(r".*:\s+[|>][-+\d]*\s*(#.*)?")
_ADVICE_AFTER: Final[Mapping[str, str]] = {
    '"': 'the quoted text ends before this; quote all of it, and write \\" for a quote inside',
    "'": "the quoted text ends before this; quote all of it, and write '' for an apostrophe inside",
    "]": "nothing can follow the bracket; put the whole text in quotes",
    "}": "nothing can follow the bracket; put the whole text in quotes",
}
"""Advice by the character before a misplaced token."""
_COMMA: Final = 'remove the ",": outside of brackets nothing follows a value'
_MESSAGES: Final[Mapping[str, str]] = {
    "mapping values are not allowed": 'an unquoted text contains ": "; quote it, or check the indentation',
    "did not find expected key": _INDENT,
    "did not find expected '-' indicator": 'expected another "- " item; check the indentation',
    "block sequence entries are not allowed": 'a "- " item is not allowed here; begin it on a new line',
    "did not find expected hexdecimal number": "an escape such as \\x or \\u lacks its digits",
    "did not find expected <document start>": _INDENT,
    "found a tab character": _TAB,
    "unexpected ':'": 'a ":" is not allowed in an unquoted text between brackets; put the text in quotes',
    "did not find expected comment or line break": "a block text (| or >) begins on the next line",
    "block mapping entries are not allowed": "a mapping cannot begin here; put it on a new line",
    "mapping keys are not allowed": 'a key cannot begin here; put the text in quotes if "? " is meant',
    "did not find expected node content": "a key or a value is missing here",
    "expected the node content": "a key or a value is missing here",
    "found undefined tag handle": 'a tag ("!…") is not read; quote it if it is a text',
}


def quoting_advice(text: str) -> str:
    """Return the advice to quote a text, with quotes that fit the text."""
    if '"' not in text:
        return f'put it in quotes: "{text}"'
    return f"put it in quotes: '{text.replace(chr(39), chr(39) * 2)}'"


def syntax_diagnostic(error: MarkedYAMLError, text: str, name: str, *, pure: bool = False) -> Diagnostic:
    """Return the diagnostic for an error of libyaml's parser or the pure one (its marks count from 0)."""
    if conflict := _CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        return Diagnostic(name, line, 1, "", "a conflict of a merge begins here; resolve it")
    problem = str(error.problem or error.context or "")
    marks = (error.problem_mark or error.context_mark, error.context_mark or error.problem_mark)
    at, opened = (_Mark(mark.line, mark.column) for mark in marks)
    lines = text.splitlines()
    if "node content" in problem and (unclosed := _unclosed_bracket(text, lines, at, pure)):
        return Diagnostic(name, unclosed.line + 1, unclosed.column + 1, "", _never_closed(unclosed, lines))
    if "tab" not in problem and (template := _unquoted_template(lines, (at.line, opened.line))):
        line, column, snippet = template
        return Diagnostic(name, line + 1, column + 1, "", quoting_advice(snippet))
    mark, message = _place_and_message(problem, str(error.context or ""), at, opened, lines)
    return Diagnostic(name, mark.line + 1, mark.column + 1, "", message)


def _place_and_message(
    problem: str, context: str, at: _Mark, opened: _Mark, lines: list[str]
) -> tuple[_Mark, str]:
    """Return the mark of the error and the message."""
    char = _rest(lines, at)[:1]
    if "unexpected end of stream" in problem and "quoted" in context:
        return opened, "the quote that opens here is never closed"
    if "cannot start any token" in problem:
        return at, _bad_start(char, at, lines)
    if any(each in context for each in ("alias", "anchor", "a tag")):
        return opened, _quoted_start(opened, lines)
    if "could not find expected ':'" in problem:
        if opened.line and _BLOCK_TEXT.fullmatch(lines[opened.line - 1]):
            return opened, "a block text (| or >) is indented further than its key"
        return opened, _NO_COLON
    if "unknown escape" in problem:
        escape = lines[at.line][at.column - 1 : at.column + 1] if char != "\\" else _rest(lines, at)[:2]
        return (
            at,
            f'unknown escape "{escape}" in a double-quoted text; write "\\{escape}", or use single quotes',
        )
    if "expected ',' or" in problem:
        if at.line >= len(lines):
            return opened, _never_closed(opened, lines)
        return at, _between_brackets(char, at, opened, lines)
    if at.line and "mapping values" in problem and (above := _mistake_above(at.line - 1, lines)):
        return above
    if "expected '-' indicator" in problem and _DASH_WITHOUT_SPACE.match(_rest(lines, at)):
        return at, _DASH_ADVICE
    for phrase, message in _MESSAGES.items():
        if phrase in problem:
            return at, _advice_after(lines, at) or message if message == _INDENT else message
    return at, f"not valid YAML: {problem}"


def _advice_after(lines: list[str], at: _Mark) -> str | None:
    """Return advice on a token behind a text in quotes or brackets; None behind anything else."""
    advice = _ADVICE_AFTER.get(_before(lines, at))
    return _COMMA if advice is not None and _rest(lines, at) == "," else advice


def _mistake_above(number: int, lines: list[str]) -> tuple[_Mark, str] | None:
    """Return the mark and the message of a line that YAML reads as a text, so that no key may follow it."""
    line = lines[number]
    if wide := _WIDE_COLON_LINE.match(line):
        return _Mark(number, wide.end(1)), f'this is a full-width colon; write "{wide[1]}:"'
    if tight := _COLON_WITHOUT_SPACE_LINE.match(line):
        return _Mark(number, tight.start(1)), f'write a space after the ":" of "{tight[1]}"'
    if dash := _DASH_WITHOUT_SPACE.match(line):
        return _Mark(number, dash.start(1)), _DASH_ADVICE
    if equals := _EQUALS_LINE.match(line):
        return _Mark(number, equals.start(1)), f'write "{equals[1]}: …" in place of "{equals[1]} = …"'
    if item := _ITEM_WITHOUT_COLON.fullmatch(line):
        return _Mark(number, item.start(1)), _NO_COLON
    return None


def _never_closed(opened: _Mark, lines: list[str]) -> str:
    return f'the "{_rest(lines, opened)[0]}" that opens here is never closed'


def _unclosed_bracket(text: str, lines: list[str], at: _Mark, pure: bool) -> _Mark | None:
    """Return the mark of the bracket that is open where the text ends, or where a line begins an item of a list.
    `pure` says which of two parsers has stopped there: they may stop at different places."""
    rest = _rest(lines, at)
    if rest and not (_ITEM.match(rest) and not _before(lines, at)):
        return None
    _, parser = YAML(typ="safe", pure=pure).get_constructor_parser(text)
    starts: list[CollectionStartEvent] = []
    with suppress(MarkedYAMLError):
        while not isinstance(event := parser.get_event(), StreamEndEvent):
            if isinstance(event, CollectionStartEvent):
                starts.append(event)
            elif isinstance(event, CollectionEndEvent):
                starts.pop()
    # such an event begins with its anchor or tag, and ends with its bracket
    ends = [each.end_mark for each in starts if each.flow_style]
    return _Mark(ends[-1].line, ends[-1].column - 1) if ends else None


def _bad_start(char: str, at: _Mark, lines: list[str]) -> str:
    """Return the message for a character that begins no value."""
    if char == "\t":
        return _TAB
    if char and char in "|>":
        return "a block text (| or >) is not allowed between brackets; write each key on its own line"
    return _quoted_start(at, lines)


def _quoted_start(mark: _Mark, lines: list[str]) -> str:
    char = _rest(lines, mark)[:1]
    return f'an unquoted text cannot begin with "{char}"; {quoting_advice(_value(lines, mark))}'


def _between_brackets(char: str, at: _Mark, opened: _Mark, lines: list[str]) -> str:
    """Return the message for a missing item or end of a list or mapping."""
    if char == "?" or (char in ("[", "{") and _before(lines, at) not in ("", *"]}'\"")):
        return f'a "{char}" ends an unquoted text between brackets; put the text in quotes'
    bracket, place = _rest(lines, opened)[:1], f"{opened.line + 1}:{opened.column + 1}"
    return f'the "{bracket}" that opens at {place} is not closed, or a "," is missing before this'


def _before(lines: list[str], mark: _Mark) -> str:
    """Return the last character before a mark on its line, without blanks."""
    return lines[mark.line][: mark.column].rstrip()[-1:] if mark.line < len(lines) else ""


def _value(lines: list[str], mark: _Mark) -> str:
    """Return the text from a mark on: between brackets, up to the next comma or bracket."""
    rest = _rest(lines, mark)
    before = lines[mark.line][: mark.column] if mark.line < len(lines) else ""
    if not re.search(r"[\[{]", before):
        return rest
    return re.split(r"[,\]}]", rest, maxsplit=1)[0].rstrip() or rest


def _rest(lines: list[str], mark: _Mark) -> str:
    return lines[mark.line][mark.column :].rstrip() if mark.line < len(lines) else ""


def _unquoted_template(lines: list[str], numbers: tuple[int, ...]) -> tuple[int, int, str] | None:
    """Return an unquoted `{{`, `{%` or `${` on one of these lines: line, column (from 0) and the text to quote."""
    for number in dict.fromkeys(numbers):
        line = lines[number] if number < len(lines) else ""
        for template in _TEMPLATE.finditer(line):
            before = line[: template.start()]
            if before.count('"') % 2 or before.count("'") % 2 or "#" in before:
                continue
            begin = max(value.end() for value in _VALUE.finditer(before) if value.end() <= template.start())
            close = line.find(_ENDS[template[0]], template.end())
            flow = "[" in before or "{" in before
            end = close + len(_ENDS[template[0]]) if flow and close >= 0 else len(line)
            return number, begin, line[begin:end].strip()
    return None
