"""Refusals of the schema of a response format or of a strict tool."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.dialects.anthropic.validators import AnthropicRequestProblem, check_strict

TEXT: Json = {"type": "string"}


def closed_object(**properties: Json) -> dict[str, Json]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        closed_object(a=TEXT, b={"type": ["integer", "null"], "minimum": 1}),
        closed_object(a={"type": "array", "items": TEXT, "minItems": 1}, b={"enum": ["x"]}, minimum=TEXT),
        {**closed_object(a={"$ref": "#/$defs/A"}), "$defs": {"A": closed_object()}},
        {"type": "string", "pattern": "^a", "format": "uri"},
    ],
)
def test_strict_schema_check_accepts_valid_schema(schema: dict[str, Json]) -> None:
    check_strict("here", schema)


OPEN = "For 'object' type, 'additionalProperties' must be explicitly set to false"
WRONG: list[tuple[dict[str, Json], str]] = [
    ({"type": "object"}, OPEN),
    (closed_object(a={"type": "array", "items": {"type": "object"}}), OPEN),
    (closed_object(a={"anyOf": [TEXT, {"type": "object"}]}), OPEN),
    ({**closed_object(), "$defs": {"A": {"type": "object"}}}, OPEN),
    (
        {**closed_object(), "additionalProperties": True},
        "For 'object' type, 'additionalProperties: true' is not supported. "
        "Please set 'additionalProperties' to false",
    ),
    (
        {**closed_object(), "additionalProperties": TEXT},
        "For 'object' type, 'additionalProperties: object' is not supported. "
        "Please set 'additionalProperties' to false",
    ),
    (
        {**closed_object(), "propertyNames": TEXT},
        "For 'object' type, property 'propertyNames' is not supported",
    ),
    (
        closed_object(a={"type": "integer", "minimum": 1}),
        "For 'integer' type, property 'minimum' is not supported",
    ),
    (
        closed_object(a={"type": "number", "minimum": 1, "maximum": 2}),
        "For 'number' type, properties maximum, minimum are not supported",
    ),
    (closed_object(a={**TEXT, "maxLength": 9}), "For 'string' type, property 'maxLength' is not supported"),
    (
        closed_object(a={"type": "array", "maxItems": 9}),
        "For 'array' type, property 'maxItems' is not supported",
    ),
    (
        closed_object(a={"type": "array", "minItems": 2}),
        "For 'array' type, 'minItems' values other than 0 or 1 are not supported",
    ),
]


@pytest.mark.parametrize(("schema", "reason"), WRONG)
def test_strict_schema_check_on_invalid_schema_raises(schema: dict[str, Json], reason: str) -> None:
    with pytest.raises(AnthropicRequestProblem) as caught:
        check_strict("here", schema)
    assert str(caught.value) == f"here: {reason}"
