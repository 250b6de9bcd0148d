"""The JSON that an instruction requests: its keys, an example, or a schema in the text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockllm.core.schema_values.instructed_schema import instructed_schema

TEXT = {"type": "string"}


def keyed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ("Tell me a joke. Return JSON with 'setup' and 'punchline' keys.", keyed(setup=TEXT, punchline=TEXT)),
        ("Reply in JSON. Use the keys `name` and `age`.", keyed(name=TEXT, age={"type": "integer"})),
        ("A JSON object with the fields name, price and city", keyed(name=TEXT, price={"type": "number"}, city=TEXT)),
        ("JSON, please, with keys: a, or b", keyed(a=TEXT, b=TEXT)),
        ("Is 'JSON' good?", None),
        ("Return 'a' and 'b' as text", None),
        ("Reply in JSON.", None),
        ('JSON like {"n": 1, "x": 1.5, "ok": true, "t": "..", "l": ["a"], "e": [], "z": null}', keyed(
            n={"type": "integer"}, x={"type": "number"}, ok={"type": "boolean"}, t=TEXT,
            l={"type": "array", "items": TEXT}, e={"type": "array", "items": TEXT}, z={},
        )),
        ('JSON: {"n": "<number>", "i": "int", "b": "boolean", "c": "low | high", "d": "|"}', keyed(
            n={"type": "number"}, i={"type": "integer"}, b={"type": "boolean"}, c={"enum": ["low", "high"]}, d=TEXT,
        )),
        ('As JSON {x} {"a": 1} or {"b": {"c": "d"}}', keyed(b=keyed(c=TEXT))),
        ('JSON {"properties": {"a": {"type": "null"}}} and {"foo": 1} {}', {"properties": {"a": {"type": "null"}}}),
        ('JSON {"properties": {"foo": ["bar"]}}', keyed(properties=keyed(foo={"type": "array", "items": TEXT}))),
        ("JSON " + "{" * 5_000, None),
        ("JSON " + '{"a":' * 7 + "1" + "}" * 7, keyed(a=keyed(a=keyed(a=keyed(a=keyed(a=keyed(a={}))))))),
        ("JSON " + "{} " * 20 + '{"a": 1}', keyed(a=TEXT)),
    ],
)  # fmt: skip
def test_instruction_names_a_schema(text: str, schema: Any) -> None:
    assert instructed_schema(text) == schema


@pytest.mark.parametrize(
    ("question", "schema"),
    [
        ("Book 3 seats to Paris", {"type": "integer"}),
        ("book 3 SEATS", {"type": "integer"}),
        ("Book three seats", TEXT),
        ("Row 1.3 seats you", TEXT),
        ("3 seatsful", TEXT),
        ("", TEXT),
    ],
)
def test_key_that_counts_in_the_question_is_a_number(question: str, schema: Any) -> None:
    assert instructed_schema("Reply as JSON with the key 'seats'.", question) == keyed(seats=schema)


@given(st.text(alphabet="{}[]\":, a1json'", max_size=300))
def test_any_instruction_is_read(text: str) -> None:
    found = instructed_schema(f"json {text}")
    assert found is None or isinstance(found, dict)
