"""Schemas by case: satisfiable and unsatisfiable ones."""

from __future__ import annotations

from typing import Any

TREE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                "parent": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
            },
            "required": ["name", "children", "parent"],
            "additionalProperties": False,
        }
    },
    "$ref": "#/$defs/node",
}
PET = {
    "oneOf": [
        {
            "type": "object",
            "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}},
            "required": ["kind"],
        },
        {
            "type": "object",
            "properties": {"kind": {"const": "dog"}, "tricks": {"type": "array"}},
            "required": ["kind"],
        },
    ]
}

VALID: dict[str, Any] = {
    "no schema at all": True,
    "an empty schema": {},
    "a reference": {"$ref": "#/$defs/a", "$defs": {"a": {"type": "integer", "minimum": 4}}},
    "a reference with more beside it": {
        "properties": {"a": {"$ref": "#/$defs/a", "maximum": 5}},
        "$defs": {"a": {"type": "integer", "minimum": 4}},
    },
    "a reference with escapes": {"$ref": "#/$defs/a~1b%20c", "$defs": {"a/b c": {"const": 1}}},
    "a reference into a list": {"$ref": "#/anyOf/1", "anyOf": [{"type": "string"}, {"const": 7}]},
    "a reference to an anchor": {
        "items": {"$ref": "#here"},
        "type": "array",
        "$defs": {"a": {"$anchor": "here", "const": 1}},
    },
    "a reference to the whole": {
        "properties": {"child": {"$ref": "#"}, "n": {"type": "integer"}},
        "required": ["n"],
    },
    "a dynamic reference": {
        "type": "array",
        "items": {"$dynamicRef": "#node"},
        "$defs": {"n": {"$dynamicAnchor": "node", "type": "integer"}},
    },
    "definitions of older drafts": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {"a": {"const": 1}},
        "$ref": "#/definitions/a",
    },
    "a reference to a neighbour": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"anyOf": [{"$ref": "#/properties/a"}]}},
    },
    "a reference by an id": {"$ref": "a.json", "$defs": {"a": {"$id": "a.json", "const": 1}}},
    "a reference into an id": {
        "$id": "https://example.com/x",
        "$ref": "https://example.com/x#/$defs/a",
        "$defs": {"a": {"const": 1}},
    },
    "a reference by an id that stands in a folder": {
        "$id": "https://example.com/schemas/order",
        "type": "object",
        "properties": {"a": {"$ref": "count"}, "b": {"$ref": "https://example.com/schemas/count"}},
        "required": ["a", "b"],
        "$defs": {"n": {"$id": "count", "type": "integer"}},
    },
    "a pattern for the beginning of a longer text": {"type": "string", "pattern": "^a", "minLength": 12},
    "a pattern for the end of a longer text": {"type": "string", "pattern": "z$", "minLength": 12},
    "a reference to a draft": {"$ref": "https://json-schema.org/draft/2020-12/schema"},
    "a circle without end": {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
    "a tree": TREE,
    "a tree that must have a child of its own": {**TREE, "properties": {"children": {"minItems": 2}}},
    "a circle that only null ends": {
        "type": ["object", "null"],
        "properties": {"a": {"$ref": "#"}},
        "required": ["a"],
    },
    "an expression of expressions": {
        "$defs": {
            "e": {
                "anyOf": [
                    {
                        "type": "object",
                        "properties": {"l": {"$ref": "#/$defs/e"}, "r": {"$ref": "#/$defs/e"}},
                        "required": ["l", "r"],
                    },
                    {"type": "number"},
                ]
            }
        },
        "$ref": "#/$defs/e",
    },
    "tagged branches": PET,
    "branches that overlap, of which one may hold": {
        "oneOf": [{"type": "integer"}, {"type": "number", "minimum": 50}]
    },
    "either the one or the other": {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
    },
    "one of them at least": {
        "properties": {"a": {"type": "string"}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
        "type": "object",
    },
    "a branch whose type fits": {
        "type": "string",
        "anyOf": [{"type": "integer"}, {"type": "string", "minLength": 40}, False],
    },
    "all of several": {
        "allOf": [{"minimum": 3}, {"type": "integer"}, {"maximum": 4}, {"exclusiveMinimum": 3}]
    },
    "all of several objects": {
        "allOf": [
            {
                "properties": {"a": {"type": "integer", "minimum": 5}, "b": {"type": "string"}},
                "required": ["a"],
            },
            {"properties": {"a": {"maximum": 6}}, "required": ["b"]},
        ],
        "type": "object",
    },
    "types in common": {"allOf": [{"type": ["number", "string"]}, {"type": ["integer", "null"]}]},
    "numbers that are whole": {"allOf": [{"type": "integer"}, {"type": "number"}]},
    "values in common": {"allOf": [{"enum": [1, 2, 3]}, {"enum": [3, 4]}]},
    "not a text": {"not": {"type": "string"}},
    "not one of these": {"type": "integer", "minimum": 1, "maximum": 3, "not": {"enum": [1, 3]}},
    "not together": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "not": {"required": ["a", "b"]},
    },
    "if and then": {
        "type": "object",
        "properties": {"country": {"enum": ["US", "NL"]}, "code": {"type": "string"}},
        "required": ["country", "code"],
        "if": {"properties": {"country": {"const": "US"}}},
        "then": {"properties": {"code": {"pattern": "^[0-9]{5}$"}}},
        "else": {"properties": {"code": {"pattern": "^[0-9]{4}[A-Z]{2}$"}}},
    },
    "one name brings another": {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "dependentRequired": {"a": ["b"], "z": ["y"]},
    },
    "one name brings a schema": {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "dependentSchemas": {"a": {"properties": {"b": {"type": "integer"}}, "required": ["b"]}, "z": False},
    },
    "dependencies of older drafts": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "required": ["a"],
        "dependencies": {
            "a": ["b"],
            "b": {"properties": {"b": {"const": 3}}},
            "q": {"required": ["nothing"]},
        },
    },
    "a map": {"type": "object", "additionalProperties": {"type": "integer"}},
    "a map of many": {"additionalProperties": {"type": "integer"}, "minProperties": 9},
    "a map with names of a form": {
        "propertyNames": {"pattern": "^[a-z]{4}$"},
        "minProperties": 2,
        "type": "object",
    },
    "names of a pattern": {
        "patternProperties": {"^x-": {"type": "integer"}},
        "additionalProperties": False,
        "required": ["x-a"],
    },
    "names of several patterns": {
        "patternProperties": {"^x-": {"type": "integer"}, "^y-": {"const": 1}},
        "required": ["y-a", "z"],
        "type": "object",
    },
    "names of a pattern, made": {
        "type": "object",
        "patternProperties": {"^x-[a-z]+$": {"type": "integer"}},
        "minProperties": 3,
    },
    "a required name that nothing describes": {"type": "object", "required": ["city"]},
    "few members": {"properties": {"a": {}, "b": {}, "c": {}}, "required": ["b"], "maxProperties": 2},
    "a member that may not be": {"properties": {"a": False, "b": {"type": "integer"}}},
    "nothing else than these": {"properties": {"a": {}}, "unevaluatedProperties": False, "type": "object"},
    "first these items, then others": {
        "prefixItems": [{"const": 1}, {"const": 2}],
        "items": {"const": 3},
        "minItems": 4,
    },
    "these items only": {"prefixItems": [{"const": 1}, {"const": 2}], "items": False},
    "these items of older drafts": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "items": [{"const": 1}],
        "additionalItems": {"const": 2},
        "minItems": 3,
    },
    "items that differ": {"items": {"enum": [1, 2, 3]}, "uniqueItems": True, "minItems": 3, "type": "array"},
    "items that differ, as many as there are": {
        "items": {"enum": [1]},
        "uniqueItems": True,
        "type": "array",
        "maxItems": 9,
    },
    "items among which one is": {
        "items": {"type": "integer"},
        "contains": {"minimum": 1000},
        "minContains": 2,
        "type": "array",
    },
    "a multiple": {"type": "integer", "multipleOf": 7, "minimum": 15},
    "a multiple of a part": {"type": "number", "multipleOf": 0.01, "minimum": 0.1, "maximum": 0.2},
    "a whole number of parts": {"type": "integer", "multipleOf": 0.4},
    "a multiple of both": {"allOf": [{"multipleOf": 4}, {"multipleOf": 6}], "type": "number"},
    "a multiple of both parts": {"allOf": [{"multipleOf": 0.5}, {"multipleOf": 0.75}], "type": "number"},
    "little room": {"type": "number", "exclusiveMinimum": 0.0001, "exclusiveMaximum": 0.0002},
    "far from nothing": {"type": "integer", "minimum": 10**12},
    "far below nothing": {"type": "number", "maximum": -(10**9)},
    "two bounds of a side": {"type": "integer", "minimum": 5, "exclusiveMinimum": 3, "maximum": 6},
    "bounds of older drafts": {
        "type": "integer",
        "minimum": 5,
        "exclusiveMinimum": True,
        "maximum": 7,
        "exclusiveMaximum": True,
    },
    "a bound that is not exclusive": {
        "type": "integer",
        "minimum": 5,
        "exclusiveMinimum": False,
        "maximum": 5,
    },
    "an exclusive nothing": {"type": "integer", "exclusiveMinimum": True},
    "a text of a length": {"type": "string", "minLength": 300, "maxLength": 300},
    "no text": {"type": "string", "maxLength": 0},
    "a pattern of a length": {"type": "string", "pattern": "^[a-z]+$", "minLength": 40, "maxLength": 40},
    "a format of a length": {"type": "string", "format": "email", "maxLength": 100},
    "a format and a pattern": {"type": "string", "format": "date", "pattern": "^2024"},
    "another pattern than the format": {"type": "string", "format": "date-time", "pattern": r"^\d{4}$"},
    "an unknown format": {"type": "string", "format": "colour-of-the-sky"},
    "a password": {"type": "string", "pattern": r"^(?=.*[A-Z])(?=.*\d)[A-Za-z\d]{8,}$"},
    "a pattern of other signs": {"type": "string", "pattern": r"^[^a-z]{3}\W\D\S\s[^\w]$"},
    "a pattern of nothing common": {"type": "string", "pattern": r"^[^\x00-\x7f]$"},
    "a pattern that repeats itself": {"type": "string", "pattern": r"^(?<q>['\"])\w+\1$"},
    "a pattern of scripts": {
        "type": "string",
        "pattern": r"^\p{Lu}\P{L}[\p{Ll}\p{Script=Greek}]+[\u4e00-\u9fff]$",
    },
    "a pattern of reluctance": {"type": "string", "pattern": r"^(?:ab|c)[^x]+?y++$"},
    "a pattern of anything": {"type": "string", "pattern": "^.{7}$"},
    "a pattern that must not be": {"type": "string", "pattern": r"^[^a]a*$"},
    "a list of types": {"type": ["integer", "string"]},
    "an enum with null": {"enum": [None, "a"], "type": ["string", "null"]},
    "an enum of null": {"enum": [None]},
    "an enum that its type narrows": {"enum": ["a", 1], "type": "integer"},
    "only null": {"anyOf": [{"const": None}, {"enum": [None]}, {"type": "null"}]},
    "examples": {"type": "string", "examples": ["Zanzibar", "Lima"]},
    "examples that do not fit": {"type": "integer", "examples": ["many", 2000], "maximum": 100},
    "a type that is guessed by its words": {"minimum": 3, "maximum": 4},
    "an array that is guessed by its words": {"items": {"const": 1}},
}


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return schema


FLAWED: dict[str, tuple[Any, str]] = {
    "no schema": (5, "it is an object, or true or false"),
    "a type that there is not": ({"type": "strnig"}, "not a valid JSON Schema"),
    "nothing is allowed": (False, "no valid value was found (False schema does not allow"),
    "bounds that cross": ({"type": "integer", "minimum": 5, "maximum": 4}, "no valid value was found"),
    "no number between": (
        {"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 5},
        "no valid value",
    ),
    "a length that cannot be": ({"type": "string", "minLength": 5, "maxLength": 4}, "no valid value"),
    "a pattern that nothing matches": ({"type": "string", "pattern": "^a(?!b)b$"}, "no valid value"),
    "a pattern that only others can read": ({"type": "string", "pattern": r"^\cJ$"}, "no valid value"),
    "more than differ": (
        {"type": "array", "minItems": 3, "uniqueItems": True, "items": {"type": "boolean"}},
        "no valid value",
    ),
    "more names than there are": (
        {"minProperties": 3, "propertyNames": {"enum": ["a", "b"]}, "type": "object"},
        "no valid value",
    ),
    "types that exclude each other": ({"allOf": [{"type": "string"}, {"type": "integer"}]}, "no valid value"),
    "a tree without leaves": (
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        "no valid value",
    ),
    "a reference to elsewhere": ({"$ref": "https://example.com/a.json"}, "not fetched"),
    "a reference within another document": (
        {
            "$ref": "a.json",
            "$defs": {"a": {"$id": "a.json", "$ref": "#/$defs/b", "$defs": {"b": {"const": 1}}}},
        },
        "no valid value",
    ),
    "no room at all": (
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1e-300},
        "no valid value",
    ),
    "an enum of another type": ({"type": "integer", "enum": ["a"]}, "no valid value"),
    "a reference to nothing": ({"properties": {"a": {"$ref": "#/$defs/b"}}}, "not a valid JSON Schema"),
    "a not of everything": ({"not": {}}, "no valid value was found"),
    "deeper than any": (deep(70), "no valid value"),
    "deeper than can be read": (deep(2000), "nested too deep"),
}
