"""Refusals of the schemas in a request: of a function's parameters, and of a strict response format."""

from __future__ import annotations

import pytest

from mockllm.core.display import MAX_LENGTH
from mockllm.core.json.codec import Json
from mockllm.dialects.azure import provider as azure
from mockllm.dialects.openai.chat.dialect import CHAT
from mockllm.dialects.openai.responses.dialect import RESPONSES
from mockllm.dialects.openai.strict_schema import schema_error
from tests.compatible import vendor_dialect
from tests.dialects.openai.chat.chat_requests import chat
from tests.dialects.openai.chat.refusals import function, refusal_tuple
from tests.dialects.openai.responses.responses_requests import responses

TEXT: Json = {"type": "string"}
CLOSED = "'additionalProperties' is required to be supplied and to be false."
ALL = "'required' is required to be supplied and to be an array including every key in properties. "


def closed_object(**properties: Json) -> dict[str, Json]:
    """An object that is closed and requires all of its properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


FINE: dict[str, dict[str, Json]] = {
    "no properties": {"type": "object", "additionalProperties": False},
    "nested": closed_object(a=closed_object(b=TEXT), c={"type": "array", "items": closed_object(d=TEXT)}),
    "nothing instead": closed_object(a={"type": ["string", "null"]}, b={"anyOf": [TEXT, {"type": "null"}]}),
    "bounds": closed_object(
        a={"type": "string", "format": "date-time"}, b={"type": "array", "items": TEXT, "minItems": 1}
    ),
    "formats of numbers": closed_object(
        a={"type": "integer", "format": "int64"}, b={"type": ["number", "null"], "format": "double"}
    ),
    "itself again": {
        **closed_object(a={"$ref": "#"}, b={"$ref": "#/$defs/B"}),
        "$defs": {"B": closed_object(c=TEXT)},
    },
    "a word": closed_object(a={"enum": ["x"]}, b={"type": "string", "const": "y"}),
    "names that are keywords elsewhere": closed_object(oneOf=TEXT, format={"type": "boolean"}),
    "members of other types": {**closed_object(), "anyOf": {}, "$defs": [], "definitions": {"X": True}},
}


@pytest.mark.parametrize("name", FINE)
def test_strict_schema_check_accepts_valid_schema(name: str) -> None:
    assert schema_error(FINE[name], strict=True) is None


WRONG: dict[str, tuple[dict[str, Json], str]] = {
    "open": ({"type": "object", "properties": {}}, f"In context=(), {CLOSED}"),
    "open in so many words": ({**closed_object(), "additionalProperties": True}, f"In context=(), {CLOSED}"),
    "not all required": (
        {**closed_object(location=TEXT, unit=TEXT), "required": ["location"]},
        f"In context=(), {ALL}Missing 'unit'.",
    ),
    "a long type": (
        {"type": "x" * 1000},
        f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{'x' * (MAX_LENGTH - 1)}…\"'.",
    ),
    "required names of other types": (
        {**closed_object(a=TEXT), "required": [{}, "b"]},
        f"In context=(), {ALL}Missing 'a'.",
    ),
    "nothing required": (
        {"type": "object", "properties": {"a": TEXT}, "additionalProperties": False},
        f"In context=(), {ALL}Missing 'a'.",
    ),
    "open inside": (
        closed_object(steps={"type": "array", "items": {"type": "object", "properties": {"a": TEXT}}}),
        f"In context=('properties', 'steps', 'items'), {CLOSED}",
    ),
    "one of several that is open": (
        closed_object(a={"anyOf": [{"type": "null"}, {"type": "object"}]}),
        f"In context=('properties', 'a', 'anyOf', '1'), {CLOSED}",
    ),
    "an object or nothing": (
        closed_object(a={"type": ["object", "null"]}),
        f"In context=('properties', 'a'), {CLOSED}",
    ),
    "a definition that is open": (
        {**closed_object(a={"$ref": "#/$defs/A"}), "$defs": {"A": {"type": "object"}}},
        f"In context=('$defs', 'A'), {CLOSED}",
    ),
    "the first of two": (
        closed_object(b={}, a={}),
        "In context=('properties', 'b'), schema must have a 'type' key.",
    ),
    "one of": (
        closed_object(a={"oneOf": [TEXT]}),
        "In context=('properties', 'a'), 'oneOf' is not permitted.",
    ),
    "all of": ({**closed_object(), "allOf": [TEXT]}, "In context=(), 'allOf' is not permitted."),
    "an array of anything": (
        closed_object(a={"type": "array"}),
        "In context=('properties', 'a'), array schema missing items.",
    ),
    "an address": (
        closed_object(url={"type": "string", "format": "uri"}),
        "In context=('properties', 'url'), 'uri' is not a valid format.",
    ),
    "no object": (
        {"type": "array", "items": TEXT},
        "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"array\"'.",
    ),
    "no type": (
        {"anyOf": [closed_object()]},
        "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_strict_schema_check_on_invalid_schema_returns_reason(name: str) -> None:
    schema, reason = WRONG[name]
    assert schema_error(schema, strict=True) == reason


def test_non_strict_schema_may_have_any_keywords() -> None:
    assert schema_error({"type": "object", "properties": {"a": {"oneOf": []}}}, strict=False) is None
    assert schema_error({"properties": {}}, strict=False) == WRONG["no type"][1]


OPEN: dict[str, Json] = {"type": "object", "properties": {"b": TEXT}}


def chat_format(schema: Json, *, strict: bool = True) -> Json:
    described = {"name": "n", "schema": schema, "strict": strict}
    return {"response_format": {"type": "json_schema", "json_schema": described}}


def responses_format(schema: Json, *, strict: bool = True) -> Json:
    return {"text": {"format": {"type": "json_schema", "name": "n", "schema": schema, "strict": strict}}}


def test_chat_format_refusal_has_chats_wording() -> None:
    for call in (CHAT, azure.CHAT):
        reported = refusal_tuple(call.check(chat(**chat_format(OPEN))))
        assert reported == (
            "response_format",
            None,
            f"Invalid schema for response_format 'n': In context=(), {CLOSED}",
        )
        assert call.check(chat(**chat_format(closed_object(b=TEXT)))) is None
        assert call.check(chat(**chat_format(OPEN, strict=False))) is None


def test_responses_format_refusal_has_its_wording() -> None:
    param, code, message = refusal_tuple(RESPONSES.check(responses(**responses_format(OPEN))))
    assert (param, code) == ("text.format.schema", "invalid_json_schema")
    assert message == f"Invalid schema for response_format 'n': In context=(), {CLOSED}"
    assert RESPONSES.check(responses(**responses_format(closed_object(b=TEXT)))) is None
    assert RESPONSES.check(responses(**responses_format(OPEN, strict=False))) is None


def test_format_without_schema_passes_the_check() -> None:
    form: Json = {"type": "json_schema", "json_schema": {"name": "n", "strict": True}}
    assert CHAT.check(chat(response_format=form)) is None


@pytest.mark.parametrize("vendor", ["gemini", "mistral", "ollama", "openrouter", "together", "vllm", "xai"])
def test_vendors_of_any_schema_accept_an_open_one(vendor: str) -> None:
    call = vendor_dialect(vendor, "chat")
    assert call.check(chat(**chat_format({"anyOf": [TEXT]}))) is None
    assert call.check(chat(**function(strict=True, parameters={"properties": {}}))) is None
    for tools in ("x", [{"type": "function"}]):
        assert call.check(chat(tools=tools)) is not None
