"""A request in neutral words, before a dialect writes it in its provider's: what examples and `explain` ask.

The opposite of `core.request`, which is what was read of a request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.core.request.request import Format, Tool, ToolChoice

OPEN_SCHEMA: Final[Mapping[str, Json]] = {"type": "object", "additionalProperties": True}
"""The arguments of a tool of which only the name is known."""


class NeutralRequest(Struct, frozen=True):
    """What is asked. None and empty is unsaid; without a `model` the provider's usual one is asked.
    `messages` are the turns in the provider's own form, in place of `user`. A provider that has no word for
    something (Anthropic for `n`, and for JSON of any form) is not asked for it."""

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
        """The messages, without the system text."""
        return [{"role": "user", "content": self.user}] if self.messages is None else list(self.messages)


class WireRequest(Struct, frozen=True):
    """The request on the wire; `headers` by lower-case name, `body` not yet JSON text."""

    path: str
    headers: Mapping[str, str]
    body: Json
    method: str = "POST"


def parameters(tool: Tool) -> Json:
    """A tool's schema, of which providers want to be told that it is an object's."""
    schema = OPEN_SCHEMA if tool.schema is None else tool.schema
    return {"type": "object", **schema} if isinstance(schema, Mapping) else schema


def said(fields: Mapping[str, Json]) -> dict[str, Json]:
    """The fields without what is unsaid: None, and what is empty."""
    return {name: value for name, value in fields.items() if value is not None and value not in ((), [])}
