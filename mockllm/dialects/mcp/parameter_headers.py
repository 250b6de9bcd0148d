"""The headers that repeat the arguments of a call, by the `x-mcp-header` of the tool's schema (2026-07-28).

Source: `validate_mcp_param_headers` and `find_invalid_x_mcp_header` of `mcp` 2.3.0. Clients drop a tool with an
invalid annotation, so nothing is checked there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.schema_keywords import schemas_of
from mockllm.core.json.typed_values import object_of
from mockllm.dialects.mcp.protocol import PARAM_HEADER
from mockllm.dialects.mcp.request import RpcRequest

ANNOTATION: Final = "x-mcp-header"
TYPES: Final = ("string", "integer", "boolean")
"""The types of the properties that may have a header."""
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def repeated_arguments(request: RpcRequest) -> list[tuple[str, Json]]:
    """Return the headers of the arguments that the tool's schema marks, each with its value. The value is None where
    the argument is absent, or no text, number or boolean."""
    if request.tool is None:
        return []
    found = list(_marked(request.tool.input, request.arguments))
    return found if found and _is_valid(request.tool.input) else []


def _marked(root: Json, arguments: Json) -> Iterator[tuple[str, Json]]:
    left: list[tuple[Json, Json]] = [(root, arguments)]
    while left:
        schema, value = left.pop()
        for name, inner in object_of(object_of(schema).get("properties")).items():
            below = object_of(value).get(name)
            header = object_of(inner).get(ANNOTATION)
            if type(header) is str:
                yield PARAM_HEADER + header.lower(), None if type(below) in (dict, list) else below
            left.append((inner, below))


def _is_valid(root: Json) -> bool:
    """Return whether the annotations of a schema are valid: each on a property, with an own name, and of a simple
    type."""
    names: set[str] = set()
    left: list[tuple[Json, bool]] = [(root, True)]
    while left:
        schema, reachable = left.pop()
        if type(schema) is not dict:
            continue
        if ANNOTATION in schema:
            header = schema[ANNOTATION]
            fits = (
                type(header) is str and _TOKEN.fullmatch(header) is not None and schema.get("type") in TYPES
            )
            if not (fits and reachable and schema is not root) or header.lower() in names:
                return False
            names.add(header.lower())
        for keyword in schema:
            below = reachable and keyword == "properties"
            left += ((inner, below) for _, inner in schemas_of(schema, keyword))
    return True
