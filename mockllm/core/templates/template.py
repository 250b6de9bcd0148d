"""Templates in values: Jinja2's syntax, a safe subset of it, and nothing of its run time.

A template is compiled once (`template_text`) to closures over a Scope. What a request holds is data: it is
never evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from msgspec import Struct

from mockllm.core.json.codec import MISSING, Json, Missing, dumps
from mockllm.core.redaction import is_secret
from mockllm.core.templates.scope import NAMES, TemplateScope, item

__all__ = [
    "NAMES",
    "OUTPUT_CAP",
    "Template",
    "TemplateFailure",
    "TemplateScope",
    "TemplateSyntax",
    "is_template",
]

OUTPUT_CAP: Final = 1 << 20
"""Characters that one template may give."""


class TemplateSyntax(ValueError):
    """A template outside the safe subset, or none at all: found at load."""


class TemplateFailure(Exception):
    """A value that a request does not have, or that does not fit: found while answering.

    `expression` is the part of the template that failed, `origin` where it stands (`file:line:column`, as
    far as it is known), `reason` a person's words, `query` the query parameter that it reads, if it does.
    """

    def __init__(self, expression: str, origin: str, reason: str, query: str | None = None) -> None:
        super().__init__(f"{expression}: {reason}" + (f" ({origin})" if origin else ""))
        self.expression = expression
        self.origin = origin
        self.reason = reason
        self.query = query


class TemplateTypeError(ValueError):
    """Why an expression has no value; `Template.render` adds where it stands."""

    def __init__(self, reason: str, expression: str | None = None, query: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.expression = expression
        self.query = query


_UNITS: Final = {"ms": "milliseconds", "s": "seconds", "m": "minutes"}
_NO_DURATION: Final = re.compile('"(.*)" is not a duration', re.DOTALL)
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_]\w*")


class PathRead(Struct, frozen=True):
    """A path from a name: `body.a[0]`. Where nothing is, MISSING."""

    name: str
    keys: tuple[str | int, ...] = ()

    def __call__(self, scope: TemplateScope) -> Json | Missing:
        value = scope.read(self.name)
        for key in self.keys:
            value = item(value, key)
        return value

    @staticmethod
    def of(name: str, keys: Sequence[str | int]) -> PathRead:
        """Headers are read in any case."""
        return PathRead(name, tuple(str(key).lower() if name == "headers" else key for key in keys))

    @property
    def query(self) -> str | None:
        """The query parameter that it reads."""
        return str(self.keys[0]) if self.name == "query" and self.keys else None

    @property
    def is_secret(self) -> bool:
        """Whether it reads where clients carry their keys."""
        return self.name in ("headers", "query") and (not self.keys or is_secret(str(self.keys[0])))

    def __str__(self) -> str:
        return self.name + "".join(
            f".{key}" if _PLAIN_KEY.fullmatch(str(key)) else f"[{dumps(key).decode()}]" for key in self.keys
        )


Evaluate: TypeAlias = Callable[[TemplateScope], Json | Missing]


def needed(evaluate: Evaluate, scope: TemplateScope) -> Json:
    """The value of an expression that must have one."""
    value = evaluate(scope)
    if value is not MISSING:
        return value
    if isinstance(evaluate, PathRead):
        raise TemplateTypeError(f"{evaluate} is absent", query=evaluate.query)
    raise TemplateTypeError("it has no value")


class Block(Struct, frozen=True):
    """One `{{ … }}`, or all of a template that has statements: how it is written, what evaluates it (Unfit
    where it has no value), and the paths that it reads."""

    source: str
    evaluate: Evaluate
    reads: tuple[PathRead, ...] = ()

    def value(self, scope: TemplateScope) -> Json:
        return needed(self.evaluate, scope)


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template: plain text and blocks by turns."""

    source: str
    origin: str
    blocks: Sequence[str | Block] = field(repr=False)

    @property
    def reads(self) -> tuple[PathRead, ...]:
        return tuple(read for block in self.blocks if isinstance(block, Block) for read in block.reads)

    @property
    def names(self) -> frozenset[str]:
        """The names it reads, for a check against those that exist."""
        return frozenset(read.name for read in self.reads)

    def render(self, scope: TemplateScope) -> Json:
        """The value: of its own type where the template is one whole expression, else text.

        Raises TemplateFailure where a value is absent or unfit, or the text grows beyond OUTPUT_CAP.
        """
        block: str | Block = self.source
        try:
            if len(self.blocks) == 1 and isinstance(block := self.blocks[0], Block):
                return capped(block.value(scope))
            texts = []
            for block in self.blocks:
                texts.append(block if isinstance(block, str) else as_text(block.value(scope)))
            return capped("".join(texts))
        except TemplateTypeError as unfit:
            failed = block if isinstance(block, Block) else self
            query = unfit.query or _query(failed.reads)
            raise TemplateFailure(
                unfit.expression or failed.source, self.origin, _told(unfit.reason, failed.reads), query
            ) from None

    def failure(self, reason: str) -> TemplateFailure:
        """What to raise for a value of this template that does not fit its place."""
        reason = _numbered(self.blocks, reason)
        return TemplateFailure(self.source, self.origin, _told(reason, self.reads), _query(self.reads))


def _numbered(blocks: Sequence[str | Block], reason: str) -> str:
    """Of `{{ query.delay }}ms`, whose unit the file gives, whoever asks is told of the number alone."""
    unit = blocks[-1]
    found = _NO_DURATION.match(reason)
    if found is None or not isinstance(unit, str) or unit not in _UNITS or len(blocks) != 2:
        return reason
    return f'"{found[1].removesuffix(unit)}" is not a number of {_UNITS[unit]}'


def _told(reason: str, reads: Sequence[PathRead]) -> str:
    """The reason without a client's key in it: what is told is kept, and logged."""
    if reason.endswith((" is absent", " no value")) or not any(read.is_secret for read in reads):
        return reason
    return "what stands there does not fit, and is not shown"


def _query(reads: Sequence[PathRead]) -> str | None:
    """The first query parameter that is read."""
    return next((read.query for read in reads if read.query is not None), None)


def capped(value: Json) -> Json:
    """The value, unless it is a text beyond OUTPUT_CAP."""
    if type(value) is str and len(value) > OUTPUT_CAP:
        raise TemplateTypeError(f"the text is longer than {OUTPUT_CAP} characters")
    return value


def as_text(value: Json) -> str:
    """A value inside a text: texts as they are, all else as JSON writes it."""
    if type(value) is str:
        return value
    try:
        return dumps(value).decode()
    except TypeError as error:
        raise TemplateTypeError(f"it cannot be written as JSON: {error}") from None


# --- from source to template ---------------------------------------------------------------------


def is_template(text: str) -> bool:
    """Whether a text holds an expression or a statement."""
    return "{{" in text or "{%" in text
