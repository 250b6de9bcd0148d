"""What a recorded answer of OpenAI's responses says, in neutral words: the way back from the wire.

For the comparison only. What has no neutral word (server tools, citations) comes back as a native item,
which is how a scenario would write it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockllm.core.failure import BY_STATUS, Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.reply.reply import (
    Call,
    Choice,
    Finish,
    NativePart,
    Part,
    Refusal,
    Reply,
    Text,
    Thinking,
    Usage,
)
from mockllm.dialects.openai import RESPONSES
from mockllm.dialects.openai.responses.decoder import ARGUMENTS, DELTAS
from tests.conformance.openai_chat import NAMED
from tests.conformance.openai_chat import PROTOCOL as CHAT
from tests.conformance.shape import Protocol, Recording, events_of

FINISH: dict[str | None, Finish] = {"max_output_tokens": "length", "content_filter": "content_filter"}
OPAQUE = (
    *("tools[].parameters", "text.format.schema", "metadata", "prompt.variables", "instructions"),
    *("output[].tools", "output[].arguments", "output[].action", "output[].content[].annotations"),
)
"""Members of a response that hold what a user wrote, or what a server tool found."""


def said(recording: Recording) -> Reply | Failure:
    """The reply, or the failure, that a recording holds."""
    status, body = recording["response"]["status"], recording["response"]["body"]
    if status != 200:
        error = body["error"]
        named = NAMED.get(error["code"], BY_STATUS[status])
        return Failure(named, status, fields={name: error[name] for name in ("param", "code")})
    if isinstance(body, dict):
        return _reply(body, {})
    events = [loads(data) for _, data in events_of(body)]
    pieces: dict[int, list[str]] = {}
    for event in events:
        if event["type"] in DELTAS or event["type"] in ARGUMENTS:
            pieces.setdefault(event["output_index"], []).append(event["delta"])
    return _reply(events[-1]["response"], pieces)


def _reply(response: dict[str, Any], pieces: Mapping[int, list[str]]) -> Reply:
    """`pieces` are those of each item, where they were streamed."""
    parts = [_part(item, pieces.get(place)) for place, item in enumerate(response["output"])]
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


def _part(item: dict[str, Any], pieces: list[str] | None) -> Part:
    """An item; without pieces it was said at once."""
    match item:
        case {"type": "message", "content": [{"type": "output_text", "annotations": [], "text": text}]}:
            return Text(tuple(pieces or [text]))
        case {"type": "message", "content": [{"type": "refusal", "refusal": text}]}:
            return Refusal(tuple(pieces or [text]))
        case {"type": "reasoning", "summary": summary}:
            text = "".join(part["text"] for part in summary)
            return Thinking(tuple(pieces or ([text] if text else [])))
        case {"type": "function_call", "name": name, "arguments": text, "call_id": id}:
            return Call(name, tuple(pieces or [text]), id)
    return NativePart("openai", item)


def kind(name: str, payload: Json) -> str:
    """An event by its name; one that holds an item, by its kind too."""
    if name.startswith("response.output_item"):
        return f"{name} {payload['item']['type']}"
    return name


WORDS = ("type", "mode", "effort", "summary", "context", "verbosity", "service_tier", "include", "model")
"""Members whose values are words of the protocol."""
SCHEMAS = ("parameters", "schema", "variables", "metadata")


def asked(body: Mapping[str, Json]) -> Mapping[str, Json]:
    """The settings that change an answer's form: all but what the user says."""
    return {name: _wordless(name, value) for name, value in body.items() if name != "input"}


def _wordless(name: str, value: Json) -> Json:
    """The value without what a user wrote into it."""
    if value is None or name in WORDS:
        return value
    if name in SCHEMAS:
        return {}
    if isinstance(value, dict):
        return {key: _wordless(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_wordless(name, item) for item in value]
    return value if isinstance(value, int | float) or value in ("auto", "required", "none") else "x"


PROTOCOL = Protocol(
    folder="openai-responses",
    dialect=RESPONSES,
    path="/v1/responses",
    said=said,
    kind=kind,
    asked=asked,
    opaque=frozenset(f"{root}.{path}" for root in ("$", "$.response") for path in OPAQUE)
    | frozenset(f"$.item.{path.removeprefix('output[].')}" for path in OPAQUE),
    noise=CHAT.noise,
)
