"""Checks that tool uses of server tools and their results in a conversation belong together.

The messages are the service's. The message of a result without its tool use is from public reports of clients. The
message of a tool use without its result is from the documentation of stop reasons. The messages for MCP blocks are
inferred.
"""

from __future__ import annotations

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.dialects.anthropic.server_tools import MCP_RESULT, MCP_USE, RESULTS
from mockllm.dialects.anthropic.validators import AnthropicRequestProblem


class OpenUse(Struct, frozen=True):
    """A tool use without a result so far."""

    id: str
    place: int
    """The number of its message."""
    name: str
    result: str
    """The type of the result."""


class ServerUses(Struct):
    """The tool uses of the messages so far. The values are replaced, never changed, so that a copy can continue."""

    ids: tuple[str, ...] = ()
    open: tuple[OpenUse, ...] = ()

    def add(self, number: int, message: dict[str, Json]) -> None:
        """Add a message, whose blocks have their required members. Raise a problem for a result without a tool use
        before it. Raise one for a tool use without a result where the assistant's turn ends, too."""
        role, content = message["role"], message["content"]
        if role == "user" and self.open and not _only_results(content):
            use = self.open[0]
            raise AnthropicRequestProblem(
                f"messages.{use.place}: `{use.name}` tool use with id `{use.id}` was found without a "
                f"corresponding `{use.result}` block"
            )
        if role == "assistant" and type(content) is list:
            for place, block in enumerate(content):
                self._add_block(number, place, block)

    def _add_block(self, number: int, place: int, block: dict[str, Json]) -> None:
        kind = block["type"]
        if kind in (MCP_USE, "server_tool_use"):
            self.ids = (*self.ids, block["id"])
            self.open = (
                *self.open,
                OpenUse(block["id"], number, block["name"], _result_of(kind, block["name"])),
            )
        elif kind in RESULTS or kind == MCP_RESULT:
            id = block["tool_use_id"]
            if id not in self.ids:
                use = MCP_USE if kind == MCP_RESULT else "server_tool_use"
                raise AnthropicRequestProblem(
                    f"messages.{number}.content.{place}: unexpected `tool_use_id` found in `{kind}` blocks: {id}. "
                    f"Each `{kind}` block must have a corresponding `{use}` block before it."
                )
            self.open = tuple(use for use in self.open if use.id != id)


def _only_results(content: Json) -> bool:
    return type(content) is list and all(block["type"] == "tool_result" for block in content)


def _result_of(kind: str, name: str) -> str:
    if kind == MCP_USE:
        return MCP_RESULT
    return "tool_search_tool_result" if name.startswith("tool_search_tool_") else f"{name}_tool_result"
