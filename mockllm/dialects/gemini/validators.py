"""The shapes of Google's request messages, and what its JSON parser says of a value that does not fit.

Messages are protobuf: a field has a kind, may be null or absent, and a list may be written as its only item.
Fields that are not known here pass. Paths are told in snake_case, whatever was sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

from msgspec import Struct

from mockllm.core.json.codec import Json, dumps

PACKAGE: Final = "type.googleapis.com/google.ai.generativelanguage.v1beta."


class GeminiRequestProblem(Exception):
    """The first thing that is wrong with a request, in the provider's words; it ends the look. `field` is its
    path where the parser found it."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class GeminiValueKind(Struct, frozen=True):
    """A kind of value; `name` is what the parser calls it."""

    name: str
    fits: Callable[[Json], bool]


class MessageShape(Struct, frozen=True):
    """A message and its known fields."""

    name: str
    fields: Mapping[str, Field]


class Repeated(Struct, frozen=True):
    """A list of such."""

    of: GeminiValueKind | MessageShape


Field: TypeAlias = GeminiValueKind | MessageShape | Repeated


def _whole(value: Json) -> bool:
    """Whole numbers may be texts, as protobuf writes the long ones."""
    return (
        type(value) is int
        or (type(value) is float and value.is_integer())
        or (type(value) is str and re.fullmatch(r"-?\d{1,19}", value) is not None)
    )


STRING: Final = GeminiValueKind("TYPE_STRING", lambda value: type(value) is str)
BOOLEAN: Final = GeminiValueKind("TYPE_BOOL", lambda value: type(value) is bool)
INTEGER: Final = GeminiValueKind("TYPE_INT32", _whole)
NUMBER: Final = GeminiValueKind("TYPE_FLOAT", lambda value: type(value) in (int, float))
STRUCT: Final = GeminiValueKind(
    "type.googleapis.com/google.protobuf.Struct", lambda value: type(value) is dict
)


def word(name: str, *allowed: str) -> GeminiValueKind:
    """An enum, by a name of it or by any number."""
    return GeminiValueKind(PACKAGE + name, lambda value: type(value) is int or value in allowed)


@lru_cache(maxsize=1024)
def snake(name: str) -> str:
    return re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name)


def fit(path: str, value: Json, field: Field) -> None:
    """Refuse a value that does not fit its field; null is absent."""
    if value is None:
        return
    if isinstance(field, Repeated):
        for place, item in enumerate(value if type(value) is list else [value]):
            fit(f"{path}[{place}]", item, field.of)
    elif isinstance(field, GeminiValueKind):
        if not field.fits(value):
            raise _invalid(path, field.name, value)
    elif type(value) is list:
        name = f'Unknown name "{path.rpartition(".")[2]}"'
        at = path.rpartition(".")[0]
        where = f" at '{at}'" if at else ""
        said = (
            f"Invalid JSON payload received. {name}{where}: Proto field is not repeating, cannot start list."
        )
        raise GeminiRequestProblem(said, at)
    elif type(value) is not dict:
        raise _invalid(path, PACKAGE + field.name, value)
    else:
        for key, held in value.items():
            if key in field.fields:
                fit(f"{path}.{snake(key)}" if path else snake(key), held, field.fields[key])


def _invalid(path: str, name: str, value: Json) -> GeminiRequestProblem:
    return GeminiRequestProblem(f"Invalid value at '{path}' ({name}), {dumps(value).decode()}", path)
