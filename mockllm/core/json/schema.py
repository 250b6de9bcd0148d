"""JSON Schemas: validation of values, and the subschemas of a schema.

The validator library is imported on first use, never fetches a remote `$ref`, and compiles equal schemas once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, TypeAlias

from mockllm.core.budget import BudgetExceeded
from mockllm.core.json.codec import Json, canonical, loads
from mockllm.core.json.schema_work import MAX_EXPLAINED, MAX_STEPS, SchemaWork
from mockllm.core.text_cache import text_cache

if TYPE_CHECKING:
    import jsonschema_rs

MAX_CACHED_SCHEMAS: Final = 256
MAX_CACHED_LENGTH: Final = 16_384
"""The most bytes of a schema that is cached: compiled it takes about ten times as many."""

SchemaPath: TypeAlias = tuple[str, ...]
"""The keywords, names and numbers that lead to a subschema."""


class ValidationTooLong(BudgetExceeded):
    """The validation of a value takes more evaluations of subschemas than allowed."""

    def __init__(self) -> None:
        super().__init__(
            f"The schema's references make the validation of a value take more than {MAX_STEPS:,} steps."
        )


class Validator:
    """A compiled schema."""

    def __init__(self, compiled: jsonschema_rs.Validator, work: SchemaWork) -> None:
        self._compiled = compiled
        self._work = work

    def matches(self, value: Json, max_steps: int = MAX_STEPS) -> bool:
        """Return whether a value is valid. Raise ValidationTooLong where that takes more evaluations."""
        if not self._work.is_at_most(max_steps, value):
            raise ValidationTooLong
        try:
            return bool(self._compiled.is_valid(value))
        except ValueError:  # not JSON: an element of a set
            return False

    def error_message(self, value: Json) -> str:
        """Return the first error and its place; "valid" where there is none."""
        if not self._work.is_at_most(MAX_EXPLAINED, value):
            return "it does not fit the schema, which is too long to explain"
        try:
            error = next(self._compiled.iter_errors(value), None)
        except ValueError as failure:
            return str(failure)
        if error is None:
            return "valid"
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
        return f"{where.lstrip('.')}: {error.message}" if where else str(error.message)


def validator(schema: Json) -> Validator:
    """Return the compiled schema. Raise ValueError with a message for a person where it is invalid."""
    if not isinstance(schema, (dict, bool)):
        raise ValueError("not a valid JSON Schema: it is an object, or true or false")
    try:
        key = canonical(schema)
    except (TypeError, ValueError) as error:
        raise ValueError(f"not a valid JSON Schema: {error}") from None
    return _compiled(key)


def format_validator(schema: dict[str, Json]) -> Validator:
    """Return the compiled schema, with validation of each `format` that the library knows."""
    return _compiled(canonical(schema), formats=True)


@text_cache(MAX_CACHED_SCHEMAS, MAX_CACHED_LENGTH)
def _compiled(key: bytes, formats: bool = False) -> Validator:
    import jsonschema_rs

    try:
        schema = loads(key)
        compiled = jsonschema_rs.validator_for(schema, retriever=_refuse, validate_formats=formats)
        return Validator(compiled, SchemaWork(schema))
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise ValueError(f"not a valid JSON Schema: {getattr(error, 'message', error)}") from None


def _refuse(uri: str) -> Json:
    raise ValueError(f"a remote $ref is not fetched ({uri}); write the schema into the file")


def subschemas(schema: dict[str, Json]) -> Iterator[tuple[SchemaPath, dict[str, Json]]]:
    """Yield a schema and all of its subschemas with their paths, each before its own subschemas, at any depth.
    Values that are not objects are left out."""
    waiting: list[tuple[SchemaPath, Json]] = [((), schema)]
    while waiting:
        path, value = waiting.pop()
        if type(value) is dict:
            yield path, value
            waiting += reversed([((*path, *step), child) for step, child in _children(value)])


def _children(schema: dict[str, Json]) -> Iterator[tuple[SchemaPath, Json]]:
    for keyword in ("properties", "$defs", "definitions"):
        named = schema.get(keyword)
        for name, child in (named if type(named) is dict else {}).items():
            yield (keyword, name), child
    yield ("items",), schema.get("items")
    for keyword in ("anyOf", "allOf"):
        several = schema.get(keyword)
        for number, child in enumerate(several if type(several) is list else ()):
            yield (keyword, str(number)), child
