"""Schemas whose values are more work than the default budget allows, by name, with the limit that is exceeded."""

from __future__ import annotations

from typing import Any

BILLION = 1_000_000_000
VALUES, CHARACTERS = "10,000 values", "1,000,000 characters"
STEPS = "30,000 evaluations of subschemas"
BYTES, PATTERNS = "100,000 bytes of schema", "20,000 characters of patterns"


def member(schema: Any) -> dict[str, Any]:
    """Return an object with one required member of this schema."""
    return {"type": "object", "properties": {"a": schema}, "required": ["a"]}


def array(items: Any, count: int = 5_000, **more: Any) -> dict[str, Any]:
    """Return a required array of so many items."""
    return member({"type": "array", "items": items, "minItems": count, **more})


def chain(length: int) -> dict[str, Any]:
    """Return references of which each names the next one twice, so that 2^length ways lead to the last."""
    parts: dict[str, Any] = {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(length)}
    parts[f"a{length}"] = {"type": "object", "properties": {"b": {"$ref": "#/$defs/a0"}}}
    return {**member({"$ref": "#/$defs/a0"}), "$defs": parts}


def references(length: int) -> dict[str, Any]:
    """Return references of which each names the next one."""
    parts: dict[str, Any] = {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(length)}
    return {"$ref": "#/$defs/a0", "$defs": {**parts, f"a{length}": {"type": "string"}}}


def unevaluated(keyword: str, depth: int, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema within itself, of which each level evaluates the next one more than twice."""
    for _ in range(depth):
        schema = {"type": schema["type"], "anyOf": [schema], keyword: False}
    return schema


def nested(depth: int, inner: Any) -> Any:
    """Return arrays in arrays, deeper than can be written as JSON."""
    for _ in range(depth):
        inner = {"type": "array", "items": inner}
    return inner


LARGE: dict[str, tuple[Any, str]] = {
    "a chain of references": (references(40_000), BYTES),
    "an enum": (member({"enum": [f"v{n}" for n in range(400_000)]}), BYTES),
    "branches": (member({"anyOf": [{}] * 45_000}), BYTES),
    "exclusions": (
        member({"type": "string", "not": {"anyOf": [{"const": n} for n in range(40_000)]}}),
        BYTES,
    ),
    "a large part of a deep schema": (nested(300, {"enum": ["a" * 100_000]}), BYTES),
    "a pattern": (member({"type": "string", "pattern": "^" + "(a|b)" * 5_000}), PATTERNS),
    "many patterns": (member({"allOf": [{"pattern": f"^{n}"} for n in range(5_000)]}), PATTERNS),
    "names of patterns": (
        {"type": "object", "patternProperties": {f"^x{n}$": {} for n in range(3_500)}},
        PATTERNS,
    ),
}
"""Schemas that are too large to be read, by name, with the limit that is exceeded."""

HOSTILE: dict[str, tuple[Any, str]] = {
    "minItems": (member({"type": "array", "minItems": BILLION}), VALUES),
    "minItems as a text": (member({"type": "ARRAY", "minItems": str(BILLION)}), VALUES),
    "minItems as a float": (member({"type": "array", "minItems": 1e9}), VALUES),
    "nested minItems": (array(array(array({"type": "null"}, 50), 50), 50), VALUES),
    "uniqueItems": (array({"type": "integer"}, BILLION, uniqueItems=True), VALUES),
    "minContains": (
        member({"type": "array", "contains": {"type": "integer"}, "minContains": BILLION}),
        VALUES,
    ),
    "prefixItems": (member({"type": "array", "prefixItems": [True] * 10_500}), VALUES),
    "minProperties": (member({"type": "object", "minProperties": BILLION}), VALUES),
    "required": ({"type": "object", "required": [f"{n:x}" for n in range(10_500)]}, VALUES),
    "properties": ({"type": "object", "properties": {f"a{n}": True for n in range(20_000)}}, BYTES),
    "properties of properties": (
        {
            "$defs": {"p": {"type": "object", "properties": {f"b{n}": True for n in range(110)}}},
            "type": "object",
            "properties": {f"a{n}": {"$ref": "#/$defs/p"} for n in range(110)},
        },
        VALUES,
    ),
    "minLength": (member({"type": "string", "minLength": BILLION}), CHARACTERS),
    "minLength with a pattern": (
        member({"type": "string", "minLength": BILLION, "pattern": "a"}),
        CHARACTERS,
    ),
    "many long texts": (array({"type": "string", "minLength": 5_000}), CHARACTERS),
    "many long constants": (array({"const": "a" * 5_000}), CHARACTERS),
    "many long enum values": (array({"enum": ["a" * 5_000]}), CHARACTERS),
    "many long examples": (array({"type": "string", "examples": ["a" * 5_000]}), CHARACTERS),
    "many searches of an enum": (array({"enum": list(range(5_000))}), CHARACTERS),
    "many long descriptions": (array({"type": "string", "description": "example:" * 600}), CHARACTERS),
    "many long member names": (array({"type": "object", "required": ["a" * 5_000]}), CHARACTERS),
    "a pattern with a large repeat": (member({"type": "string", "pattern": "^a{20000}$"}), CHARACTERS),
    "a pattern with nested repeats": (
        member({"type": "string", "pattern": "^(a{1,32000}){2,32000}$"}),
        CHARACTERS,
    ),
    "many patterns": (
        {"properties": {f"a{n}": {"pattern": f"^a{{1,{1000 + n}}}$"} for n in range(1_000)}},
        CHARACTERS,
    ),
    "a pattern that only others can read": (
        member({"type": "string", "pattern": r"\cJ(a{1,1000}){1000}"}),
        CHARACTERS,
    ),
    "a pattern that is slow to match": (
        member({"type": "string", "pattern": "^(a{1,1000}){1,30}$", "minLength": 9_000}),
        CHARACTERS,
    ),
    "a pattern with ambiguous repeats": (
        member({"type": "string", "pattern": r"^(\w{1,500}){50}$", "minLength": 100}),
        CHARACTERS,
    ),
    "a pattern with many alternatives": (
        member({"type": "string", "pattern": "^(a+)+b{1000}(x|y){5000}$"}),
        CHARACTERS,
    ),
    "a name matched with a slow pattern": (
        {"type": "object", "patternProperties": {r"^(\w{1,100}){20}$": {}}, "required": ["a" * 2_000]},
        CHARACTERS,
    ),
    "patterns that are compiled with each part": (
        {
            "$defs": {"a": {"pattern": "^b{500}$"}},
            "properties": {f"a{n}": {"const": n} for n in range(1_000)},
            "required": [f"a{n}" for n in range(1_000)],
        },
        CHARACTERS,
    ),
    "pattern properties": (
        {
            "type": "object",
            "patternProperties": {f"^x{n}": {} for n in range(3_000)},
            "required": [f"a{n}" for n in range(1_000)],
        },
        CHARACTERS,
    ),
    "references": (chain(60), CHARACTERS),
    "references to itself": ({"type": "object", "allOf": [{"$ref": "#"}] * 150}, STEPS),
    "nested unevaluated properties": (
        unevaluated("unevaluatedProperties", 18, member({"type": "integer"})),
        STEPS,
    ),
    "nested unevaluated items": (
        member(unevaluated("unevaluatedItems", 18, {"type": "array", "items": {}, "minItems": 1})),
        STEPS,
    ),
    "an enum merged with another": (
        member({"allOf": [{"enum": list(range(3_000))}, {"enum": list(range(3_000))}]}),
        CHARACTERS,
    ),
}
