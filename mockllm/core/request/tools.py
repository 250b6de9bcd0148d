"""The tools that a request offers, and which of them the model may call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, objects, text_of

PROVIDER_DEFINED: Final = None
"""The kind of a tool whose schema is the provider's, and whose calls the protocol has a form of their own for. No
type that a client sends equals it."""


class Tool(Struct, frozen=True):
    """An offered tool. `schema` is its JSON Schema (None where the request has none)."""

    name: str
    schema: Json = None
    description: str | None = None
    kind: str | None = "function"


def function_tools(tools: Json) -> tuple[Tool, ...]:
    """Return the tools of a list, each of which has its function in an object of that name."""
    functions = (object_of(entry.get("function")) for entry in objects(tools))
    return tuple(
        Tool(fields["name"], fields.get("parameters"), text_of(fields.get("description")))
        for fields in functions
        if type(fields.get("name")) is str
    )


TOOL_ATTRIBUTES: Final = (
    "tools",
    "tool_names",
    "tool_choice",
    "callable_tools",
    "final_tools",
    "tool_tokens",
)
"""The cached properties of a request that follow from its tools and its tool choice."""
CLIENT_RUN_KINDS: Final = ("function", "custom", PROVIDER_DEFINED)
"""The kinds of tools that the client runs."""


def schema_of_members(members: Mapping[str, Json]) -> dict[str, Json]:
    """Return the schema of an object that has all these members."""
    return {"type": "object", "properties": dict(members), "required": [*members]}


class ToolChoice(Struct, frozen=True):
    """`mode` is a provider-neutral value; `names` are the allowed tools where the request limits them."""

    mode: Literal["auto", "none", "any", "named"] = "auto"
    names: tuple[str, ...] = ()
