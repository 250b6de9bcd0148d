"""OpenAI's tools that the client runs: shells, patches and computers. Their calls are items of their own types.

Sources: `openai.types.responses` (`ResponseFunctionShellToolCall`, `LocalShellCall`, `ResponseApplyPatchToolCall`,
`ResponseComputerToolCall`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from mockllm.core.json.codec import MISSING, Json, JSONDecodeError, loads
from mockllm.core.json.typed_values import object_of, objects
from mockllm.core.reply.reply import NativePart, Part, ToolCall, joined_text
from mockllm.core.request.tools import PROVIDER_DEFINED, Tool, schema_of_members

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
CALL_ITEMS: Final[Mapping[str, tuple[str, ...]]] = {
    tool.item: tuple(name for name, other in CLIENT_TOOLS.items() if other.item == tool.item)
    for tool in CLIENT_TOOLS.values()
}
"""The tools of each type of call."""


def client_tool(entry: Mapping[str, Json], kind: str) -> Tool | None:
    """Return a tool that the client runs; None for others."""
    tool = CLIENT_TOOLS.get(kind)
    if tool is None or (kind == "shell" and _is_hosted(entry)):
        return None
    return Tool(kind, schema_of_members(tool.input), None, PROVIDER_DEFINED)


def called_client_tool(item: Mapping[str, Json], kind: str) -> tuple[str, Json] | None:
    """Return the tool that an item of this type calls, and the arguments; None for an item of another type. Several
    actions of a computer are a list."""
    names = CALL_ITEMS.get(kind)
    if names is None or _is_hosted(item):
        return None
    name = next((name for name in names if item.get(CLIENT_TOOLS[name].member) is not None), names[0])
    tool = CLIENT_TOOLS[name]
    input_ = item.get(tool.member)
    if tool.member == "actions" and type(input_) is list and len(input_) == 1:
        input_ = input_[0]
    if type(input_) is dict:
        input_ = {key: value for key, value in input_.items() if value != tool.defaults.get(key, MISSING)}
    return name, input_


def _is_hosted(entry: Mapping[str, Json]) -> bool:
    """Return whether a shell, or its call, is in a container of the provider, which runs it."""
    return object_of(entry.get("environment")).get("type") not in (None, "local")


def output_text(output: Json) -> str:
    """Return the text of an output of a client's tool: all that the commands of a shell have written, or the text."""
    if type(output) is str:
        return output
    written = (entry.get(name) for entry in objects(output) for name in ("stdout", "stderr"))
    return "\n".join(text for text in written if type(text) is str and text)


def with_client_tool_items(parts: Sequence[Part], names: frozenset[str]) -> Sequence[Part]:
    """Return the parts with calls of these tools as items of their own types. A call whose arguments are no object
    stays: no item has it."""
    if not names:
        return parts
    return [_item(part) or part if type(part) is ToolCall and part.name in names else part for part in parts]


def _item(call: ToolCall) -> NativePart | None:
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
