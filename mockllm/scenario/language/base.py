"""The base class of all models of the scenario language: unknown keys are errors, and types are never coerced.

A model is built when it is first used, as a part of the few models that read a file. A start therefore does not build
each model separately. `field_texts` reads the texts behind the fields only when they are shown, not at each start.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from textwrap import dedent
from typing import TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

T = TypeVar("T")


class Spec(BaseModel):
    """A mapping in a scenario file."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        populate_by_name=True,
        arbitrary_types_allowed=True,
        protected_namespaces=(),
        defer_build=True,
    )


def no_items() -> list[T]:
    """Return an empty list, as a default factory. pydantic inspects factories: `list` would cost 0.3 ms and 25 KB for
    each field."""
    return []


def short_form(key: str, model: type[BaseModel], *checks: Callable[[object], None]) -> BeforeValidator:
    """Return the validator by which a bare text means a mapping with this key; `checks` raise errors first."""

    def read(value: object) -> object:
        for check in checks:
            check(value)
        return {key: value} if isinstance(value, str) else value

    return BeforeValidator(read, json_schema_input_type=str | model)


def children(value: object) -> Iterator[tuple[str | int, object]]:
    """Yield the direct children of a value, each with the key or index that it has in the file."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        for name in sorted(value.model_fields_set):
            yield fields[name].alias or name, getattr(value, name)
    elif isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)


def field_texts(model: type[BaseModel]) -> dict[str, str]:
    """Return the texts behind a model's fields, by field name."""
    texts: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base is Spec or not issubclass(base, Spec):
            continue
        try:
            source = inspect.getsource(base)
        except OSError:  # a class that a function created has no source text
            continue
        (definition,) = ast.parse(dedent(source)).body
        assert isinstance(definition, ast.ClassDef)
        for field, following in zip(definition.body, definition.body[1:], strict=False):
            match field, following:
                case ast.AnnAssign(target=ast.Name(name)), ast.Expr(value=ast.Constant(value=str(text))):
                    texts[name] = inspect.cleandoc(text)
    return texts
