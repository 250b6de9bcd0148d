"""From the YAML parser's events to plain Python data and marks, in one pass, by YAML 1.2's core schema.

The reader uses events, not the parser's own trees. Composing a tree recurses in C, and 100,000 brackets crash
the process. Events arrive one by one, so that depth and the size of expanded aliases are limited before
anything is built.

Scalars are resolved here because the parser's defaults differ: it reads dates as timestamps, `1_000` and
`0b1` as numbers and `yes` as a boolean. Here they stay texts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Final, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from mockllm.core.json.codec import Json, Scalar
from mockllm.core.templates.template import OPENING
from mockllm.scenario.diagnostics import Diagnostic, path_text, scalar_text
from mockllm.scenario.source_file import COLUMN_BITS, MAX_ALIAS_VALUES, Mark, pack_position

_Valued: TypeAlias = ScalarEvent | CollectionStartEvent
"""The events with a tag."""

CONSTANTS: Final[Mapping[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

_NUMBER: Final = re.compile(
    r"(?P<int>[-+]?[0-9]+)\Z"
    r"|0o(?P<octal>[0-7]+)\Z"
    r"|0x(?P<hex>[0-9a-fA-F]+)\Z"
    r"|(?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)\Z"
    r"|(?P<endless>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
)
_FIRST: Final = frozenset("0123456789+-.")
_BASES: Final = {"int": 10, "octal": 8, "hex": 16}
MAX_INTEGER_BITS: Final = 64


def scalar_value(text: str) -> Scalar:
    """Return the value of an unquoted scalar. Raise ValueError, with a message for users, for a number that
    JSON does not have: infinite, not a number, or an integer beyond 64 bits."""
    if text in CONSTANTS:
        return CONSTANTS[text]
    if text[0] not in _FIRST:
        return text
    number = _NUMBER.match(text)
    if number is None:
        return text
    kind = str(number.lastgroup)
    if kind in _BASES:
        return _integer(number[kind], _BASES[kind])
    value = float(text) if kind == "float" else math.inf
    if not math.isfinite(value):
        raise ValueError(f'{text} is not a finite number; write "{text}" if a text is meant')
    return value


def _integer(digits: str, base: int) -> int:
    if len(digits) <= MAX_INTEGER_BITS + 1:  # never pass thousands of digits to int()
        value = int(digits, base)
        if -(2 ** (MAX_INTEGER_BITS - 1)) <= value < 2**MAX_INTEGER_BITS:
            return value
    shown = digits if len(digits) <= 24 else f"{digits[:20]}…"
    raise ValueError(
        f"the number {shown} is beyond {MAX_INTEGER_BITS} bits; put it in quotes if a text is meant"
    )


MAX_DEPTH: Final = 100
"""Levels of nesting in one file."""
MAX_PURE_LENGTH: Final = 50_000
"""Characters of a text that the slower parser reads, the one in Python: some 0.3 s."""

_IN_A_KEY: Final = -1
"""Path entry while a key that is not a text is read."""
_BLOCK_STYLES: Final = ("|", ">")
_TEXT_TAGS: Final = ("!", "tag:yaml.org,2002:str")


class _ReadingStopped(Exception):
    """The rest of the file cannot be read."""


def read_nodes(
    text: str, name: str
) -> tuple[Json, Mark, list[Diagnostic], Mapping[int, str], Mapping[int, str]]:
    """Return the document's data (None after a syntax error), its marks, its diagnostics, and `Source.written` and
    `Source.blocks`."""
    reader = _NodeReader(text, name)
    try:
        try:
            return *reader.document(), reader.diagnostics, reader.written, reader.blocks
        except MarkedYAMLError as error:
            if "unexpected ':'" not in str(error.problem) or len(text) > MAX_PURE_LENGTH:
                raise
        # For libyaml (YAML 1.1) plain texts between brackets have no ":". In YAML 1.2 `http://host` is one.
        reader = _NodeReader(text, name, pure=True)
        return *reader.document(), reader.diagnostics, reader.written, reader.blocks
    except _ReadingStopped:
        diagnostics = reader.diagnostics
    except MarkedYAMLError as error:
        from mockllm.scenario.yaml_errors import syntax_diagnostic  # imported late: a start needs no errors

        syntax = syntax_diagnostic(error, text, name, pure=reader.pure)
        place = (syntax.line, syntax.column)
        diagnostics = [
            *(each for each in reader.diagnostics if (each.line, each.column) != place),
            syntax,
        ]
    except YAMLError as error:
        message = f"not valid YAML: {' '.join(str(error).split())}"
        diagnostics = [*reader.diagnostics, Diagnostic(name, 1, 1, "", message)]
    return None, (0, pack_position(1, 1), None), diagnostics, {}, {}


def _place(event: Event) -> int:
    mark = event.start_mark
    return mark.line + 1 << COLUMN_BITS | mark.column + 1  # type: ignore[no-any-return]  # as `pack_position`, inlined


def _is_omitted(key: Event, value: Event) -> bool:
    """Return whether a plain key has no value."""
    return (
        type(key) is ScalarEvent
        and not key.style
        and type(value) is ScalarEvent
        and not (value.value or value.style)
    )


class _NodeReader:
    """One pass over one file."""

    def __init__(self, text: str, name: str, *, pure: bool = False) -> None:
        self.text = text
        self.name = name
        self.pure = pure
        self.diagnostics: list[Diagnostic] = []
        self.path: list[str | int] = []
        self.anchors: dict[str, tuple[Json, Mark, int, int] | None] = {}
        self.count = 0
        self.deepest = 0
        """The most levels of what was read since the anchor around it."""
        self.expanded = 0
        self.written: dict[int, str] = {}
        self.blocks: dict[int, str] = {}
        _, parser = YAML(typ="safe", pure=pure).get_constructor_parser(text)
        self.next = parser.get_event

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def report(self, event: Event, message: str) -> None:
        mark = event.start_mark
        place = (mark.line + 1, mark.column + 1)
        self.diagnostics.append(Diagnostic(self.name, *place, path_text(tuple(self.path)), message))

    def document(self) -> tuple[Json, Mark]:
        self.next()  # the stream's start
        if isinstance(self.next(), StreamEndEvent):
            return None, (0, pack_position(1, 1), None)
        data, mark = self.node(self.next())
        self.next()  # the document's end
        event = self.next()
        if isinstance(event, DocumentStartEvent):
            self.report(
                event, "a second document begins here (`---`); a file has one document: split the file"
            )
            raise _ReadingStopped
        return data, mark

    def node(self, event: AliasEvent | _Valued, key_place: int = 0) -> tuple[Json, Mark]:
        """Read the node that begins with `event`."""
        if isinstance(event, AliasEvent):
            return self.alias(event, key_place)
        self.count += 1
        anchor, before, deepest, depth = event.anchor, self.count, self.deepest, len(self.path)
        if anchor is not None:
            self.anchors[anchor] = None  # still open: an alias to it would never end
            self.deepest = depth
        if event.tag is not None:
            self.check_tag(event)
        if type(event) is ScalarEvent:
            data: Json = self.scalar(event)
            mark: Mark = (key_place, _place(event), None)
        else:
            if depth >= MAX_DEPTH:
                self.path.clear()
                self.report(event, f"nested more than {MAX_DEPTH} levels deep")
                raise _ReadingStopped
            data, children = self.mapping(event) if type(event) is MappingStartEvent else self.sequence()
            mark = (key_place, _place(event), children)
            if children:
                self.deepest = max(self.deepest, depth + 1)
        if anchor is not None:
            self.anchors[anchor] = (data, mark, self.count - before + 1, self.deepest - depth)
            self.deepest = max(self.deepest, deepest)
        return data, mark

    def alias(self, event: AliasEvent, key_place: int) -> tuple[Json, Mark]:
        name = event.anchor
        if name not in self.anchors:
            self.report(event, f'there is no anchor "&{name}" above; if a text is meant, write "*{name}"')
            return f"*{name}", (key_place, _place(event), None)
        anchored = self.anchors[name]
        if anchored is None:
            self.report(event, f'"*{name}" is inside "&{name}" itself and would never end')
            return None, (key_place, _place(event), None)
        data, mark, size, height = anchored
        self.count += size
        self.expanded += size
        if self.expanded > MAX_ALIAS_VALUES or len(self.path) + height > MAX_DEPTH:
            self.report(event, f"aliases repeat more than {MAX_ALIAS_VALUES:,} values or {MAX_DEPTH} levels")
            raise _ReadingStopped
        self.deepest = max(self.deepest, len(self.path) + height)
        if mark[1] in self.written:
            self.written[_place(event)] = self.written[mark[1]]
        return data, (key_place, _place(event), mark[2])

    def check_tag(self, event: _Valued) -> None:
        tag = str(event.tag)
        if tag in _TEXT_TAGS and type(event) is ScalarEvent and (event.value or event.style or tag != "!"):
            return
        shown = tag.replace("tag:yaml.org,2002:", "!!").rstrip(",")
        self.report(
            event, f'the tag "{shown}" is not read: scenarios are plain data; quote it if it is a text'
        )
        if tag.endswith(","):  # it was to end the text; whatever follows would be a further mistake
            raise _ReadingStopped

    def scalar(self, event: ScalarEvent) -> Json:
        if (
            event.tag is not None or event.style or not event.implicit[0]
        ):  # quoted, a block, or tagged: a text
            if event.style in _BLOCK_STYLES and OPENING.search(event.value):
                lines = self.lines[event.start_mark.line + 1 : event.end_mark.line + 1]
                self.blocks[_place(event)] = "\n".join(lines)
            return event.value
        try:
            value = scalar_value(event.value)
        except ValueError as error:
            self.report(event, str(error))
            return 0
        if type(value) is not str and value is not None and scalar_text(value) != event.value:
            self.written[_place(event)] = event.value
        return value

    def sequence(self) -> tuple[list[Json], list[Mark]]:
        items: list[Json] = []
        marks: list[Mark] = []
        while type(event := self.next()) is not SequenceEndEvent:
            self.path.append(len(items))
            data, mark = self.node(event)
            self.path.pop()
            items.append(data)
            marks.append(mark)
        return items, marks

    def mapping(self, start: MappingStartEvent) -> tuple[Json, dict[str, Mark] | None]:
        items: dict[str, Json] = {}
        marks: dict[str, Mark] = {}
        while type(event := self.next()) is not MappingEndEvent:
            if type(event) is ScalarEvent:
                key = event.value
                if event.tag is not None or not key or (key == "<<" and not event.style):
                    self.check_key(event)
            elif type(event) is MappingStartEvent and event.flow_style and start.flow_style and not items:
                return self.unquoted_template(start, event), None
            else:
                if _IN_A_KEY not in self.path:
                    self.report(event, "a key must be a plain text")
                key = self.skip_key(event)
            self.path.append(key)
            value = self.next()
            data, mark = self.node(value, _place(event))
            if start.flow_style and ":" in key and _is_omitted(event, value):
                self.report(event, f'write a space after the ":" of "{key.partition(":")[0]}"')
            elif key in items:
                first = marks[key][0]
                shown = f"{first >> 24}:{first & 0xFFFFFF}"
                self.report(event, f"duplicate key; the first one is at {shown}")
            else:
                items[key] = data
                marks[key] = mark
            self.path.pop()
        return items, marks

    def check_key(self, event: ScalarEvent) -> None:
        """Report a key that is a text but never intended."""
        if event.value == "<<":
            self.report(event, "merge keys (`<<`) are not part of YAML 1.2; write the keys out")
        elif event.tag is not None:
            self.check_tag(event)
        elif not event.style:
            self.report(event, 'a key is missing before the ":"')

    def skip_key(self, event: AliasEvent | _Valued) -> str:
        self.path.append(_IN_A_KEY)
        self.node(event)
        self.path.pop()
        return f"?{self.count}"

    def unquoted_template(self, start: MappingStartEvent, event: MappingStartEvent) -> str:
        """Report `{{ name }}` without quotes, which is to YAML a mapping with a mapping as its key."""
        self.skip_key(event)
        self.path.append(_IN_A_KEY)
        while type(last := self.next()) is not MappingEndEvent:
            self.node(last)
        self.path.pop()
        mark, end = start.start_mark, last.end_mark
        stop = end.column if end.line == mark.line else None
        text = str(self.lines[mark.line][mark.column : stop]).strip()
        from mockllm.scenario.yaml_errors import quoting_advice  # imported late, as above

        self.report(start, quoting_advice(text))
        return text
