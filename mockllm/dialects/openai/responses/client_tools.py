"""OpenAI's tools that the client runs: shells, patches and computers. Their calls are items of their own types.

Sources: `openai.types.responses` (`ResponseFunctionShellToolCall`, `LocalShellCall`, `ResponseApplyPatchToolCall`,
`ResponseComputerToolCall`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.json.typed_values import object_of
from mockllm.core.reply.reply import Call, NativePart, Part, joined_text
from mockllm.core.request.tools import PROVIDER_DEFINED, Tool

_COMMANDS: Final[dict[str, Json]] = {
    "type": "array",
    "items": {"type": "string", "examples": ["ls"]},
    "minItems": 1,
    "maxItems": 1,
}
_SCREENSHOT: Final[dict[str, Json]] = {"type": {"const": "screenshot"}}


class ClientTool(NamedTuple):
    """A tool that the client runs. `input`: the members of a call's input. `defaults`: further members of it."""

    item: str
    """The type of its calls."""
    member: str
    """The member of a call that has the input."""
    input: dict[str, Json]
    defaults: Mapping[str, Json] = {}


CLIENT_TOOLS: Final[Mapping[str, ClientTool]] = {
    "apply_patch": ClientTool(
        "apply_patch_call",
        "operation",
        {"type": {"const": "create_file"}, "path": {"type": "string"}, "diff": {"const": "+\n"}},
    ),
    "computer": ClientTool("computer_call", "actions", _SCREENSHOT),
    "computer_use_preview": ClientTool("computer_call", "action", _SCREENSHOT),
    "local_shell": ClientTool(
        "local_shell_call", "action", {"command": _COMMANDS}, {"type": "exec", "env": {}}
    ),
    "shell": ClientTool(
        "shell_call", "action", {"commands": _COMMANDS}, {"max_output_length": None, "timeout_ms": None}
    ),
}
"""The tools by their types."""
CALL_ITEMS: Final = {tool.item: (name, tool.member) for name, tool in reversed([*CLIENT_TOOLS.items()])}
"""The tool of each type of call, and the member that has its input."""


def client_tool(entry: Mapping[str, Json], kind: str) -> Tool | None:
    """Return a tool that the client runs; None for others. The provider runs a shell in a container."""
    tool = CLIENT_TOOLS.get(kind)
    place = object_of(entry.get("environment")).get("type")
    if tool is None or (kind == "shell" and place not in (None, "local")):
        return None
    schema = {"type": "object", "properties": tool.input, "required": [*tool.input]}
    return Tool(kind, schema, None, PROVIDER_DEFINED)


def with_items(parts: Sequence[Part], names: frozenset[str]) -> Sequence[Part]:
    """Return the parts with calls of these tools as items of their own types. A call whose arguments are no object
    stays: no item has it."""
    if not names:
        return parts
    return [_item(part) or part if type(part) is Call and part.name in names else part for part in parts]


def _item(call: Call) -> NativePart | None:
    try:
        arguments = loads(joined_text(call.chunks))
    except JSONDecodeError:
        return None
    if type(arguments) is not dict:
        return None
    tool = CLIENT_TOOLS[call.name]
    value: Json = {**tool.defaults, **arguments}
    item: dict[str, Json] = {
        "type": tool.item,
        "status": "completed",
        "call_id": call.id,
        tool.member: [value] if tool.member == "actions" else value,
    }
    if tool.item == "computer_call":
        item["pending_safety_checks"] = []
    return NativePart("openai", item)
