"""JSON Schemas: lazy import, no fetch, error messages, subschemas."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.json.schema import subschemas, validator

PERSON = {"type": "object", "properties": {"ages": {"items": {"type": "integer"}}}, "required": ["ages"]}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (PERSON, {"ages": [1, 2]}, True),
        (PERSON, {"ages": [1, "2"]}, False),
        (PERSON, {}, False),
        (True, None, True),
        (False, None, False),
        ({"type": "array"}, ("a tuple is an array",), True),
        ({"items": {"type": "string"}}, [object()], False),
    ],
)
def test_validator_matches_valid_values(schema: Json, value: Json, expected: bool) -> None:
    assert validator(schema).matches(value) is expected


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        (PERSON, {"ages": [1, "2"]}, 'ages[1]: "2" is not of type "integer"'),
        (PERSON, {}, '"ages" is a required property'),
        (PERSON, {"ages": []}, "valid"),
        ({"items": {"type": "string"}}, [object()], "Unsupported type: 'object'"),
    ],
)
def test_error_message_names_error_and_place(schema: Json, value: Json, message: str) -> None:
    assert validator(schema).error_message(value) == message


MESSAGE = {"role": "user", "content": "hello"}
WITH_ZIP: dict[str, Json] = {"type": "object", "required": ["role", "content", "zip"]}


def test_error_message_of_long_value_names_first_error() -> None:
    schema = {"type": "array", "items": WITH_ZIP}
    assert validator(schema).error_message([MESSAGE] * 4_000) == '[0]: "zip" is a required property'


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"anyOf": [{"items": WITH_ZIP}]}, [MESSAGE] * 1_000),
        ({"type": "object"}, [MESSAGE] * 30_000),
        ({"type": "object"}, [1] * 60_000),
    ],
    ids=["choices", "many members", "many items"],
)
def test_error_message_of_too_long_value_says_so(schema: Json, value: Json) -> None:
    assert validator(schema).error_message(value) == "it does not fit the schema; it is too long to say where"


def test_error_message_without_validation_says_so() -> None:
    schema = {"items": {"anyOf": [WITH_ZIP] * 600}}
    expected = "it is not validated: that takes more than 10,000 steps"
    assert validator(schema).error_message([MESSAGE] * 100) == expected


def test_validator_compiles_equal_schemas_once() -> None:
    assert validator({"type": "string", "minLength": 1}) is validator({"minLength": 1, "type": "string"})


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("string", "not a valid JSON Schema: it is an object, or true or false"),
        ({"type": "strng"}, 'not a valid JSON Schema: "strng" is not a type; the types are array, boolean'),
        ({"pattern": "("}, 'not a valid JSON Schema: "(" is not a "regex"'),
        ({"const": {1: 2}}, "not a valid JSON Schema: Dict key must be str"),
        ({"$ref": "#/nowhere"}, "not a valid JSON Schema: Pointer '/nowhere' does not exist"),
        ({"$ref": "https://example.com/a.json"}, "a remote $ref is not fetched (https://example.com/a.json)"),
    ],
)
def test_validator_of_invalid_schema_raises(schema: Json, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        validator(schema)
    assert message in str(caught.value)


def test_library_is_imported_with_first_schema() -> None:
    script = "import sys, mockllm.core.matching.conditions; sys.exit('jsonschema_rs' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


TEXT: Json = {"type": "string"}


def test_subschemas_come_after_their_parent() -> None:
    inner: Json = {"properties": {"b": TEXT}, "$defs": {"c": {}}}
    schema: Json = {"anyOf": [TEXT, {}], "items": TEXT, "properties": {"a": inner}, "allOf": [{}]}
    assert [path for path, _ in subschemas(schema)] == [
        (),
        ("properties", "a"),
        ("properties", "a", "properties", "b"),
        ("properties", "a", "$defs", "c"),
        ("items",),
        ("anyOf", "0"),
        ("anyOf", "1"),
        ("allOf", "0"),
    ]
    assert dict(subschemas(schema))["properties", "a"] is inner


def test_subschemas_leave_out_other_values() -> None:
    schema: Json = {"properties": [TEXT], "items": True, "anyOf": TEXT, "definitions": {"a": 1, "b": TEXT}}
    assert [path for path, _ in subschemas(schema)] == [(), ("definitions", "b")]


def test_subschemas_of_deep_schema() -> None:
    deep: Json = TEXT
    for _ in range(1_000):
        deep = {"items": deep}
    *_, (path, last) = subschemas(deep)
    assert (len(path), last) == (1_000, TEXT)
