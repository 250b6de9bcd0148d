"""Validation of values against schemas that lead to the same part by many paths."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import jsonschema_rs
import pytest

from mockllm.core.budget import Budget, BudgetExceeded
from mockllm.core.json import schema_references
from mockllm.core.json.codec import MISSING, Json
from mockllm.core.json.schema import ValidationTooLong, validator
from mockllm.core.json.schema_keywords import place_of
from mockllm.core.json.schema_work import MAX_STEPS, SchemaWork
from mockllm.core.matching.conditions import ValidBySchema
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
    assert not ValidBySchema(schema).matches("x")
    assert ValidBySchema(schema).difference("x") == "it is not validated: that takes more than 100,000 steps"


def test_few_paths_are_evaluated() -> None:
    assert validator(doubled("allOf", 6)).matches("x")
    assert not validator(doubled("allOf", 6)).matches(1)
    assert ValidBySchema(doubled("allOf", 3)).difference(1) == '1 is not of type "string"'


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


@pytest.mark.parametrize(
    ("draft", "part", "reference"),
    [
        ("2020-12/schema", {"$id": "urn:b"}, "urn:b"),
        ("2020-12/schema", {"$id": "urn:b"}, "#/$defs/x"),
        ("2020-12/schema", {"$id": "https://a.test/b/c.json"}, "../b/c.json#/$defs/x"),
        ("2020-12/schema", {"$id": "https://a.test/b/"}, "https://a.test/b/?#/$defs/x"),
        ("2020-12/schema", {"$id": "urn:b"}, "json-schema:///#/$defs/b"),
        ("2019-09/schema", {"$id": "urn:b", "$recursiveAnchor": True}, "#"),
        ("draft-07/schema#", {"$id": "#b"}, "#b"),
        ("draft-04/schema#", {"id": "urn:b"}, "urn:b"),
    ],
)
def test_reference_into_part_with_id_is_followed(draft: str, part: dict[str, Json], reference: str) -> None:
    wide: Json = {"anyOf": [STRING] * 20_000}
    keyword = "$recursiveRef" if reference == "#" else "$ref"
    schema: Json = {
        "$schema": f"https://json-schema.org/{draft}",
        "$defs": {"b": {**part, "$defs": {"x": wide}, **wide}},
        "properties": {"a": {keyword: reference}},
    }
    assert not is_at_most(schema, {"a": 1})
    assert is_at_most(schema, {"b": 1})


@pytest.mark.parametrize("decoy", [{"$anchor": "b"}, {"$id": "urn:b"}], ids=str)
def test_decoy_in_const_hides_no_target(decoy: dict[str, Json]) -> None:
    target: Json = {**decoy, "anyOf": [STRING] * 20_000}
    reference: Json = {"$ref": "#b" if "$anchor" in decoy else "urn:b"}
    assert not is_at_most({"const": decoy, "$defs": {"b": target}, **reference}, 1)
    assert not is_at_most({"$defs": {"b": target}, "const": decoy, **reference}, 1)


def test_ids_in_examples_of_new_drafts_are_none() -> None:
    schema: Json = {
        "examples": [{"id": f"urn:{n}"} for n in range(17)],
        "$ref": "#/$defs/a",
        "$defs": {"a": {}},
    }
    assert is_at_most(schema, 1)


def test_references_among_many_parts_with_ids_are_refused() -> None:
    def with_ids(count: int) -> Json:
        return {
            "$defs": {f"a{n}": {"$id": f"urn:{n}"} for n in range(count)},
            "allOf": [{"$ref": "urn:0"}] * 600,
        }

    assert is_at_most(with_ids(16), 1)
    assert not is_at_most(with_ids(17), 1)
    assert validator({"$defs": {f"a{n}": {"$id": f"urn:{n}"} for n in range(17)}}).matches(1)


@pytest.mark.parametrize("number", ["+0", "00", "0"])
def test_number_in_reference_is_read_as_by_validator(number: str) -> None:
    wide: Json = {"anyOf": [STRING] * 20_000}
    schema: Json = {"$defs": {"x": [wide]}, "properties": {"a": {"$ref": f"#/$defs/x/{number}"}}}
    assert not is_at_most(schema, {"a": 1})


@pytest.mark.parametrize("number", ["+", "", "-0", "1", "9" * 5_000, "\u0660"], ids=ascii)
def test_wrong_number_in_reference_leads_nowhere(number: str) -> None:
    assert place_of([STRING], [number]) is MISSING


def test_long_reference_is_resolved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved: list[str] = []

    def names_of(pointer: str) -> list[str]:
        resolved.append(pointer)
        return ["$defs", "x"]

    monkeypatch.setattr(schema_references, "pointer_names", names_of)
    schema: Json = {"$defs": {"x": {}}, "allOf": [{"$ref": "#/$defs/%78"}] * 600}
    work = SchemaWork(schema)
    assert work.is_at_most(MAX_STEPS, 1)
    assert work.is_at_most(MAX_STEPS, 2)
    assert resolved == ["/$defs/%78"]


def test_circle_of_many_references_is_refused() -> None:
    """The library goes round such a circle three times."""
    assert not is_at_most({"allOf": [{"$ref": "#"}] * 1_000}, 1)


def nested(levels: int, keyword: str, combine: Callable[[Json], dict[str, Json]]) -> Json:
    schema: Json = {"properties": {"a": STRING}}
    for _ in range(levels):
        schema = {**combine(schema), keyword: False}
    return schema


COMBINED: dict[str, Callable[[Json], dict[str, Json]]] = {
    "allOf": lambda schema: {"allOf": [schema]},
    "anyOf": lambda schema: {"anyOf": [schema]},
    "oneOf": lambda schema: {"oneOf": [schema]},
    "if": lambda schema: {"if": schema},
}


@pytest.mark.parametrize("combine", COMBINED.values(), ids=COMBINED)
@pytest.mark.parametrize(
    ("keyword", "value"), [("unevaluatedProperties", {"a": "x"}), ("unevaluatedItems", ["x"])]
)
def test_nested_unevaluated_parts_are_refused(
    keyword: str, value: Json, combine: Callable[[Json], dict[str, Json]]
) -> None:
    schema = nested(18, keyword, combine)
    with pytest.raises(ValidationTooLong):
        validator(schema).matches(value)
    assert validator(nested(4, keyword, combine)).matches(value) is (keyword == "unevaluatedProperties")


@pytest.mark.parametrize(
    ("schema", "value", "steps"),
    [
        ({"anyOf": [STRING], "unevaluatedProperties": False}, {}, 5),
        ({"anyOf": [STRING], "unevaluatedProperties": True}, {}, 2),
        ({"anyOf": [STRING], "unevaluatedProperties": False}, [], 2),
        ({"anyOf": [STRING], "unevaluatedProperties": False, "unevaluatedItems": False}, "x", 2),
        ({"then": STRING, "dependentSchemas": {"a": STRING}, "unevaluatedItems": STRING}, [], 6),
        ({"properties": {"a": STRING}, "unevaluatedProperties": STRING}, {"a": 1}, 5),
        ({"patternProperties": {"a": STRING}, "unevaluatedProperties": False}, {"x": 1, "y": 1}, 6),
        ({"contains": STRING, "items": STRING, "unevaluatedItems": False}, [1], 5),
        ({"unevaluatedItems": False}, [1] * 32, 4),
        ({"not": STRING, "unevaluatedItems": False}, [], 3),
    ],
)
def test_marking_is_counted(schema: Json, value: Json, steps: int) -> None:
    assert is_at_most(schema, value, most=steps)
    assert not is_at_most(schema, value, most=steps - 1)


@pytest.mark.parametrize("keyword", ["unevaluatedProperties", "unevaluatedItems"])
def test_schema_that_unfolds_much_is_refused_uncompiled(
    keyword: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(jsonschema_rs, "validator_for")
    schema: Json = {**doubled("allOf", 40), keyword: False}
    with pytest.raises(ValidationTooLong, match="to more than 3,000 subschemas"):
        validator(schema)
    with pytest.raises(BudgetExceeded):
        generate(schema, Random(1))


def test_marked_subschemas_are_compiled_with_their_parts() -> None:
    wide: Json = {"properties": {f"p{n}": STRING for n in range(100)}}
    schema: Json = {**doubled("allOf", 4, {"additionalProperties": wide}), "unevaluatedProperties": False}
    assert SchemaWork(schema).compiles_in(3_000)
    assert not SchemaWork(schema).compiles_in(1_600)


def test_steps_of_all_validations_of_a_value_are_counted() -> None:
    budget = Budget(10)
    schema = doubled("allOf", 9)
    check = validator(schema)
    assert check.matches_within(budget, "x")
    assert 1_000 < budget.steps == 30_000 - budget.steps_left
    budget.add_steps(budget.steps_left - 1)
    with pytest.raises(
        BudgetExceeded, match=r"30,000 evaluations of subschemas to validate it .*--max-generated"
    ):
        check.matches_within(budget, "x")
    assert Budget(20_000).steps_left == 60_000


def test_wide_objects_without_references_are_generated() -> None:
    names = [f"p{n}" for n in range(520)]
    wide: Json = {
        "type": "object",
        "properties": {name: {"type": "integer"} for name in names},
        "required": names,
    }
    items = {**wide, "propertyNames": {"maxLength": 9}}
    generated = generate({"type": "array", "items": items, "minItems": 8, "maxItems": 8}, Random(1))
    assert (len(generated.value), generated.flaw) == (8, None)


def test_large_schema_without_references_is_counted_by_value() -> None:
    wide: Json = {"items": {"anyOf": [STRING] * 5_000}}
    assert is_at_most(wide, [1])
    assert not is_at_most(wide, [1, 2, 3])
