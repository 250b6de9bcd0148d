"""JSON Schema checks for `schema` conditions.

Apart, because the checker is imported only when a scenario uses one, never fetches a remote `$ref`, and is
compiled once for equal schemas.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from mockllm.core.json.codec import Json, canonical, loads

KEPT: Final = 256
"""How many compiled schemas are kept."""


class Validator:
    """A compiled schema."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled

    def holds(self, value: Json) -> bool:
        try:
            return bool(self._compiled.is_valid(value))
        except ValueError:  # not JSON: a thing of a set
            return False

    def mistake(self, value: Json) -> str:
        """The first thing that is wrong, and where."""
        try:
            error = next(self._compiled.iter_errors(value), None)
        except ValueError as failure:
            return str(failure)
        if error is None:
            return "valid"
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
        return f"{where.lstrip('.')}: {error.message}" if where else str(error.message)


def validator(schema: Json) -> Validator:
    """The compiled schema. Raises ValueError with a person's message on one that is none."""
    if not isinstance(schema, (dict, bool)):
        raise ValueError("not a valid JSON Schema: it is an object, or true or false")
    try:
        key = canonical(schema)
    except (TypeError, ValueError) as error:
        raise ValueError(f"not a valid JSON Schema: {error}") from None
    return _compiled(key)


def form_validator(schema: dict[str, Json]) -> Validator:
    """The same, and `format` is a promise where the checker knows it."""
    return _compiled(canonical(schema), formats=True)


@lru_cache(KEPT)
def _compiled(key: bytes, formats: bool = False) -> Validator:
    import jsonschema_rs

    try:
        return Validator(jsonschema_rs.validator_for(loads(key), retriever=_refuse, validate_formats=formats))
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise ValueError(f"not a valid JSON Schema: {getattr(error, 'message', error)}") from None


def _refuse(uri: str) -> Json:
    raise ValueError(f"a remote $ref is not fetched ({uri}); write the schema into the file")
