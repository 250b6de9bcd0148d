"""Decodes recorded responses of OpenAI's responses protocol into replies.

Only the comparison uses it. Content without a neutral form (server tools, citations) becomes a native item,
as in a scenario.
"""

from __future__ import annotations

from collections.abc import Mapping

from mockllm.conformance.openai_chat import PROTOCOL as CHAT
from mockllm.conformance.openai_chat import failure
from mockllm.conformance.shape import Protocol, Recording, events_of
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.json.typed_values import objects
from mockllm.core.reply.reply import (
    Choice,
    Finish,
    NativePart,
    Part,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from mockllm.dialects.openai.responses.decoder import ARGUMENTS, DELTAS
from mockllm.dialects.openai.responses.dialect import RESPONSES
from mockllm.dialects.openai.responses.request import TOOL_ITEMS

FINISH: dict[str | None, Finish] = {"max_output_tokens": "length", "content_filter": "content_filter"}
OPAQUE_MEMBERS = (
    *(
        "tools[].parameters",
        "tools[].tools[].parameters",
        "text.format.schema",
        "metadata",
        "prompt.variables",
        "instructions",
    ),
    *("output[].tools", "output[].arguments", "output[].action", "output[].content[].annotations"),
)
"""Members of a response that contain a user's texts, or results of a server tool."""


def decode(recording: Recording) -> Reply | Failure:
    """Return the reply, or the failure, of a recording."""
    status, body = recording["response"]["status"], recording["response"]["body"]
    if status != 200:
        return failure(status, body["error"])
    if isinstance(body, dict):
        return _reply(body, {})
    events = [loads(data) for _, data in events_of(body) if data.startswith("{")]
    chunks: dict[int, list[str]] = {}
    for event in events:
        if event["type"] in DELTAS or event["type"] in ARGUMENTS:
            chunks.setdefault(event["output_index"], []).append(event["delta"])
    return _reply(events[-1]["response"], chunks)


def _reply(response: dict[str, Json], chunks: Mapping[int, list[str]]) -> Reply:
    """Return the reply; `chunks` are those of each item, where the response was streamed."""
    parts = [_part(item, chunks.get(place)) for place, item in enumerate(response["output"])]
    reason = (response["incomplete_details"] or {}).get("reason")
    counted = response["usage"]
    usage = Usage(
        counted["input_tokens"],
        counted["output_tokens"],
        counted["input_tokens_details"]["cached_tokens"],
        counted["input_tokens_details"].get("cache_write_tokens", 0),
        counted["output_tokens_details"]["reasoning_tokens"],
    )
    return Reply((Choice(tuple(parts), FINISH.get(reason, "stop")),), usage)


def _part(item: dict[str, Json], chunks: list[str] | None) -> Part:
    """Return the part of an item; without chunks it was sent in one event."""
    match item:
        case {"type": "message", "content": [{"type": "output_text", "annotations": [], "text": text}]}:
            return Text(tuple(chunks or [text]))
        case {"type": "message", "content": [{"type": "refusal", "refusal": text}]}:
            return Refusal(tuple(chunks or [text]))
        case {"type": "reasoning", "summary": summary}:
            text = "".join(part["text"] for part in summary)
            return Thinking(tuple(chunks or ([text] if text else [])))
        case {"type": "function_call", "name": name, "arguments": text, "call_id": id}:
            return ToolCall(name, tuple(chunks or [text]), id)
    return NativePart("openai", item)


def kind(name: str, payload: Json) -> str:
    """Return an event's name, or its type where it has no name; for an event with an item, also the item's type."""
    if not isinstance(payload, dict):
        return "done" if payload == "[DONE]" else "comment"
    name = name or payload["type"]
    if name.startswith("response.output_item"):
        return f"{name} {payload['item']['type']}"
    return name


PROTOCOL_WORD_MEMBERS = (
    "type",
    "mode",
    "effort",
    "summary",
    "context",
    "verbosity",
    "service_tier",
    "include",
    "model",
)
"""Members whose values are words of the protocol."""
SCHEMAS = ("parameters", "schema", "variables", "metadata")


def settings(body: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the settings that change a response's form: all except the user's texts. Of the input, these are the
    tools that it adds or has loaded."""
    result = {name: _without_texts(name, value) for name, value in body.items() if name != "input"}
    changes = [
        item for item in objects(body.get("input")) if item.get("type") in TOOL_ITEMS and item.get("tools")
    ]
    if changes:
        result["input"] = [
            _without_texts("", {name: item[name] for name in ("type", "tools")}) for item in changes
        ]
    return result


def _without_texts(name: str, value: Json) -> Json:
    """Return the value without the user's texts."""
    if value is None or name in PROTOCOL_WORD_MEMBERS:
        return value
    if name in SCHEMAS:
        return {}
    if isinstance(value, dict):
        return {key: _without_texts(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_texts(name, item) for item in value]
    return value if isinstance(value, int | float) or value in ("auto", "required", "none") else "x"


PROTOCOL = Protocol(
    folder="openai-responses",
    dialect=RESPONSES,
    path="/v1/responses",
    decode=decode,
    kind=kind,
    settings=settings,
    opaque=frozenset(f"{root}.{path}" for root in ("$", "$.response") for path in OPAQUE_MEMBERS)
    | frozenset(f"$.item.{path.removeprefix('output[].')}" for path in OPAQUE_MEMBERS),
    noise=CHAT.noise,
)
