"""Changes to OpenAI's objects of the responses call that several vendors share: members dropped or renamed.

Each edit changes one object in place: a body, or an event of a stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.json.codec import JsonObject

OPENAI_MEMBERS: Final = (
    "billing",
    "moderation",
    "prompt_cache_options",
    "prompt_cache_retention",
    "tool_usage",
)
"""Members of a response that only OpenAI sends."""


def response_of(payload: JsonObject) -> JsonObject | None:
    """Return the response that an object is, or that an event contains."""
    if payload.get("object") == "response":
        return payload
    return payload.get("response")


def items_of(payload: JsonObject) -> Iterator[JsonObject]:
    if "item" in payload:
        yield payload["item"]
    response = response_of(payload)
    if response is not None:
        yield from response["output"]


def drop(payload: JsonObject, *names: str) -> None:
    for name in names:
        payload.pop(name, None)


def serve_by_default(response: JsonObject) -> None:
    """Name the tier that serves from the first event on."""
    if response["service_tier"] == "auto":
        response["service_tier"] = "default"


def without_own_settings(tool: JsonObject) -> None:
    """Drop the settings of a tool that only OpenAI echoes."""
    drop(tool, "output_schema", "return_token_budget", "search_content_types")


def unpadded(payload: JsonObject) -> None:
    """Drop the padding and the billing of OpenAI's objects."""
    drop(payload, "obfuscation")
    response = response_of(payload)
    if response is not None:
        drop(response, "billing")
