"""Validation of values against schemas whose references lead to the same part by many paths."""

from __future__ import annotations

from random import Random

import pytest

from mockllm.core.budget import BudgetExceeded
from mockllm.core.json.codec import Json
from mockllm.core.json.schema import ValidationTooLong, validator
from mockllm.core.json.schema_work import MAX_STEPS, SchemaWork
from mockllm.core.matching.conditions import Schema
from mockllm.core.schema_values.generator import generate

STRING: Json = {"type": "string"}


def doubled(keyword: str, levels: int, leaf: Json = STRING) -> Json:
    """A schema whose evaluation takes two to the power of `levels` steps."""
    parts: dict[str, Json] = {f"a{n}": {keyword: [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(levels)}
    return {"$defs": {**parts, f"a{levels}": leaf}, "$ref": "#/$defs/a0"}


def is_at_most(schema: Json, value: Json, most: int = MAX_STEPS) -> bool:
    return SchemaWork(schema).is_at_most(most, value)


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
def test_schema_of_many_paths_is_refused_before_it_is_evaluated(keyword: str) -> None:
    schema = doubled(keyword, 40)
    with pytest.raises(ValidationTooLong, match="more than 10,000 steps"):
        validator(schema).matches("x")
    with pytest.raises(BudgetExceeded):
        generate(schema, Random(1))
    assert not Schema(schema).matches("x")
    assert "too long to explain" in (Schema(schema).difference("x") or "")


def test_few_paths_are_evaluated() -> None:
    assert validator(doubled("allOf", 6)).matches("x")
    assert not validator(doubled("allOf", 6)).matches(1)
    assert Schema(doubled("allOf", 3)).difference(1) == '1 is not of type "string"'


def test_paths_through_members_of_a_recursive_schema_are_counted() -> None:
    inner: Json = {"properties": {"a": {"$ref": "#"}}}
    schema: Json = {"allOf": [inner, inner]}
    value: Json = 1
    for _ in range(30):
        value = {"a": value}
    assert not is_at_most(schema, value)
    assert is_at_most(schema, {"a": {"a": 1}})


def test_recursive_schema_with_one_path_bears_large_values() -> None:
    tree: Json = {"type": "object", "properties": {"children": {"items": {"$ref": "#"}}}}
    value: Json = {"children": [{"children": []} for _ in range(1_000)]}
    assert is_at_most(tree, value)
    assert validator(tree).matches(value)


def test_circle_of_references_ends() -> None:
    assert is_at_most({"$ref": "#"}, 1)
    assert is_at_most(
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, 1
    )


def test_long_chain_of_references_is_refused() -> None:
    parts: dict[str, Json] = {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(1_000)}
    assert not is_at_most({"$defs": {**parts, "a1000": STRING}, "$ref": "#/$defs/a0"}, "x")


@pytest.mark.parametrize(
    "reference", ["#/$defs/x", "#name", "#dynamic", "#/allOf/0/~0x~1y", "#/allOf/0/%25"], ids=str
)
def test_reference_is_followed(reference: str) -> None:
    """Each form leads to a part of many items."""
    wide: Json = {"anyOf": [STRING] * 20_000}
    target: Json = {"$anchor": "name", "$dynamicAnchor": "dynamic", **wide} if reference[1:2] != "/" else wide
    schema: Json = {
        "allOf": [{"~x/y": target if "~" in reference else 1, "%": target if "%" in reference else 1}],
        "$defs": {"x": target},
        "properties": {"a": {"$ref": reference}},
    }
    assert not is_at_most(schema, {"a": 1})
    assert is_at_most(schema, {"b": 1})


@pytest.mark.parametrize(
    "reference", [1, "#/allOf/7", "#/allOf/x", "#/allOf/0/type/y", "#/nowhere", "urn:other"], ids=str
)
def test_reference_to_nothing_is_one_step(reference: Json) -> None:
    assert is_at_most({"allOf": [STRING, {"$ref": reference}]}, "x", most=4)
    assert not is_at_most({"allOf": [STRING, {"$ref": reference}]}, "x", most=3)


@pytest.mark.parametrize(
    ("schema", "value", "steps"),
    [
        (True, 1, 1),
        ({"not": STRING, "if": STRING, "then": STRING, "else": STRING}, "x", 5),
        ({"dependentSchemas": {"a": STRING}, "dependencies": {"b": STRING}}, {}, 3),
        ({"dependentSchemas": [STRING], "allOf": STRING}, {}, 1),
        ({"properties": {"a": STRING, "b": STRING}}, {"a": 1, "c": 1}, 2),
        ({"properties": [STRING], "patternProperties": 1}, {"a": 1}, 1),
        ({"patternProperties": {"a": STRING, "b": STRING}}, {"x": 1, "y": 1}, 5),
        ({"additionalProperties": STRING, "propertyNames": STRING}, {"x": 1}, 3),
        ({"items": STRING}, [1, 2, 3], 4),
        ({"items": [STRING, STRING], "additionalItems": STRING}, [1, 2, 3], 6),
        ({"prefixItems": [STRING], "contains": STRING}, [1, 2], 4),
        ({"prefixItems": STRING}, [1, 2], 1),
    ],
)
def test_evaluations_are_counted(schema: Json, value: Json, steps: int) -> None:
    assert is_at_most(schema, value, most=steps)
    assert not is_at_most(schema, value, most=steps - 1)


def test_schema_with_inner_ids_has_few_references() -> None:
    def with_references(count: int) -> Json:
        parts: dict[str, Json] = {f"a{n}": {"$ref": "x"} for n in range(count)}
        return {"$defs": {"b": {"$id": "urn:b"}, **parts}}

    assert is_at_most(with_references(16), 1)
    assert not is_at_most(with_references(17), 1)


def test_large_schema_without_references_is_counted_by_value() -> None:
    wide: Json = {"items": {"anyOf": [STRING] * 5_000}}
    assert is_at_most(wide, [1])
    assert not is_at_most(wide, [1, 2, 3])
