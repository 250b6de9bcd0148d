"""What is refused of a schema that an answer or a strict tool's call is held to."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.dialects.anthropic.strict_schema import check_strict
from mockllm.dialects.anthropic.validators import AnthropicRequestProblem

TEXT: Json = {"type": "string"}


def closed(**properties: Json) -> dict[str, Json]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        closed(a=TEXT, b={"type": ["integer", "null"], "minimum": 1}),
        closed(a={"type": "array", "items": TEXT, "minItems": 1}, b={"enum": ["x"]}, minimum=TEXT),
        {**closed(a={"$ref": "#/$defs/A"}), "$defs": {"A": closed()}},
        {"type": "string", "pattern": "^a", "format": "uri"},
    ],
)
def test_a_schema_that_is_fine(schema: dict[str, Json]) -> None:
    check_strict("here", schema)


OPEN = "For 'object' type, 'additionalProperties' must be explicitly set to false"
WRONG: list[tuple[dict[str, Json], str]] = [
    ({"type": "object"}, OPEN),
    (closed(a={"type": "array", "items": {"type": "object"}}), OPEN),
    (closed(a={"anyOf": [TEXT, {"type": "object"}]}), OPEN),
    ({**closed(), "$defs": {"A": {"type": "object"}}}, OPEN),
    (
        {**closed(), "additionalProperties": True},
        "For 'object' type, 'additionalProperties: true' is not supported. "
        "Please set 'additionalProperties' to false",
    ),
    (
        {**closed(), "additionalProperties": TEXT},
        "For 'object' type, 'additionalProperties: object' is not supported. "
        "Please set 'additionalProperties' to false",
    ),
    ({**closed(), "propertyNames": TEXT}, "For 'object' type, property 'propertyNames' is not supported"),
    (closed(a={"type": "integer", "minimum": 1}), "For 'integer' type, property 'minimum' is not supported"),
    (
        closed(a={"type": "number", "minimum": 1, "maximum": 2}),
        "For 'number' type, properties maximum, minimum are not supported",
    ),
    (closed(a={**TEXT, "maxLength": 9}), "For 'string' type, property 'maxLength' is not supported"),
    (closed(a={"type": "array", "maxItems": 9}), "For 'array' type, property 'maxItems' is not supported"),
    (
        closed(a={"type": "array", "minItems": 2}),
        "For 'array' type, 'minItems' values other than 0 or 1 are not supported",
    ),
]


@pytest.mark.parametrize(("schema", "reason"), WRONG)
def test_a_schema_that_is_refused(schema: dict[str, Json], reason: str) -> None:
    with pytest.raises(AnthropicRequestProblem) as caught:
        check_strict("here", schema)
    assert str(caught.value) == f"here: {reason}"
