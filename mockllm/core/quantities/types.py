"""How durations, probabilities and chunk sizes are written in a model: as pydantic annotations, with messages
and a JSON Schema of their own. `core.values` builds on them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias

from msgspec import Struct
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from mockllm.core.quantities.parse import ChunkSize, parse_chunk_size, parse_duration, parse_probability

JsonSchema: TypeAlias = dict[str, Any]


def quantity_error(message: str) -> PydanticCustomError:
    """An error that says just this (pydantic puts words of its own before a ValueError's)."""
    return PydanticCustomError("value", "{message}", {"message": message})


WAITS: Final = "mockllm_waits"
"""In a schema's metadata: whether it is a duration."""


class _Written(Struct, frozen=True):
    """A type that is written as a text or number of its own form: `parse` reads it, `schema` describes it."""

    parse: Callable[[Any], object]
    schema: Callable[[], JsonSchema]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def read(value: object) -> object:
            try:
                return self.parse(value)
            except ValueError as error:
                raise quantity_error(str(error)) from None

        return core_schema.no_info_plain_validator_function(read, metadata={WAITS: self.parse is _duration})

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        return self.schema()


def _duration(value: object) -> float:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return parse_duration(str(value))
    raise ValueError('not a duration; write "300ms", "2s" or "1m"')


def _probability(value: object) -> float:
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return parse_probability(value)
    raise ValueError('not a probability; write "5%" or 0.05')


def _chunk_size(value: object) -> ChunkSize:
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return parse_chunk_size(value)
    raise ValueError('not a chunk size; write "4 tokens", "10 characters", "1 word" or "2 sentences"')


Duration: TypeAlias = Annotated[
    float,
    _Written(
        _duration,
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
    _Written(
        _probability,
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
    _Written(
        _chunk_size,
        lambda: {
            "description": "How much each chunk says; a bare number is characters.",
            "anyOf": [
                {"type": "string", "pattern": r"^\s*\d+ ?(characters?|tokens?|words?|sentences?)?\s*$"},
                {"type": "integer", "minimum": 1},
            ],
            "examples": ["4 tokens", "10 characters", "1 word", "1 sentence"],
        },
    ),
]
