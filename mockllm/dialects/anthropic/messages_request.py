"""Reads a messages request into the neutral form, recognizes the body of one, and writes one from a
`NeutralRequest`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar, Final

from propcache.api import cached_property

from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.schema import subschemas
from mockllm.core.json.typed_values import list_of, text_of
from mockllm.core.request.messages import (
    CallPart,
    MediaPart,
    MessagePart,
    OtherPart,
    ResultPart,
    Role,
    ThinkingPart,
)
from mockllm.core.request.read_turns import ReadTurns
from mockllm.core.request.request import Message, Request, TextPart, Tool, estimate_input
from mockllm.core.request.response_parameters import Format, OutputBounds
from mockllm.core.request.stored_objects import ObjectLookup
from mockllm.core.request.tools import TOOL_ATTRIBUTES, ToolChoice
from mockllm.core.tokens import estimate
from mockllm.core.value_or_digest import value_or_digest
from mockllm.dialects.anthropic.client_tools import offered_tools, toolsets_by_tool
from mockllm.dialects.anthropic.context_edits import applied_edits, cleared_tokens
from mockllm.dialects.anthropic.document_citations import CitableDocument, citable_documents
from mockllm.dialects.anthropic.known_models import DEFAULT_MODEL
from mockllm.dialects.anthropic.server_tools import PendingUse, pending_uses
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest, tool_schema, without_empty

_ROLES: Final[dict[Json, Role]] = {"user": "user", "assistant": "assistant", "system": "system"}
_TOOL_CHOICES: Final[dict[Json, ToolChoice]] = {
    "auto": ToolChoice("auto"),
    "any": ToolChoice("any"),
    "none": ToolChoice("none"),
}


TOOL_INSTRUCTION_TOKENS: Final[dict[str, int]] = {"auto": 346, "none": 346, "any": 313, "named": 313}
"""The tokens of the service's instructions for tool calls by tool choice, according to its documentation for Claude 4
and later."""

_COUNTED_FIELDS: Final = frozenset({
    "anthropic_version", "betas", "billing_policy", "cache_control", "compaction", "context_management",
    "mcp_servers", "messages", "model", "output_config", "output_format", "speed", "system", "thinking",
    "tool_choice", "tools", "user_profile_id", "workspace_id"
})  # fmt: skip
"""The fields of a counting request."""
DOCUMENTED_FIELDS: Final = _COUNTED_FIELDS | {
    "container", "diagnostics", "fallback_credit_token", "fallbacks", "inference_geo", "max_tokens",
    "metadata", "service_tier", "stop_sequences", "stream", "temperature", "thread", "top_k", "top_p"
}  # fmt: skip
"""The fields of the request, as the types of the SDK name them, including beta fields and fields of earlier versions
of its reference. Other fields of a body pass, and are noted."""


class AnthropicRequest(Request):
    """Any request to this provider. The key is in `x-api-key`, or a bearer token."""

    dialect: ClassVar[str | None] = "anthropic"

    @cached_property
    def api_key(self) -> str | None:
        return self.headers.get("x-api-key") or super().api_key


class MessagesRequest(AnthropicRequest):
    """POST /v1/messages."""

    api: ClassVar[str | None] = "messages"
    generates: ClassVar[bool] = True
    documented_fields: ClassVar[frozenset[str] | None] = DOCUMENTED_FIELDS
    turns_field: ClassVar[str | None] = "messages"
    shared_attributes: ClassVar[tuple[str, ...]] = (
        *TOOL_ATTRIBUTES, "_system_field", "system_field_tokens", "output_bounds", "encoding_options"
    )  # fmt: skip

    @cached_property
    def model(self) -> str | None:
        return text_of(self.fields.get("model"))

    @cached_property
    def stream(self) -> bool:
        return self.fields.get("stream") is True

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        return self.read_messages(list_of(self.fields.get("messages")), add_turn)

    @cached_property
    def system(self) -> str | None:
        """The top-level text, then the texts of system messages among the turns."""
        texts = [message.text for message in self.messages if message.role == "system"]
        if self._system_field is not None:
            texts.insert(0, self._system_field)
        return "\n".join(texts) if texts else None

    @cached_property
    def _system_field(self) -> str | None:
        """The system text at the top level."""
        top = self.fields.get("system")
        return _texts(top) if isinstance(top, list) else text_of(top)

    @cached_property
    def system_field_tokens(self) -> int:
        """The tokens of the system text at the top level."""
        return estimate(self._system_field or "")

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        return offered_tools(self.fields.get("tools"))

    @cached_property
    def toolset_by_tool(self) -> Mapping[str, str]:
        """The name of the toolset of each tool that is a member of one."""
        return toolsets_by_tool(self.fields.get("tools"))

    @cached_property
    def tool_choice(self) -> ToolChoice:
        choice = self.fields.get("tool_choice")
        if not isinstance(choice, dict):
            return ToolChoice()
        kind, name = text_of(choice.get("type")), text_of(choice.get("name"))
        if kind == "tool" and name is not None:
            return ToolChoice("named", (name,))
        return _TOOL_CHOICES.get(kind, ToolChoice())

    @cached_property
    def response_format(self) -> Format:
        config = self.fields.get("output_config")
        format_ = config.get("format") if isinstance(config, dict) else None
        if format_ is None:
            format_ = self.fields.get("output_format")
        if isinstance(format_, dict) and format_.get("type") == "json_schema":
            return Format("schema", None, format_.get("schema"))
        return Format()

    @cached_property
    def output_bounds(self) -> OutputBounds:
        max_tokens = self.fields.get("max_tokens")
        stop = (text for text in list_of(self.fields.get("stop_sequences")) if isinstance(text, str))
        return OutputBounds(1, tuple(stop), max_tokens if type(max_tokens) is int else None)

    @cached_property
    def input_tokens(self) -> int:
        """The tokens after the edits of the request's context management."""
        return max(0, self.unedited_tokens - cleared_tokens(self.applied_edits))

    @cached_property
    def unedited_tokens(self) -> int:
        instructions = TOOL_INSTRUCTION_TOKENS[self.tool_choice.mode] if self.tools else 0
        return estimate_input(self) + self.system_field_tokens + instructions

    @cached_property
    def applied_edits(self) -> tuple[dict[str, Json], ...]:
        """The edits that the request's context management causes."""
        management = self.fields.get("context_management")
        if management is None:
            return ()
        return applied_edits(management, self.fields.get("messages"), self.unedited_tokens)

    @cached_property
    def manages_context(self) -> bool:
        """Whether the response reports edits: the request has a `context_management`, or names the beta."""
        beta = self.headers.get("anthropic-beta", "")
        return self.fields.get("context_management") is not None or "context-management-" in beta

    @cached_property
    def pending_uses(self) -> tuple[PendingUse, ...]:
        """The uses of server tools in the last assistant message that have no result yet. A later message of the
        user with other content than results of tools ends the turn."""
        turns = self.messages[-2:]
        if not any(type(part) is OtherPart for turn in turns for part in turn.parts):
            return ()
        return pending_uses(self.fields["messages"])

    @cached_property
    def citable_documents(self) -> tuple[CitableDocument, ...]:
        """The documents and search results of the request that the response can cite."""
        if not self.occurrences(b'"citations"'):
            return ()
        return citable_documents(self.fields.get("messages"))

    @cached_property
    def declines_thinking(self) -> bool:
        """Whether the request disables thinking: `thinking: {type: disabled}`."""
        thinking = self.fields.get("thinking")
        return isinstance(thinking, dict) and thinking.get("type") == "disabled"

    @cached_property
    def wants_thinking(self) -> bool:
        """Whether the request enables thinking."""
        thinking = self.fields.get("thinking")
        return isinstance(thinking, dict) and thinking.get("type") in ("enabled", "adaptive")

    @cached_property
    def omits_thinking(self) -> bool:
        """Whether the request omits the text of thinking: `thinking: {display: omitted}`."""
        thinking = self.fields.get("thinking")
        return isinstance(thinking, dict) and thinking.get("display") == "omitted"

    @cached_property
    def encoding_options(self) -> Hashable:
        """The options beside the turns that change what an encoder writes."""
        toolset_by_tool = value_or_digest(tuple(self.toolset_by_tool.items()))
        return self.omits_thinking, self.declines_thinking, self.wants_thinking, toolset_by_tool

    @cached_property
    def container_options(self) -> Hashable:
        """The parts of the request that the response repeats or continues."""
        container = self.fields.get("container")
        named = None if container is None else dumps(container)
        edits = dumps(self.applied_edits) if self.manages_context else None
        options = (named, edits, self.pending_uses)
        return value_or_digest(options) if any(options) else options


class AnthropicCountRequest(MessagesRequest):
    """POST /v1/messages/count_tokens: without the fields that only a response needs."""

    api: ClassVar[str | None] = "count_tokens"
    generates: ClassVar[bool] = False
    documented_fields: ClassVar[frozenset[str] | None] = _COUNTED_FIELDS


def add_turn(turns: ReadTurns, item: Json, lookup: ObjectLookup) -> None:
    """Add the neutral messages of one message: its tool results, where it has any, and its other parts.
    `lookup` finds the calls of earlier responses."""
    if type(item) is not dict:
        return
    role = _ROLES.get(text_of(item.get("role")))
    if role is None:
        return
    content = item.get("content")
    if type(content) is str:
        turns.add(Message(role, (TextPart(content),)))
        return
    blocks = list_of(content)
    results: list[MessagePart] = []
    for block in blocks:
        if type(block) is dict and block.get("type") == "tool_result":
            results += _result(block, turns.tools_by_call_id, lookup)
    others = [part for block in blocks if (part := _part(block, turns.tools_by_call_id)) is not None]
    if results:
        turns.add(Message("tool", tuple(results)))
    if others or not results:
        turns.add(Message(role, tuple(others)))


def _result(
    block: dict[str, Json], tools_by_call_id: dict[str, str | None], lookup: ObjectLookup
) -> Sequence[MessagePart]:
    """Return the result of a tool, and its images. `tools_by_call_id` are those so far."""
    call_id, content = text_of(block.get("tool_use_id")), block.get("content")
    name = None if call_id is None else tools_by_call_id.get(call_id) or lookup.tool_by_call_id(call_id)
    is_error = block.get("is_error") is True
    if type(content) is str:
        return (ResultPart(call_id, name, content, is_error),)
    texts: list[str] = []
    images: list[MessagePart] = []
    for entry in list_of(content):
        if type(entry) is dict:
            if type(entry.get("text")) is str:
                texts.append(entry["text"])
            if entry.get("type") == "image":
                images.append(MediaPart("image"))
    return (ResultPart(call_id, name, "\n".join(texts), is_error), *images)


def _part(block: Json, tools_by_call_id: dict[str, str | None]) -> MessagePart | None:
    """Return a block that is not a tool's result; a bare string is a text."""
    if isinstance(block, str):
        return TextPart(block)
    if not isinstance(block, dict):
        return None
    kind = block.get("type")
    match kind:
        case "text" | None if isinstance(block.get("text"), str):
            return TextPart(block["text"])
        case "tool_result":
            return None
        case "tool_use":
            call = CallPart(text_of(block.get("id")), text_of(block.get("name")), block.get("input"))
            if call.id is not None:
                tools_by_call_id[call.id] = call.name
            return call
        case "image":
            return MediaPart("image")
        case "document" | "container_upload":
            return MediaPart("file")
        case "thinking":
            return ThinkingPart(text_of(block.get("thinking")) or "")
        case _:
            return OtherPart(kind if isinstance(kind, str) else "")


def _texts(blocks: Json) -> str:
    """Return the text blocks among these, joined by a newline."""
    return "\n".join(
        block["text"]
        for block in list_of(blocks)
        if isinstance(block, dict) and isinstance(block.get("text"), str)
    )


ANTHROPIC_FIELDS: Final = frozenset({"system", "stop_sequences", "anthropic_version", "thinking", "top_k"})
"""Fields at the top of a body that OpenAI's clients do not send."""


def is_messages_body(body: Mapping[str, Json]) -> bool:
    """Return whether the model is a Claude, a field is Anthropic's, or tools or blocks have Anthropic's form."""
    model = body.get("model")
    if isinstance(model, str) and model.startswith("claude"):
        return True
    return bool(ANTHROPIC_FIELDS & body.keys()) or _has_blocks(body)


def _has_blocks(body: Mapping[str, Json]) -> bool:
    """Return whether its tools, or blocks in its messages, have Anthropic's form."""
    tools, messages = body.get("tools"), body.get("messages")
    if isinstance(tools, list) and any(isinstance(tool, dict) and "input_schema" in tool for tool in tools):
        return True
    contents = (
        [message.get("content") for message in messages if isinstance(message, dict)]
        if isinstance(messages, list)
        else []
    )
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    return any(
        isinstance(block, dict) and block.get("type") in ("tool_use", "tool_result") for block in blocks
    )


VERSION: Final = "2023-06-01"
MAX_TOKENS: Final = 1024
"""The default of `max_tokens`, which this provider requires."""


def build_request(request: NeutralRequest) -> WireRequest:
    body = {
        "model": request.model or DEFAULT_MODEL,
        "max_tokens": MAX_TOKENS if request.max_tokens is None else request.max_tokens,
        **without_empty(
            {
                "system": request.system,
                "tools": [_tool(tool) for tool in request.tools],
                "tool_choice": _tool_choice(request.tool_choice),
                "output_config": _format(request.response_format),
                "stream": request.stream,
                "stop_sequences": list(request.stop),
            }
        ),
        "messages": request.turns,
    }
    headers = {**request.headers("x-api-key"), "anthropic-version": VERSION}
    return WireRequest("/v1/messages", headers, body)


def _tool(tool: Tool) -> Json:
    return without_empty(
        {"name": tool.name, "description": tool.description, "input_schema": tool_schema(tool)}
    )


def _tool_choice(choice: ToolChoice | None) -> Json:
    if choice is None:
        return None
    return {"type": "tool", "name": choice.names[0]} if choice.mode == "named" else {"type": choice.mode}


def _format(format_: Format | None) -> Json:
    """Return the format; this provider only has schemas."""
    if format_ is None or format_.kind != "schema":
        return None
    return {"format": {"type": "json_schema", "schema": _with_closed_objects(format_.schema)}}


def _with_closed_objects(schema: Json) -> Json:
    """Return the schema with closed objects, as this provider's SDKs send it; open objects are refused."""
    closed = loads(dumps(schema))
    for _, subschema in subschemas(closed) if type(closed) is dict else ():
        if subschema.get("type") == "object":
            subschema.setdefault("additionalProperties", False)
    return closed
