"""Edits of vendors' requests into OpenAI's form, which the check of a request knows. From recordings of 2026."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, text_of

Object = dict[str, Json]

SCHEMA_MEMBERS: Final = ("parameters", "schema", "strict")


def without_schemas(body: Object) -> Object:
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


def _with_messages(body: Object, edit: Callable[[Object], Json]) -> Object:
    """Return the request with each message edited."""
    messages = body.get("messages")
    if type(messages) is not list:
        return body
    return {**body, "messages": [edit(entry) if type(entry) is dict else entry for entry in messages]}


def _with_parts(entry: Object, own: Collection[str]) -> Object:
    """Return a message whose parts of the vendor's own types are texts."""
    content = entry.get("content")
    if type(content) is not list:
        return entry
    parts = [
        {"type": "text", "text": ""} if type(part) is dict and part.get("type") in own else part
        for part in content
    ]
    return {**entry, "content": parts}


def groq_request(body: Object) -> Object:
    """Return OpenAI's form of a request to Groq: its own tiers, and an effort that the model chooses."""
    result = dict(body)
    if result.get("service_tier") in ("on_demand", "performance"):
        result["service_tier"] = "default"
    if result.get("reasoning_effort") == "default":
        result["reasoning_effort"] = "medium"
    return result


def cerebras_request(body: Object) -> Object:
    """Return OpenAI's form of a request to Cerebras: a schema with or without a name."""
    return _with_schema_name(body)


def together_request(body: Object) -> Object:
    """Return OpenAI's form of a request to Together: any schema, and videos as texts. A schema may be beside its
    type, and `logprobs` a number. A legacy choice of a function beside tools is left out."""
    result = without_schemas(body)
    if result.get("tools") and result.get("function_call") == "auto":
        del result["function_call"]
    if type(result.get("logprobs")) is int:
        del result["logprobs"]
    wanted = object_of(result.get("response_format"))
    if wanted.get("type") == "json_schema" and "schema" in wanted:
        result["response_format"] = {"type": "json_schema", "json_schema": {"name": "x"}}
    return _with_messages(result, lambda entry: _with_parts(entry, ("video_url",)))


def huggingface_request(body: Object) -> Object:
    """Return OpenAI's form of a request to Hugging Face: any schema, and a chosen function without a type."""
    result = without_schemas(body)
    choice = result.get("tool_choice")
    if type(choice) is dict and "type" not in choice and "function" in choice:
        result["tool_choice"] = {"type": "function", **choice}
    return result


PERPLEXITY_PARTS: Final = ("file_url", "pdf_url", "video_url")


def perplexity_request(body: Object) -> Object:
    """Return OpenAI's form of a request to Perplexity: any schema, with or without a name, and its own parts."""
    result = _with_schema_name(without_schemas(body))
    return _with_messages(result, lambda entry: _with_parts(entry, PERPLEXITY_PARTS))


def _with_schema_name(body: Object) -> Object:
    wanted = object_of(body.get("response_format"))
    schema = wanted.get("json_schema")
    if type(schema) is not dict or schema.get("name", "") != "":
        return body
    return {**body, "response_format": {**wanted, "json_schema": {**schema, "name": "x"}}}


OPENROUTER_TOOLS: Final = "openrouter:"
"""The prefix of the types of tools that OpenRouter itself executes."""


def openrouter_request(body: Object) -> Object:
    """Return OpenAI's form of a request to OpenRouter: any schema, without its own tools, and videos as texts. Of the
    kinds of output only OpenAI's stay: the call itself checks them all."""
    result = without_schemas(body)
    if type(result.get("modalities")) is list:
        result["modalities"] = [word for word in result["modalities"] if word in ("text", "audio")]
    if type(result.get("tools")) is list:
        tools = [tool for tool in result["tools"] if not _is_openrouter_tool(tool)]
        if result["tools"] and not tools:
            result = {name: value for name, value in result.items() if name not in ("tools", "tool_choice")}
        else:
            result["tools"] = tools
    return _with_messages(result, lambda entry: _with_parts(entry, ("video_url",)))


def _is_openrouter_tool(tool: Json) -> bool:
    return (text_of(object_of(tool).get("type")) or "").startswith(OPENROUTER_TOOLS)


MISTRAL_PARTS: Final = ("document_url", "reference", "thinking", "file", "audio_url", "input_audio")
"""Parts of a message that OpenAI has in another form, or not at all."""


def mistral_request(body: Object) -> Object:
    """Return OpenAI's form of a request to Mistral. It accepts any schema, and a tool choice `any`. Tools and calls
    need no type. A list of calls may be empty, and an image a bare URL."""
    result = without_schemas(body)
    if result.get("tool_choice") == "any":
        result["tool_choice"] = "required"
    if type(result.get("tools")) is list:
        result["tools"] = [_typed(tool) for tool in result["tools"]]
    return _with_messages(result, _mistral_message)


def _typed(value: Json) -> Json:
    """Return a tool or a call with its type."""
    return {**value, "type": value.get("type") or "function"} if type(value) is dict else value


def _mistral_message(entry: Object) -> Object:
    calls = entry.get("tool_calls")
    if type(calls) is list:
        entry = {**entry, "tool_calls": [_typed(call) for call in calls] or None}
    content = entry.get("content")
    if type(content) is list:
        entry = {**entry, "content": [_mistral_part(part) for part in content]}
    return _with_parts(entry, MISTRAL_PARTS)


def _mistral_part(part: Json) -> Json:
    url = object_of(part).get("image_url")
    return {**part, "image_url": {"url": url}} if type(url) is str else part
