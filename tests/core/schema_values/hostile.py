"""Schemas whose values are more work than the default budget allows, by name, with the limit that is exceeded."""

from __future__ import annotations

from typing import Any

BILLION = 1_000_000_000
VALUES, CHARACTERS = "10,000 values", "1,000,000 characters"


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
    "prefixItems": (member({"type": "array", "prefixItems": [{"type": "null"}] * 20_000}), VALUES),
    "minProperties": (member({"type": "object", "minProperties": BILLION}), VALUES),
    "required": ({"type": "object", "required": [f"a{n}" for n in range(20_000)]}, VALUES),
    "properties": ({"type": "object", "properties": {f"a{n}": True for n in range(20_000)}}, VALUES),
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
    "an enum merged with another": (
        member({"allOf": [{"enum": list(range(3_000))}, {"enum": list(range(3_000))}]}),
        CHARACTERS,
    ),
}
