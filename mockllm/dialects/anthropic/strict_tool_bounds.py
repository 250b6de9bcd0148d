"""The limits of the strict tools of a request, counted over all of them (recordings of August 2026)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.schema import subschemas
from mockllm.core.json.typed_values import list_of, object_of
from mockllm.dialects.anthropic.validators import AnthropicRequestProblem

MAX_TOOLS: Final = 20
MAX_OPTIONAL: Final = 24
MAX_UNIONS: Final = 16


def check_strict_limits(schemas: Sequence[dict[str, Json]]) -> None:
    """Raise the first limit that the input schemas of the strict tools exceed."""
    if len(schemas) > MAX_TOOLS:
        raise AnthropicRequestProblem(
            f"Too many strict tools ({len(schemas)}). The maximum number of strict tools supported is {MAX_TOOLS}. "
            "Try reducing the number of tools marked as strict."
        )
    parameters = list(_parameters(schemas))
    optional = sum(not required for required, _ in parameters)
    if optional > MAX_OPTIONAL:
        raise AnthropicRequestProblem(
            f"Schemas contains too many optional parameters ({optional}), which would make grammar compilation "
            "inefficient. Reduce the number of optional parameters in your tool schemas (limit: "
            f"{MAX_OPTIONAL})."
        )
    unions = sum("anyOf" in schema or type(schema.get("type")) is list for _, schema in parameters)
    if unions > MAX_UNIONS:
        raise AnthropicRequestProblem(
            f"Schemas contains too many parameters with union types ({unions} parameters with type arrays or anyOf). "
            "This causes exponential compilation cost. Reduce the number of nullable or union-typed parameters "
            f"(limit: {MAX_UNIONS} parameters with unions)."
        )


def _parameters(schemas: Iterable[dict[str, Json]]) -> Iterator[tuple[bool, dict[str, Json]]]:
    """Yield each parameter of the schemas, at any depth: whether it is required, and its schema."""
    for schema in schemas:
        for _, subschema in subschemas(schema):
            required = {name for name in list_of(subschema.get("required")) if type(name) is str}
            for name, parameter in object_of(subschema.get("properties")).items():
                yield name in required, object_of(parameter)
