"""JSON Schema checks: lazily imported, nothing fetched, mistakes in words."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.json.schema_validator import validator

PERSON = {"type": "object", "properties": {"ages": {"items": {"type": "integer"}}}, "required": ["ages"]}


@pytest.mark.parametrize(
    ("schema", "value", "held"),
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
def test_holds(schema: Json, value: Json, held: bool) -> None:
    assert validator(schema).holds(value) is held


@pytest.mark.parametrize(
    ("schema", "value", "mistake"),
    [
        (PERSON, {"ages": [1, "2"]}, 'ages[1]: "2" is not of type "integer"'),
        (PERSON, {}, '"ages" is a required property'),
        (PERSON, {"ages": []}, "valid"),
        ({"items": {"type": "string"}}, [object()], "Unsupported type: 'object'"),
    ],
)
def test_the_mistake_says_what_is_wrong_and_where(schema: Json, value: Json, mistake: str) -> None:
    assert validator(schema).mistake(value) == mistake


def test_equal_schemas_are_compiled_once() -> None:
    assert validator({"type": "string", "minLength": 1}) is validator({"minLength": 1, "type": "string"})


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("string", "not a valid JSON Schema: it is an object, or true or false"),
        ({"type": "strng"}, 'not a valid JSON Schema: "strng" is not valid under any of the schemas'),
        ({"pattern": "("}, 'not a valid JSON Schema: "(" is not a "regex"'),
        ({"const": {1: 2}}, "not a valid JSON Schema: Dict key must be str"),
        ({"$ref": "#/nowhere"}, "not a valid JSON Schema: Pointer '/nowhere' does not exist"),
        ({"$ref": "https://example.com/a.json"}, "a remote $ref is not fetched (https://example.com/a.json)"),
    ],
)
def test_a_schema_that_is_none(schema: Json, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        validator(schema)
    assert message in str(caught.value)


def test_the_checker_is_not_imported_before_a_schema_is_used() -> None:
    script = "import sys, mockllm.core.matching.conditions; sys.exit('jsonschema_rs' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
