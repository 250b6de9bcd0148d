"""Durations, probabilities and chunk sizes as pydantic annotations, with their messages and JSON Schema.

`core.values` builds on them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, Generic, TypeAlias, TypeVar

from msgspec import Struct
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from mockllm.core.json.codec import Json
from mockllm.core.quantities.parse import ChunkSize, parse_chunk_size, parse_duration, parse_probability

JsonSchema: TypeAlias = dict[str, Json]
T = TypeVar("T")


def quantity_error(message: str, offset: int = 0) -> PydanticCustomError:
    """Return an error with exactly this message (pydantic adds a prefix to a ValueError's). `offset`: where in a
    text the mistake is."""
    return PydanticCustomError("value", "{message}", {"message": message, "offset": offset})


WAITS: Final = "mockllm_waits"
"""A key in a schema's metadata: whether the type is a duration."""


class _Quantity(Struct, Generic[T], frozen=True):
    """A type with its own syntax. `parse` parses a value of these types or raises a ValueError. `hint` names
    the syntax for any other value. `schema` returns the JSON Schema."""

    parse: Callable[[T], object]
    types: tuple[type[T], ...]
    hint: str
    schema: Callable[[], JsonSchema]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        def read(value: object) -> object:
            if not isinstance(value, self.types) or isinstance(value, bool):
                raise quantity_error(f"not a {self.hint}")
            try:
                return self.parse(value)
            except ValueError as error:
                raise quantity_error(str(error)) from None

        return core_schema.no_info_plain_validator_function(read, metadata={WAITS: self.parse is _duration})

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        return self.schema()


def _duration(value: object) -> float:
    return parse_duration(str(value))


Duration: TypeAlias = Annotated[
    float,
    _Quantity(
        _duration,
        (str, int, float),
        'duration; write "300ms", "2s" or "1m"',
        lambda: {
            "type": "string",
            "pattern": r"^\s*\d+(\.\d+)? ?(us|µs|ms|s|m|h)\s*$",
            "description": "A duration with its unit: us, ms, s, m or h.",
            "examples": ["300ms", "2s", "1m"],
        },
    ),
]
"""Seconds, written with a unit."""

Probability: TypeAlias = Annotated[
    float,
    _Quantity(
        parse_probability,
        (str, int, float),
        'probability; write "5%" or 0.05',
        lambda: {
            "description": "A probability: a percentage, or a number from 0 to 1.",
            "anyOf": [
                {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*%?\s*$"},
                {"type": "number", "minimum": 0, "maximum": 1},
            ],
            "examples": ["5%", 0.05],
        },
    ),
]
"""0 to 1, written as a percentage or a number."""

ChunkSizeField: TypeAlias = Annotated[
    ChunkSize,
    _Quantity(
        parse_chunk_size,
        (str, int),
        'chunk size; write "4 tokens", "10 characters", "1 word" or "2 sentences"',
        lambda: {
            "description": "The size of each chunk; a bare number is characters.",
            "anyOf": [
                {"type": "string", "pattern": r"^\s*\d+ ?(characters?|tokens?|words?|sentences?)?\s*$"},
                {"type": "integer", "minimum": 1},
            ],
            "examples": ["4 tokens", "10 characters", "1 word", "1 sentence"],
        },
    ),
]
