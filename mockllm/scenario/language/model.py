"""What every word of the language has in common: unknown keys are mistakes, and types are never coerced.

Models are built when they are first asked, as parts of the few that read a file: a start need not build each
on its own. The texts behind their fields are read by those who show them (`documented`), not at each start.
"""

from __future__ import annotations

import ast
import inspect
from textwrap import dedent

from pydantic import BaseModel, ConfigDict


class Word(BaseModel):
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


def documented(model: type[BaseModel]) -> dict[str, str]:
    """What the texts behind a model's fields say of them, by the fields' names."""
    found: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if owner is Word or not issubclass(owner, Word):
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
