"""What every word of the language has in common: unknown keys are mistakes, and types are never coerced.

Models are built when they are first asked, as parts of the few that read a file: a start need not build each
on its own. The texts behind their fields are read by those who show them (`documented`), not at each start.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from textwrap import dedent
from typing import Any

from pydantic import BaseModel, ConfigDict


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


def children(value: object) -> Iterator[tuple[str | int, Any]]:
    """What stands below a value, each by the key or index that it has in the file."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        for name in sorted(value.model_fields_set):
            yield fields[name].alias or name, getattr(value, name)
    elif isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)


def documented(model: type[BaseModel]) -> dict[str, str]:
    """What the texts behind a model's fields say of them, by the fields' names."""
    found: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if owner is Spec or not issubclass(owner, Spec):
            continue
        try:
            source = inspect.getsource(owner)
        except OSError:  # made by a function: it has no text
            continue
        (definition,) = ast.parse(dedent(source)).body
        assert isinstance(definition, ast.ClassDef)
        for field, text in zip(definition.body, definition.body[1:], strict=False):
            match field, text:
                case ast.AnnAssign(target=ast.Name(name)), ast.Expr(value=ast.Constant(value=str(said))):
                    found[name] = inspect.cleandoc(said)
    return found
