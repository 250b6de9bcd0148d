"""The shapes of Google's request messages, and the errors of its JSON parser for values of another shape.

Messages are protobuf: a field has a kind, may be null or absent, and a list may be written as its only item. Unknown
fields pass. Error paths are in snake_case, in whatever form the request was sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from mockllm.core.json.codec import Json, dumps
from mockllm.core.text_cache import text_cache

PACKAGE: Final = "type.googleapis.com/google.ai.generativelanguage.v1beta."


class GeminiRequestProblem(Exception):
    """The first problem of a request, in the provider's wording; it ends the check. `field` is its path where the
    parser detects it."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class GeminiValueKind(Struct, frozen=True):
    """A kind of value; `name` is the parser's name."""

    name: str
    matches: Callable[[Json], bool]


class MessageShape(Struct, frozen=True):
    """A message and its known fields."""

    name: str
    fields: Mapping[str, MessageField]


class Repeated(Struct, frozen=True):
    """A list of values or messages."""

    of: GeminiValueKind | MessageShape


MessageField: TypeAlias = GeminiValueKind | MessageShape | Repeated


_INTEGER: Final = re.compile(r"-?[0-9]{1,10}")
_INT32: Final = 2**31
_NUMBER: Final = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|Infinity)|NaN")


def integer_of(value: Json) -> int | None:
    """Return an integer of 32 bits, which JSON may write as a float or a text of digits; None for anything else."""
    if type(value) is int:
        integer = value
    elif (type(value) is float and value.is_integer()) or (
        type(value) is str and _INTEGER.fullmatch(value) is not None
    ):
        integer = int(value)
    else:
        return None
    return integer if -_INT32 <= integer < _INT32 else None


def _is_number(value: Json) -> bool:
    """Return whether a value is a number, which JSON may write as a text."""
    return type(value) in (int, float) or (type(value) is str and _NUMBER.fullmatch(value) is not None)


STRING: Final = GeminiValueKind("TYPE_STRING", lambda value: type(value) is str)
BOOLEAN: Final = GeminiValueKind("TYPE_BOOL", lambda value: type(value) is bool)
INTEGER: Final = GeminiValueKind("TYPE_INT32", lambda value: integer_of(value) is not None)
NUMBER: Final = GeminiValueKind("TYPE_FLOAT", _is_number)
STRUCT: Final = GeminiValueKind(
    "type.googleapis.com/google.protobuf.Struct", lambda value: type(value) is dict
)


def enum_kind(name: str, *allowed: str) -> GeminiValueKind:
    """Return the kind of an enum, which accepts one of its names, in upper or lower case, or any number."""

    def matches(value: Json) -> bool:
        return type(value) is int or (type(value) is str and value.upper() in allowed)

    return GeminiValueKind(PACKAGE + name, matches)


@text_cache(1024)  # requests repeat their keys
def snake_case(name: str) -> str:
    return re.sub("[A-Z]", lambda match: f"_{match[0].lower()}", name)


def check_shape(path: str, value: Json, field: MessageField) -> None:
    """Raise a problem for a value of another shape than its field; null counts as absent."""
    if value is None:
        return
    if isinstance(field, Repeated):
        for index, item in enumerate(value if type(value) is list else [value]):
            check_shape(f"{path}[{index}]", item, field.of)
    elif isinstance(field, GeminiValueKind):
        if not field.matches(value):
            raise _invalid(path, field.name, value)
    elif type(value) is list:
        name = f'Unknown name "{path.rpartition(".")[2]}"'
        at = path.rpartition(".")[0]
        where = f" at '{at}'" if at else ""
        message = (
            f"Invalid JSON payload received. {name}{where}: Proto field is not repeating, cannot start list."
        )
        raise GeminiRequestProblem(message, at)
    elif type(value) is not dict:
        raise _invalid(path, PACKAGE + field.name, value)
    else:
        for key, member in value.items():
            if key in field.fields:
                check_shape(
                    f"{path}.{snake_case(key)}" if path else snake_case(key), member, field.fields[key]
                )


def _invalid(path: str, name: str, value: Json) -> GeminiRequestProblem:
    return GeminiRequestProblem(f"Invalid value at '{path}' ({name}), {dumps(value).decode()}", path)
