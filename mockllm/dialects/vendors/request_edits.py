"""Edits of vendors' requests into OpenAI's form that several vendors share. From recordings of 2026.

Only the check of a request uses this form; rules, journals and readers get the request as it was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from mockllm.core.json.codec import Json, JsonObject
from mockllm.core.json.typed_values import object_of

SCHEMA_MEMBERS: Final = ("parameters", "schema", "strict")


def without_schemas(body: JsonObject) -> JsonObject:
    """Return the request without its schemas, for vendors that accept any schema."""
    result = dict(body)
    if type(result.get("tools")) is list:
        result["tools"] = [_without_schema(tool, "function") for tool in result["tools"]]
    if result.get("response_format") is not None:
        result["response_format"] = _without_schema(result["response_format"], "json_schema")
    return result


def _without_schema(value: Json, name: str) -> Json:
    """Return the object without the schema of the member `name`."""
    member = object_of(value).get(name)
    if type(member) is not dict:
        return value
    return {**value, name: {key: value for key, value in member.items() if key not in SCHEMA_MEMBERS}}


def with_messages(body: JsonObject, edit: Callable[[JsonObject], Json]) -> JsonObject:
    """Return the request with each message edited."""
    messages = body.get("messages")
    if type(messages) is not list:
        return body
    return {**body, "messages": [edit(entry) if type(entry) is dict else entry for entry in messages]}


def with_texts_for(entry: JsonObject, own: Collection[str]) -> JsonObject:
    """Return a message whose parts of the vendor's own types are texts."""
    content = entry.get("content")
    if type(content) is not list:
        return entry
    parts = [
        {"type": "text", "text": ""} if type(part) is dict and part.get("type") in own else part
        for part in content
    ]
    return {**entry, "content": parts}


def with_schema_name(body: JsonObject) -> JsonObject:
    """Return a request whose schema has a name, which OpenAI requires."""
    wanted = object_of(body.get("response_format"))
    schema = wanted.get("json_schema")
    if type(schema) is not dict or schema.get("name", "") != "":
        return body
    return {**body, "response_format": {**wanted, "json_schema": {**schema, "name": "x"}}}
