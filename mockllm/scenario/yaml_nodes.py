"""From the YAML parser's events to plain Python and marks, in one pass.

Events, and not the parser's own trees: composing recurses in C and 100,000 brackets crash the process, while
events come one by one, so that depth and the size of expanded aliases are capped before anything is built.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from mockllm.core.json.codec import Json
from mockllm.scenario.diagnostics import Diagnostic, path_text
from mockllm.scenario.source_file import COLUMN_BITS, Mark, packed
from mockllm.scenario.yaml_errors import in_quotes, syntax_mistake
from mockllm.scenario.yaml_scalars import resolve

DEEPEST: Final = 100
"""Levels of nesting in one file."""
LARGEST_EXPANSION: Final = 100_000
"""Values that aliases may repeat in one file."""

_IN_A_KEY: Final = -1
"""Stands in the path while a key is read that is no text."""
_TEXT_TAGS: Final = ("!", "tag:yaml.org,2002:str")


class _Refused(Exception):
    """Nothing behind this can be read."""


def read_nodes(text: str, name: str) -> tuple[Json, Mark, list[Diagnostic]]:
    """The document's data (None after a syntax error), its marks and its mistakes."""
    reading = _Reading(text, name)
    try:
        data, mark = reading.document()
    except _Refused:
        data, mark = None, (0, packed(1, 1), None)
    except MarkedYAMLError as error:
        found = syntax_mistake(error, text, name)
        kept = [
            mistake
            for mistake in reading.mistakes
            if (mistake.line, mistake.column) != (found.line, found.column)
        ]
        reading.mistakes = [*kept, found]
        data, mark = None, (0, packed(1, 1), None)
    except YAMLError as error:
        reading.mistakes.append(Diagnostic(name, 1, 1, "", f"not valid YAML: {' '.join(str(error).split())}"))
        data, mark = None, (0, packed(1, 1), None)
    return data, mark, reading.mistakes


def _place(event: Any) -> int:
    mark = event.start_mark
    return mark.line + 1 << COLUMN_BITS | mark.column + 1  # type: ignore[no-any-return]  # `packed`, at hand


class _Reading:
    """One pass over one file."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.mistakes: list[Diagnostic] = []
        self.path: list[str | int] = []
        self.anchors: dict[str, tuple[Json, Mark, int, int] | None] = {}
        self.count = 0
        self.expanded = 0
        _, parser = YAML(typ="safe").get_constructor_parser(text)
        self.next = parser.get_event

    def refuse(self, event: Any, message: str) -> None:
        mark = event.start_mark
        place = (mark.line + 1, mark.column + 1)
        self.mistakes.append(Diagnostic(self.name, *place, path_text(tuple(self.path)), message))

    def document(self) -> tuple[Json, Mark]:
        self.next()  # the stream's start
        if isinstance(self.next(), StreamEndEvent):
            return None, (0, packed(1, 1), None)
        data, mark = self.node(self.next())
        self.next()  # the document's end
        event = self.next()
        if isinstance(event, DocumentStartEvent):
            self.refuse(event, "a second document begins here (`---`); one file holds one: split the file")
            raise _Refused
        return data, mark

    def node(self, event: Any, key_place: int = 0) -> tuple[Json, Mark]:
        """The node that begins with `event`."""
        if type(event) is AliasEvent:
            return self.alias(event, key_place)
        self.count += 1
        anchor, before = event.anchor, self.count
        if anchor is not None:
            self.anchors[anchor] = None  # it stands open: an alias to it would have no end
        if event.tag is not None:
            self.tag(event)
        if type(event) is ScalarEvent:
            data: Json = self.scalar(event)
            mark: Mark = (key_place, _place(event), None)
        else:
            if len(self.path) >= DEEPEST:
                self.path.clear()
                self.refuse(event, f"nested more than {DEEPEST} levels deep")
                raise _Refused
            children: Mapping[str, Mark] | Sequence[Mark] | None
            if type(event) is MappingStartEvent:
                data, children = self.mapping(event)
            else:
                data, children = self.sequence()
            mark = (key_place, _place(event), children)
        if anchor is not None:
            self.anchors[anchor] = (data, mark, self.count - before + 1, _height(mark))
        return data, mark

    def alias(self, event: Any, key_place: int) -> tuple[Json, Mark]:
        name = event.anchor
        if name not in self.anchors:
            self.refuse(event, f'there is no anchor "&{name}" above; if a text is meant, write "*{name}"')
            return f"*{name}", (key_place, _place(event), None)
        held = self.anchors[name]
        if held is None:
            self.refuse(event, f'"*{name}" stands inside "&{name}" itself, which would have no end')
            return None, (key_place, _place(event), None)
        data, mark, size, height = held
        self.count += size
        self.expanded += size
        if self.expanded > LARGEST_EXPANSION or len(self.path) + height > DEEPEST:
            self.refuse(event, f"aliases repeat more than {LARGEST_EXPANSION:,} values or {DEEPEST} levels")
            raise _Refused
        return data, (key_place, _place(event), mark[2])

    def tag(self, event: Any) -> None:
        if event.tag in _TEXT_TAGS and type(event) is ScalarEvent:
            return
        shown = event.tag.replace("tag:yaml.org,2002:", "!!")
        self.refuse(
            event, f'the tag "{shown}" is not read: scenarios are plain data; quote it if it is a text'
        )

    def scalar(self, event: Any) -> Json:
        if (
            event.tag is not None or event.style or not event.implicit[0]
        ):  # quoted, a block, or tagged: a text
            return event.value
        try:
            return resolve(event.value)
        except ValueError as error:
            self.refuse(event, str(error))
            return 0

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

    def mapping(self, start: Any) -> tuple[Json, dict[str, Mark] | None]:
        items: dict[str, Json] = {}
        marks: dict[str, Mark] = {}
        while type(event := self.next()) is not MappingEndEvent:
            if type(event) is ScalarEvent:
                key = event.value
                if event.tag is not None or not key or (key == "<<" and not event.style):
                    self.key(event)
            elif type(event) is MappingStartEvent and event.flow_style and start.flow_style and not items:
                return self.unquoted(start, event), None
            else:
                if _IN_A_KEY not in self.path:
                    self.refuse(event, "a key must be a plain text")
                key = self.skipped(event)
            self.path.append(key)
            data, mark = self.node(self.next(), _place(event))
            if key in items:
                first = marks[key][0]
                shown = f"{first >> 24}:{first & 0xFFFFFF}"
                self.refuse(event, f"duplicate key; it stands already at {shown}")
            else:
                items[key] = data
                marks[key] = mark
            self.path.pop()
        return items, marks

    def key(self, event: Any) -> None:
        """A key that is a text, but one that nobody means."""
        if event.value == "<<":
            self.refuse(event, "merge keys (`<<`) are not part of YAML 1.2; write the keys out")
        elif event.tag is not None:
            self.tag(event)
        elif not event.style:
            self.refuse(event, 'a key is missing before the ":"')

    def skipped(self, event: Any) -> str:
        self.path.append(_IN_A_KEY)
        self.node(event)
        self.path.pop()
        return f"?{self.count}"

    def unquoted(self, start: Any, event: Any) -> str:
        """`{{ name }}` without quotes: to YAML a mapping whose key is a mapping."""
        self.skipped(event)
        self.path.append(_IN_A_KEY)
        while type(event := self.next()) is not MappingEndEvent:
            self.node(event)
        self.path.pop()
        lines = self.text.splitlines()
        mark, end = start.start_mark, event.end_mark
        stop = end.column if end.line == mark.line else None
        text = str(lines[mark.line][mark.column : stop]).strip()
        self.refuse(start, in_quotes(text))
        return text


def _height(mark: Mark) -> int:
    children = mark[2]
    if not children:
        return 0
    below: Iterable[Mark] = children.values() if isinstance(children, Mapping) else children
    return 1 + max(map(_height, below))
