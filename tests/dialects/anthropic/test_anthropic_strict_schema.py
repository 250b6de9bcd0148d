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
        {"$defs": {"A": {"anyOf": [{"$ref": "#/$defs/B"}, {"$ref": 3}]}, "B": TEXT}, "definitions": 3},
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


def reference(name: str, keyword: str = "$defs") -> Json:
    return closed_object(next={"anyOf": [{"$ref": f"#/{keyword}/{name}"}, {"type": "null"}]})


@pytest.mark.parametrize(
    ("schema", "circle"),
    [
        ({"$defs": {"Node": reference("Node")}}, "Node -> Node"),
        ({"$defs": {"A": reference("B"), "B": reference("C"), "C": reference("A")}}, "A -> B -> C -> A"),
        ({"definitions": {"Node": reference("Node", "definitions")}}, "Node -> Node"),
    ],
    ids=["itself", "three", "definitions"],
)
def test_definitions_in_a_circle_are_refused(schema: dict[str, Json], circle: str) -> None:
    with pytest.raises(AnthropicRequestProblem) as caught:
        check_strict("tools.0.custom", {**closed_object(), **schema})
    beginning = "tools.0.custom: Invalid schema: Circular reference detected in schema definitions: "
    message = str(caught.value).removeprefix(beginning)
    assert message.partition(". ")[0] in rotations(circle)


def rotations(circle: str) -> list[str]:
    """Return a circle from each of its names."""
    names = circle.split(" -> ")[:-1]
    return [" -> ".join([*names[at:], *names[: at + 1]]) for at in range(len(names))]
