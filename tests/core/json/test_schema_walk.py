"""The places of a schema: all of them, in order, with the way there."""

from __future__ import annotations

from mockllm.core.json.codec import Json
from mockllm.core.json.schema_walk import places

TEXT: Json = {"type": "string"}


def test_each_place_stands_before_what_it_holds() -> None:
    inner: Json = {"properties": {"b": TEXT}, "$defs": {"c": {}}}
    schema: Json = {"anyOf": [TEXT, {}], "items": TEXT, "properties": {"a": inner}, "allOf": [{}]}
    assert [way for way, _ in places(schema)] == [
        (),
        ("properties", "a"),
        ("properties", "a", "properties", "b"),
        ("properties", "a", "$defs", "c"),
        ("items",),
        ("anyOf", "0"),
        ("anyOf", "1"),
        ("allOf", "0"),
    ]
    assert dict(places(schema))["properties", "a"] is inner


def test_what_is_no_schema_is_passed_over() -> None:
    schema: Json = {"properties": [TEXT], "items": True, "anyOf": TEXT, "definitions": {"a": 1, "b": TEXT}}
    assert [way for way, _ in places(schema)] == [(), ("definitions", "b")]


def test_it_may_be_as_deep_as_json() -> None:
    deep: Json = TEXT
    for _ in range(1_000):
        deep = {"items": deep}
    *_, (way, last) = places(deep)
    assert (len(way), last) == (1_000, TEXT)
