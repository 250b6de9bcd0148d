"""A request in provider-neutral form, which a dialect writes in its provider's form; examples and `explain`
build them.

`core.request` contains the opposite: the neutral form of a request that was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.core.request.request import Tool
from mockllm.core.request.response_parameters import Format
from mockllm.core.request.tools import ToolChoice

OPEN_SCHEMA: Final[Mapping[str, Json]] = {"type": "object", "additionalProperties": True}
"""The arguments of a tool of which only the name is known."""


class NeutralRequest(Struct, frozen=True):
    """The content of a request. None and empty values are omitted; without a `model` the dialect uses the
    provider's default model. `messages` are turns that replace `user`, in the provider's own form or as `role` and
    `content`. A dialect omits settings that its provider does not have: Anthropic has no `n` and no JSON of any
    form."""

    model: str | None = None
    user: str = "hi"
    system: str | None = None
    messages: list[dict[str, Json]] | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    response_format: Format | None = None
    stream: bool | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    n: int | None = None
    api_key: str | None = None

    @property
    def turns(self) -> list[dict[str, Json]]:
        """The messages, without the system text. A dialect converts those that are only `role` and `content`, and
        leaves the others as they are."""
        return [{"role": "user", "content": self.user}] if self.messages is None else list(self.messages)

    def headers(self, key_name: str = "authorization") -> dict[str, str]:
        """Return the headers of a JSON body, with the key, where there is one, under this name."""
        if self.api_key is None:
            return {"content-type": "application/json"}
        key = f"Bearer {self.api_key}" if key_name == "authorization" else self.api_key
        return {"content-type": "application/json", key_name: key}


class WireRequest(Struct, frozen=True):
    """The request on the wire; `headers` by lower-case name, `body` before its conversion to JSON text."""

    path: str
    headers: Mapping[str, str]
    body: Json
    method: str = "POST"


def tool_schema(tool: Tool) -> Json:
    """Return a tool's schema; providers require the type `object`."""
    schema = OPEN_SCHEMA if tool.schema is None else tool.schema
    return {"type": "object", **schema} if isinstance(schema, Mapping) else schema


def without_empty(fields: Mapping[str, Json]) -> dict[str, Json]:
    """Return the fields without None and empty values."""
    return {name: value for name, value in fields.items() if value is not None and value not in ((), [])}


def function_tools(request: NeutralRequest) -> list[Json]:
    """Return the tools in the form of OpenAI's chat completions, which other protocols share."""
    functions = [
        without_empty({"name": tool.name, "description": tool.description, "parameters": tool_schema(tool)})
        for tool in request.tools
    ]
    return [{"type": "function", "function": function} for function in functions]
