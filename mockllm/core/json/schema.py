"""JSON Schemas: validation of values, and the subschemas of a schema.

The validator library is imported on first use, never fetches a remote `$ref`, and compiles equal schemas once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, TypeAlias

from mockllm.core.budget import Budget, BudgetExceeded
from mockllm.core.json.codec import Json, canonical, loads
from mockllm.core.json.schema_keywords import schemas_of
from mockllm.core.json.schema_work import MAX_COMPILED_MARKS, MAX_STEPS, SchemaWork
from mockllm.core.text_cache import text_cache

if TYPE_CHECKING:
    import jsonschema_rs

TYPES: Final = ("array", "boolean", "integer", "null", "number", "object", "string")
MAX_CACHED_SCHEMAS: Final = 256
MAX_CACHED_LENGTH: Final = 16_384
"""The most bytes of a schema that is cached: compiled it takes about ten times as many."""
MAX_EXPLAINED_CHOICES: Final = 1_000
"""The most evaluations for a value whose error is reported, where the schema has choices. The library collects all
errors of all choices, 10 to 50 µs each."""
MAX_EXPLAINED_PARTS: Final = 50_000
"""The most members and items of a value whose error is reported: the library copies the value."""

_STRUCTURE: Final = ("properties", "$defs", "definitions", "items", "anyOf", "allOf")
"""The keywords that services with strict schemas read."""

SchemaPath: TypeAlias = tuple[str, ...]
"""The keywords, names and numbers that lead to a subschema."""


class ValidationTooLong(BudgetExceeded):
    """The validation of a value takes more evaluations of subschemas than allowed, or the schema's compilation."""


class Validator:
    """A compiled schema."""

    def __init__(self, compiled: jsonschema_rs.Validator, work: SchemaWork) -> None:
        self._compiled = compiled
        self._work = work

    def matches(self, value: Json, max_steps: int = MAX_STEPS) -> bool:
        """Return whether a value is valid. Raise ValidationTooLong where that takes more evaluations."""
        if not self._work.is_small and not self._work.is_at_most(max_steps, value):
            raise ValidationTooLong(f"Validating the value takes more than {max_steps:,} steps.")
        return self._is_valid(value)

    def matches_within(self, budget: Budget, value: Json) -> bool:
        """Return whether a value is valid, after counting the evaluations. Raise BudgetExceeded."""
        if not self._work.is_small:
            budget.add_steps(self._work.steps(budget.steps_left, value))
        return self._is_valid(value)

    def _is_valid(self, value: Json) -> bool:
        try:
            return bool(self._compiled.is_valid(value))
        except ValueError:  # not JSON: an element of a set
            return False

    def error_message(self, value: Json, max_steps: int = MAX_STEPS) -> str:
        """Return the first error and its place; "valid" where there is none. A long value is not validated again, as
        that may take 100 times as long as `matches`."""
        steps = self._work.steps(max_steps, value)
        if steps > max_steps:
            return f"it is not validated: that takes more than {max_steps:,} steps"
        if steps > (MAX_EXPLAINED_CHOICES if self._work.has_choices else max_steps) or not _is_short(value):
            return "it does not fit the schema; it is too long to say where"
        try:
            self._compiled.validate(value)
        except ValueError as failure:
            return _described(failure)
        return "valid"


def _described(failure: ValueError) -> str:
    import jsonschema_rs

    if not isinstance(failure, jsonschema_rs.ValidationError):
        return str(failure)
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in failure.instance_path)
    return f"{where.lstrip('.')}: {failure.message}" if where else str(failure.message)


def _is_short(value: Json) -> bool:
    """Return whether a value has at most `MAX_EXPLAINED_PARTS` members and items, at any depth."""
    waiting, count = [value], 0
    while waiting and count <= MAX_EXPLAINED_PARTS:
        part = waiting.pop()
        if isinstance(part, (dict, list, tuple)):
            count += len(part)
            if count <= MAX_EXPLAINED_PARTS:
                waiting += part.values() if isinstance(part, dict) else part
    return count <= MAX_EXPLAINED_PARTS


def validator(schema: Json) -> Validator:
    """Return the compiled schema. Raise ValueError with a message for a person where it is invalid, and
    ValidationTooLong where compiling it takes too long."""
    if not isinstance(schema, (dict, bool)):
        raise ValueError("not a valid JSON Schema: it is an object, or true or false")
    try:
        key = canonical(schema)
    except (TypeError, ValueError) as error:
        raise ValueError(f"not a valid JSON Schema: {error}") from None
    return _compiled(key)


def format_validator(schema: dict[str, Json]) -> Validator:
    """Return the compiled schema, with validation of each `format` that the library knows. Raise as `validator`."""
    return _compiled(canonical(schema), formats=True)


@text_cache(MAX_CACHED_SCHEMAS, MAX_CACHED_LENGTH)
def _compiled(key: bytes, formats: bool = False) -> Validator:
    import jsonschema_rs

    try:
        schema = loads(key)
        work = SchemaWork(schema)
        if not work.compiles_in(MAX_COMPILED_MARKS):
            raise ValidationTooLong(
                "The schema applies unevaluatedProperties or unevaluatedItems to more than "
                f"{MAX_COMPILED_MARKS:,} subschemas."
            )
        compiled = jsonschema_rs.validator_for(schema, retriever=_refuse, validate_formats=formats)
        return Validator(compiled, work)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise ValueError(f"not a valid JSON Schema: {_schema_flaw(error)}") from None


def _schema_flaw(error: Exception) -> str:
    """Return why a schema is invalid. The library's message on a wrong type names parts of the meta-schema."""
    import jsonschema_rs

    if isinstance(error, jsonschema_rs.ValidationError) and error.instance_path[-1:] == ["type"]:
        return f"{canonical(error.instance).decode()} is not a type; the types are {', '.join(TYPES)}"
    return str(getattr(error, "message", error))


def _refuse(uri: str) -> Json:
    raise ValueError(f"a remote $ref is not fetched ({uri}); write the schema into the file")


def subschemas(schema: dict[str, Json]) -> Iterator[tuple[SchemaPath, dict[str, Json]]]:
    """Yield a schema and its subschemas that describe the structure of a value, with their paths, each before its own
    subschemas, at any depth. Values that are not objects are left out."""
    waiting: list[tuple[SchemaPath, Json]] = [((), schema)]
    while waiting:
        path, value = waiting.pop()
        if type(value) is dict:
            yield path, value
            children = [(key, name, part) for key in _STRUCTURE for name, part in schemas_of(value, key)]
            waiting += [
                ((*path, key) if name is None else (*path, key, name), part)
                for key, name, part in reversed(children)
            ]
