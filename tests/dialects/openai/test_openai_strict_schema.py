"""What is refused of the schemas in a request: of a function's parameters, and of an answer's form that is strict."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.dialects import azure
from mockllm.dialects.openai import CHAT, RESPONSES
from mockllm.dialects.openai.strict_schema import schema_error
from tests.compatible import vendor_dialect
from tests.dialects.openai.chat.chat_requests import chat
from tests.dialects.openai.chat.refusals import function, refused
from tests.dialects.openai.responses.responses_requests import responses

TEXT: Json = {"type": "string"}
CLOSED = "'additionalProperties' is required to be supplied and to be false."
ALL = "'required' is required to be supplied and to be an array including every key in properties. "


def closed(**properties: Json) -> dict[str, Json]:
    """An object that is closed and requires all of its properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


FINE: dict[str, dict[str, Json]] = {
    "no properties": {"type": "object", "additionalProperties": False},
    "nested": closed(a=closed(b=TEXT), c={"type": "array", "items": closed(d=TEXT)}),
    "nothing instead": closed(a={"type": ["string", "null"]}, b={"anyOf": [TEXT, {"type": "null"}]}),
    "bounds": closed(
        a={"type": "string", "format": "date-time"}, b={"type": "array", "items": TEXT, "minItems": 1}
    ),
    "itself again": {**closed(a={"$ref": "#"}, b={"$ref": "#/$defs/B"}), "$defs": {"B": closed(c=TEXT)}},
    "a word": closed(a={"enum": ["x"]}, b={"type": "string", "const": "y"}),
    "names that are keywords elsewhere": closed(oneOf=TEXT, format={"type": "boolean"}),
    "members of other types": {**closed(), "anyOf": {}, "$defs": [], "definitions": {"X": True}},
}


@pytest.mark.parametrize("name", FINE)
def test_a_strict_schema_that_is_fine(name: str) -> None:
    assert schema_error(FINE[name], strict=True) is None


WRONG: dict[str, tuple[dict[str, Json], str]] = {
    "open": ({"type": "object", "properties": {}}, f"In context=(), {CLOSED}"),
    "open in so many words": ({**closed(), "additionalProperties": True}, f"In context=(), {CLOSED}"),
    "not all required": (
        {**closed(location=TEXT, unit=TEXT), "required": ["location"]},
        f"In context=(), {ALL}Missing 'unit'.",
    ),
    "nothing required": (
        {"type": "object", "properties": {"a": TEXT}, "additionalProperties": False},
        f"In context=(), {ALL}Missing 'a'.",
    ),
    "open inside": (
        closed(steps={"type": "array", "items": {"type": "object", "properties": {"a": TEXT}}}),
        f"In context=('properties', 'steps', 'items'), {CLOSED}",
    ),
    "one of several that is open": (
        closed(a={"anyOf": [{"type": "null"}, {"type": "object"}]}),
        f"In context=('properties', 'a', 'anyOf', '1'), {CLOSED}",
    ),
    "an object or nothing": (
        closed(a={"type": ["object", "null"]}),
        f"In context=('properties', 'a'), {CLOSED}",
    ),
    "a definition that is open": (
        {**closed(a={"$ref": "#/$defs/A"}), "$defs": {"A": {"type": "object"}}},
        f"In context=('$defs', 'A'), {CLOSED}",
    ),
    "the first of two": (
        closed(b={}, a={}),
        "In context=('properties', 'b'), schema must have a 'type' key.",
    ),
    "one of": (closed(a={"oneOf": [TEXT]}), "In context=('properties', 'a'), 'oneOf' is not permitted."),
    "all of": ({**closed(), "allOf": [TEXT]}, "In context=(), 'allOf' is not permitted."),
    "an array of anything": (
        closed(a={"type": "array"}),
        "In context=('properties', 'a'), array schema missing items.",
    ),
    "an address": (
        closed(url={"type": "string", "format": "uri"}),
        "In context=('properties', 'url'), 'uri' is not a valid format.",
    ),
    "no object": (
        {"type": "array", "items": TEXT},
        "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"array\"'.",
    ),
    "no type": (
        {"anyOf": [closed()]},
        "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_strict_schema_that_is_refused(name: str) -> None:
    schema, reason = WRONG[name]
    assert schema_error(schema, strict=True) == reason


def test_only_the_root_of_a_loose_schema_is_looked_at() -> None:
    assert schema_error({"type": "object", "properties": {"a": {"oneOf": []}}}, strict=False) is None
    assert schema_error({"properties": {}}, strict=False) == WRONG["no type"][1]


OPEN: dict[str, Json] = {"type": "object", "properties": {"b": TEXT}}


def chats_form(schema: Json, *, strict: bool = True) -> Json:
    described = {"name": "n", "schema": schema, "strict": strict}
    return {"response_format": {"type": "json_schema", "json_schema": described}}


def responses_form(schema: Json, *, strict: bool = True) -> Json:
    return {"text": {"format": {"type": "json_schema", "name": "n", "schema": schema, "strict": strict}}}


def test_chats_form_is_refused_in_its_own_words() -> None:
    for call in (CHAT, azure.CHAT):
        told = refused(call.check(chat(**chats_form(OPEN))))
        assert told == (
            "response_format",
            None,
            f"Invalid schema for response_format 'n': In context=(), {CLOSED}",
        )
        assert call.check(chat(**chats_form(closed(b=TEXT)))) is None
        assert call.check(chat(**chats_form(OPEN, strict=False))) is None


def test_responses_form_is_refused_in_its_own_words() -> None:
    param, code, message = refused(RESPONSES.check(responses(**responses_form(OPEN))))
    assert (param, code) == ("text.format.schema", "invalid_json_schema")
    assert message == f"Invalid schema for response_format 'n': In context=(), {CLOSED}"
    assert RESPONSES.check(responses(**responses_form(closed(b=TEXT)))) is None
    assert RESPONSES.check(responses(**responses_form(OPEN, strict=False))) is None


def test_a_form_without_a_schema_has_nothing_to_be_refused() -> None:
    form: Json = {"type": "json_schema", "json_schema": {"name": "n", "strict": True}}
    assert CHAT.check(chat(response_format=form)) is None


@pytest.mark.parametrize("vendor", ["gemini", "mistral", "ollama", "openrouter", "together", "vllm", "xai"])
def test_vendors_that_take_any_schema_refuse_none(vendor: str) -> None:
    call = vendor_dialect(vendor, "chat")
    assert call.check(chat(**chats_form({"anyOf": [TEXT]}))) is None
    assert call.check(chat(**function(strict=True, parameters={"properties": {}}))) is None
    for tools in ("x", [{"type": "function"}]):
        assert call.check(chat(tools=tools)) is not None
