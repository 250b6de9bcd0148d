"""Templates in values: a safe subset of Jinja2's syntax, and nothing of its run time.

`core.templates.compile_template` compiles a template once to closures over a TemplateScope.
Data of a request is never evaluated as a template.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from msgspec import Struct

from mockllm.core.display import shortened
from mockllm.core.json.codec import MISSING, Json, Missing, dumps, dumps_temporary
from mockllm.core.secret_names import is_secret
from mockllm.core.templates.scope import NAMES, TemplateScope, item

__all__ = [
    "MAX_OUTPUT_LENGTH",
    "NAMES",
    "SubstitutedText",
    "Template",
    "TemplateFailure",
    "TemplateScope",
    "TemplateSyntax",
    "is_template",
]

MAX_OUTPUT_LENGTH: Final = 1 << 20
"""The maximum number of characters of one template's text."""
OPENING: Final = re.compile(r"\{[{%#]")
"""The beginning of an expression, a statement or a comment."""
_MAX_SHOWN: Final = 300
"""Characters of an expression, and of a reason, in a message."""


class TemplateSyntax(ValueError):
    """A template is invalid or outside of the safe subset. Raised at load. `line`: the line in the template, counted
    from 1, as far as it is known."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


class TemplateFailure(Exception):
    """A template has no suitable value for a request.

    `expression` is the part of the template that failed, and `origin` its place (`file:line:column`, as far as
    known). `reason` is a message for a person. `query` is the query parameter that the expression reads, if
    any.
    """

    def __init__(self, expression: str, origin: str, reason: str, query: str | None = None) -> None:
        expression, reason = shortened(expression, _MAX_SHOWN), shortened(reason, _MAX_SHOWN)
        super().__init__(f"{expression}: {reason}" + (f" ({origin})" if origin else ""))
        self.expression = expression
        self.origin = origin
        self.reason = reason
        self.query = query


class TemplateTypeError(ValueError):
    """An expression has no suitable value; `Template.render` adds the place."""

    def __init__(self, reason: str, expression: str | None = None, query: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.expression = expression
        self.query = query


_UNITS: Final = {"ms": "milliseconds", "s": "seconds", "m": "minutes"}
_NOT_A_DURATION: Final = re.compile('"(.*)" is not a duration', re.DOTALL)
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_]\w*")


class PathRead(Struct, frozen=True):
    """A path from a name: `body.a[0]`. Its value is MISSING where there is none."""

    name: str
    keys: tuple[str | int, ...] = ()

    def __call__(self, scope: TemplateScope) -> Json | Missing:
        value = scope.read(self.name)
        for key in self.keys:
            value = item(value, key)
        return value

    def first_absent(self, scope: TemplateScope) -> PathRead:
        """Return the shortest beginning of a path without a value that has none either."""
        value = scope.read(self.name)
        for count, key in enumerate(self.keys):
            if value is MISSING:
                return PathRead(self.name, self.keys[:count])
            value = item(value, key)
        return self

    @staticmethod
    def of(name: str, keys: Sequence[str | int]) -> PathRead:
        """Return the path, with keys of headers in lower case."""
        return PathRead(name, tuple(str(key).lower() if name == "headers" else key for key in keys))

    @property
    def query(self) -> str | None:
        """The query parameter that the path reads."""
        return str(self.keys[0]) if self.name == "query" and self.keys else None

    @property
    def is_secret(self) -> bool:
        """Whether the path reads a place of API keys."""
        return self.name in ("headers", "query") and (not self.keys or is_secret(str(self.keys[0])))

    def __str__(self) -> str:
        return self.name + "".join(
            f".{key}" if _PLAIN_KEY.fullmatch(str(key)) else f"[{dumps(key).decode()}]" for key in self.keys
        )


Evaluate: TypeAlias = Callable[[TemplateScope], Json | Missing]


def needed(evaluate: Evaluate, scope: TemplateScope) -> Json:
    """Return the value of an expression. Raise TemplateTypeError where there is none."""
    value = evaluate(scope)
    if value is not MISSING:
        return value
    if isinstance(evaluate, PathRead):
        raise TemplateTypeError(f"{evaluate.first_absent(scope)} is absent", query=evaluate.query)
    raise TemplateTypeError("it has no value")


class TemplateBlock(Struct, frozen=True):
    """One `{{ … }}`, or a whole template with statements: its source, its closure, and the paths that it reads.
    The closure raises TemplateTypeError where there is no value."""

    source: str
    evaluate: Evaluate
    reads: tuple[PathRead, ...] = ()

    def value(self, scope: TemplateScope) -> Json:
        value = self.evaluate(scope)
        return needed(self.evaluate, scope) if value is MISSING else value


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template: plain texts and blocks."""

    source: str
    origin: str
    blocks: Sequence[str | TemplateBlock] = field(repr=False)

    @property
    def reads(self) -> tuple[PathRead, ...]:
        return tuple(
            read for block in self.blocks if isinstance(block, TemplateBlock) for read in block.reads
        )

    def name_offset(self, name: str) -> int:
        """Return where in the source an expression or a statement first has a name."""
        found = re.search(rf"\{{[{{%][^{{}}]*?(?<![\w.\"'])({re.escape(name)})\b", self.source)
        return found.start(1) if found else 0

    @property
    def names(self) -> frozenset[str]:
        """The names that the template reads."""
        return frozenset(read.name for read in self.reads)

    def render(self, scope: TemplateScope) -> Json:
        """Return the value: with its own type where the template is one whole expression, else a text. Raise
        TemplateFailure where a value is absent or unsuitable, or the text is longer than MAX_OUTPUT_LENGTH."""
        block: str | TemplateBlock = self.source
        try:
            if len(self.blocks) == 1 and isinstance(block := self.blocks[0], TemplateBlock):
                return capped(block.value(scope))
            texts, room = [], MAX_OUTPUT_LENGTH
            for block in self.blocks:
                if type(block) is str:
                    texts.append(block)
                    continue
                value = block.value(scope)  # type: ignore[union-attr]  # mypy does not narrow by `type() is`
                text = value if type(value) is str else as_text(value)
                room -= len(text)
                if room < 0:
                    raise too_long()
                texts.append(text)
            joined = "".join(texts)
            if len(joined) > MAX_OUTPUT_LENGTH:
                raise too_long()
            return joined
        except TemplateTypeError as error:
            failed = block if isinstance(block, TemplateBlock) else self
            query = error.query or _query(failed.reads)
            raise TemplateFailure(
                error.expression or failed.source,
                self.origin,
                _without_secret(error.reason, failed.reads),
                query,
            ) from None

    def failure(self, reason: str) -> TemplateFailure:
        """Return the exception for a value of this template that is unsuitable for its place."""
        reason = _without_unit(self.blocks, reason)
        return TemplateFailure(
            self.source, self.origin, _without_secret(reason, self.reads), _query(self.reads)
        )


def _without_unit(blocks: Sequence[str | TemplateBlock], reason: str) -> str:
    """Return the reason for the number alone, where the template has the unit, as in `{{ query.delay }}ms`."""
    unit = blocks[-1]
    match = _NOT_A_DURATION.match(reason)
    if match is None or not isinstance(unit, str) or unit not in _UNITS or len(blocks) != 2:
        return reason
    return f'"{match[1].removesuffix(unit)}" is not a number of {_UNITS[unit]}'


def _without_secret(reason: str, reads: Sequence[PathRead]) -> str:
    """Return the reason without a client's key: reasons are stored and logged."""
    if reason.endswith((" is absent", " no value")) or not any(read.is_secret for read in reads):
        return reason
    return "the value does not fit, and is not shown"


def _query(reads: Sequence[PathRead]) -> str | None:
    """Return the first query parameter that is read."""
    return next((read.query for read in reads if read.query is not None), None)


def capped(value: Json) -> Json:
    """Return the value. Raise TemplateTypeError for a text longer than MAX_OUTPUT_LENGTH."""
    if type(value) is str and len(value) > MAX_OUTPUT_LENGTH:
        raise too_long()
    return value


def too_long() -> TemplateTypeError:
    """Return the exception for a text longer than MAX_OUTPUT_LENGTH."""
    return TemplateTypeError(f"the text is longer than {MAX_OUTPUT_LENGTH} characters")


def as_text(value: Json) -> str:
    """Return a value for a text: a text unchanged, anything else as JSON."""
    if type(value) is str:
        return value
    try:
        return dumps_temporary(value).decode()
    except TypeError as error:
        raise TemplateTypeError(f"it cannot be written as JSON: {error}") from None


class SubstitutedText(str):
    """A text in which parameters were substituted. `template` is its source as a template.

    A parameter's value is literal text: `{{` in it is escaped in `template`, while `{{` of the file's author is not.
    `template` is None where the author wrote no template: then the text is literal.
    """

    __slots__ = ("template",)
    template: str | None

    def __new__(cls, text: str, template: str | None) -> SubstitutedText:
        substituted = super().__new__(cls, text)
        substituted.template = template
        return substituted

    def __reduce__(self) -> tuple[type[SubstitutedText], tuple[str, str | None]]:
        return SubstitutedText, (str(self), self.template)


def is_template(text: str) -> bool:
    """Return whether a text has an expression or a statement."""
    return "{{" in text or "{%" in text
