"""Generated values by case: each keyword, names and descriptions, and flaws."""

from __future__ import annotations

from random import Random
from typing import Any

import jsonschema_rs
import pytest

from mockllm.core.schema_values.generator import generate
from mockllm.core.schema_values.realistic import CITIES, PEOPLE, PRODUCTS
from mockllm.core.schema_values.strings import FORMATS
from tests.core.schema_values.schemas import FLAWED, VALID


@pytest.mark.parametrize("name", VALID)
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.covering
def test_generate_returns_valid_value(name: str, seed: int) -> None:
    schema = VALID[name]
    built = generate(schema, Random(seed))
    assert built.flaw is None
    if name not in ("bounds of older drafts", "a bound that is not exclusive", "an exclusive nothing"):
        assert jsonschema_rs.is_valid(schema, built.value)
    assert generate(schema, Random(seed)) == built


@pytest.mark.parametrize(
    ("schema", "fits"),
    [
        ({"type": "STRING", "enum": ["A"]}, lambda value: value == "A"),
        ({"type": "INTEGER", "nullable": True}, lambda value: isinstance(value, int)),
        ({"type": "STRING", "nullable": True, "enum": ["a", "b"]}, lambda value: value in ("a", "b")),
        ({"type": "STRING", "nullable": True, "enum": [None]}, lambda value: value is None),
        ({"type": "ARRAY", "items": {"type": "NUMBER"}, "minItems": "4"}, lambda value: len(value) == 4),
        ({"type": "TYPE_UNSPECIFIED"}, lambda value: isinstance(value, str)),
        (
            {"type": 6, "properties": {"a": {"type": 5, "items": {"type": 3}}}},
            lambda value: isinstance(value["a"][0], int),
        ),
        ({"type": "NULL", "nullable": True}, lambda value: value is None),
        (
            {
                "type": "OBJECT",
                "properties": {"a": {"type": "BOOLEAN"}, "b": {}},
                "propertyOrdering": ["b", 3, "q", "a"],
            },
            lambda value: list(value) == ["b", "a"],
        ),
        ({"$schema": "https://example.com/ours", "type": "integer"}, lambda value: isinstance(value, int)),
    ],
)
def test_generate_accepts_other_dialects_of_schema(schema: Any, fits: Any) -> None:
    built = generate(schema, Random(0))
    assert built.flaw is None
    assert fits(built.value), built.value


@pytest.mark.parametrize(
    "more",
    [
        {"patternProperties": {"^x-": {"type": "string"}}},
        {"patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": False},
        {"patternProperties": {"^x-[0-9]": {"type": "string"}}, "unevaluatedProperties": False},
        {"patternProperties": {"^[0-9]*-$": {"type": "string"}}, "additionalProperties": False},
        {"patternProperties": {"^x$": {"type": "string"}}},
        {"patternProperties": {"^x$": {"type": "string"}}, "maxProperties": 2, "additionalProperties": True},
    ],
)
@pytest.mark.parametrize("count", [2, 12])
def test_names_of_a_pattern_are_as_many_as_required(more: dict[str, Any], count: int) -> None:
    count = min(count, more.get("maxProperties", count))
    schema = {"type": "object", "minProperties": count, **more}
    for seed in range(10):
        built = generate(schema, Random(seed))
        assert built.flaw is None
        assert len(built.value) == count
        assert jsonschema_rs.is_valid(schema, built.value)


@pytest.mark.parametrize("closed", ["additionalProperties", "unevaluatedProperties"])
def test_object_with_too_few_names_has_a_flaw(closed: str) -> None:
    schema = {"type": "object", "minProperties": 2, "patternProperties": {"^x$": {}}, closed: False}
    assert generate(schema, Random(0)).flaw is not None


@pytest.mark.parametrize("names", [{"const": 5}, {"const": []}, {"const": {}}, {"enum": [None, 1, ["a"]]}])
def test_names_that_are_no_texts_are_a_flaw(names: dict[str, Any]) -> None:
    schema = {"type": "object", "minProperties": 1, "propertyNames": names}
    assert generate(schema, Random(0)).flaw is not None


def test_names_are_the_texts_of_an_enum() -> None:
    schema = {"type": "object", "minProperties": 1, "propertyNames": {"enum": [5, [], "a"]}}
    assert [*generate(schema, Random(0)).value] == ["a"]


@pytest.mark.parametrize("seed", [4, 7, 8, 9])
def test_schema_within_itself_may_leave_no_type(seed: int) -> None:
    within = {"type": "number", "$ref": "#"}
    built = generate({"type": "string", "dependentSchemas": {"x": within}}, Random(seed))
    assert isinstance(built.value, str)


# --- plausible -----------------------------------------------------------------------------------


def built_from(name: str, schema: dict[str, Any]) -> Any:
    built = generate({"type": "object", "properties": {name: schema}}, Random(1))
    assert built.flaw is None
    return built.value[name]


@pytest.mark.parametrize(
    ("name", "description", "among"),
    [
        ("city", None, CITIES),
        ("departureCity", None, CITIES),
        ("location", "City name", CITIES),
        ("location", "The city and state, e.g. San Francisco, CA", CITIES),
        ("location", None, CITIES),
        ("cities", "Cities to visit", None),
        ("name", None, PEOPLE),
        ("name", "Name of the city", CITIES),
        ("product_name", None, PRODUCTS),
        ("first_name", None, ("Alice", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Hugo")),
        ("unit", None, ("celsius", "fahrenheit")),
        ("value", "The currency to use", ("EUR", "USD", "GBP", "JPY")),
        ("shade", "such as 'mauve'", ("mauve",)),
        ("value", "A thing, e.g. lamp.", ("lamp",)),
        ("frobnicate", None, None),
    ],
)
def test_generate_text_by_name_and_description(name: str, description: str | None, among: Any) -> None:
    schema = {"type": "string"} if description is None else {"type": "string", "description": description}
    text = built_from(name, schema)
    assert text in among if among is not None else text


def test_example_of_more_than_101_characters_is_none() -> None:
    schema = {"type": "string", "description": f"such as {'x' * 102}."}
    assert "x" * 101 not in built_from("value", schema)
    assert built_from("value", {**schema, "description": f"such as {'x' * 101}."}) == "x" * 101


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("email", r"^\w+\.\w+@example\.com$"),
        ("phone_number", r"^\+1 555 "),
        ("websiteUrl", r"^https://"),
        ("startDate", r"^\d{4}-\d{2}-\d{2}$"),
        ("created_at", r"^\d{4}-\d{2}-\d{2}T"),
        ("start_time", r"^\d{2}:\d{2}$"),
        ("order_number", r"^[a-h]\d{4}$"),
        ("address", r"^\d+ "),
        ("flight_number", r"^[A-Z]{2}\d{3}$"),
        ("file_path", r"\.(txt|csv|md)$"),
        ("ip", r"^192\.0\.2\."),
        ("uuid", r"^[0-9a-f-]{36}$"),
        ("description", r"\.$"),
        ("domain", r"example"),
    ],
)
def test_generate_text_in_form_of_name(name: str, pattern: str) -> None:
    assert jsonschema_rs.is_valid({"pattern": pattern}, built_from(name, {"type": "string"}))


@pytest.mark.parametrize(
    ("name", "kind", "low", "high"),
    [
        ("temperature", "number", -5, 30),
        ("price", "number", 5, 200),
        ("numberOfGuests", "integer", 1, 10),
        ("year", "integer", 2024, 2026),
        ("latitude", "number", 36, 59),
        ("whatever", "integer", 1, 100),
    ],
)
def test_generate_number_in_range_of_name(name: str, kind: str, low: float, high: float) -> None:
    assert low <= built_from(name, {"type": kind}) <= high


def test_generate_text_with_number_of_name() -> None:
    assert -5 <= float(built_from("temperature", {"type": "string"})) <= 30
    assert built_from("quantity", {"type": "string"}).isdecimal()


@pytest.mark.parametrize("form", FORMATS)
def test_generate_every_format(form: str) -> None:
    schema = {"type": "string", "format": form}
    for seed in range(20):
        text = generate(schema, Random(seed)).value
        assert jsonschema_rs.is_valid(schema, text, validate_formats=True)


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("email", r"@corp\.com$"),
        ("email", r"^[a-z]+@corp\.com$"),
        ("uri", r"\.pdf$"),
        ("uri", "^https://"),
        ("uri", "^ftp://"),
        ("hostname", r"\.internal$"),
        ("date", "^20[0-9]{2}-12-24$"),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_generate_format_with_pattern(form: str, pattern: str, seed: int) -> None:
    schema = {"type": "string", "format": form, "pattern": pattern}
    value = generate(schema, Random(seed)).value
    assert jsonschema_rs.is_valid(schema, value, validate_formats=True), value


def test_generate_pattern_overrides_format() -> None:
    assert generate({"type": "string", "format": "date", "pattern": "^soon$"}, Random(0)).value == "soon"


def test_generate_name_by_owner() -> None:
    product = {"type": "object", "properties": {"name": {"type": "string"}}}
    assert built_from("product", product)["name"] in PRODUCTS
    assert built_from("products", {"type": "array", "items": product})[0]["name"] in PRODUCTS


def test_generate_obeys_bounds_in_description() -> None:
    shown = "How many days.\n\n{maximum: 3, minimum: 2, length: 5, multipleOf: 0.5}"
    assert {built_from("days", {"type": "number", "description": shown}) for _ in range(9)} <= {2, 2.5, 3}
    assert (
        len(built_from("a", {"type": "array", "minItems": 1, "maxItems": 1, "description": "{minItems: 4}"}))
        == 1
    )


def test_generate_includes_optional_members() -> None:
    schema = {"properties": {"a": {"type": "string"}, "b": {"type": ["string", "null"]}}, "required": ["a"]}
    for seed in range(20):
        built = generate(schema, Random(seed)).value
        assert isinstance(built["a"], str)
        assert isinstance(built["b"], str)


def test_generate_uses_name_of_the_whole() -> None:
    assert generate({"type": "string"}, Random(0), "answer", "The city").value.endswith(".")
    assert generate({"type": "string"}, Random(0), "value", "The city").value in CITIES


@pytest.mark.parametrize("id", ["Output Format", "#a b", "1:2", "%zz", 7, None])
def test_generate_ignores_id_that_is_no_uri(id: Any) -> None:
    parts = {"a": {"$ref": "#/$defs/n"}}
    schema = {
        "$id": id,
        "properties": parts,
        "required": ["a"],
        "$defs": {"n": {"$id": id, "type": "integer"}},
    }
    built = generate({"type": "object", **schema}, Random(0))
    assert (type(built.value["a"]), built.flaw) == (int, None)


def test_generate_differs_for_other_seeds() -> None:
    schema = {"properties": {"city": {"type": "string"}, "count": {"type": "integer"}}}
    assert len({str(generate(schema, Random(seed)).value) for seed in range(40)}) > 20


# --- what cannot be ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FLAWED)
def test_generate_unsatisfiable_schema_has_flaw(name: str) -> None:
    schema, flaw = FLAWED[name]
    built = generate(schema, Random(0))
    assert built.flaw is not None
    assert flaw in built.flaw


def test_generate_beyond_stack_has_flaw(monkeypatch: pytest.MonkeyPatch) -> None:
    def overflow(*_: object) -> None:
        raise RecursionError  # what coverage records of a real one varies

    monkeypatch.setattr("mockllm.core.schema_values.generator.normal_schema", overflow)
    assert generate({}, Random(0)).flaw == "the schema is nested too deep"


@pytest.mark.parametrize("more", [{"$defs": 1}, {"dependentSchemas": 1}, {"prefixItems": 1}])
def test_newer_keyword_of_another_type_is_no_error(more: dict[str, Any]) -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"a": {"type": "string", **more}},
        "required": ["a"],
        **more,
    }
    assert isinstance(generate(schema, Random(1)).value["a"], str)
