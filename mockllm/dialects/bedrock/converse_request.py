"""Reads the requests of Converse into the neutral form, and writes one from a `NeutralRequest`.

Fields are those of botocore's service model `bedrock-runtime/2023-09-30/service-2.json` (`ConverseRequest`). No
function raises on any JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

from propcache.api import cached_property

from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.json.typed_values import list_of, object_of, objects, text_of, truncated_count
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
from mockllm.core.request.tools import ToolChoice
from mockllm.core.tokens import estimate
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest, tool_schema, without_empty

DEFAULT_MODEL: Final = "anthropic.claude-sonnet-4-5-20250929-v1:0"
"""The model of examples."""
DOCUMENTED_FIELDS: Final = frozenset({
    "additionalModelRequestFields", "additionalModelResponseFieldPaths", "guardrailConfig", "inferenceConfig",
    "messages", "outputConfig", "performanceConfig", "promptVariables", "requestMetadata", "serviceTier",
    "system", "toolConfig"
})  # fmt: skip
_ROLES: Final[dict[Json, Role]] = {"user": "user", "assistant": "assistant", "system": "system"}
_MEDIA: Final[dict[str, MediaPart]] = {
    "image": MediaPart("image"),
    "audio": MediaPart("audio"),
    "document": MediaPart("file"),
    "video": MediaPart("file"),
}


class BedrockRequest(Request):
    """Any request to this provider: the path contains the model. The signature of `authorization` (SigV4) is not
    read; an API key of the service is a bearer token."""

    dialect = "bedrock"


class WrappingRequest(BedrockRequest):
    """A request whose content is that of another protocol or call: `inner` reads it."""

    @cached_property
    def inner(self) -> Request:
        raise NotImplementedError  # pragma: no cover - abstract

    def read_as(self, kind: type[Request], raw: bytes) -> Request:
        """Return the request with another body, as one of a class that reads it."""
        return kind(
            method=self.method,
            path=self.path,
            headers=self.headers,
            raw=raw,
            query_string=self.query_string,
            provider=self.provider,
            path_variables=self.path_variables,
            session=self.session,
            client_address=self.client_address,
            now=self.now,
            object_lookup=self.object_lookup,
        )

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        return self.inner.messages

    @cached_property
    def system(self) -> str | None:
        return self.inner.system

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        return self.inner.tools

    @cached_property
    def input_tokens(self) -> int:
        return self.inner.input_tokens


class ConverseRequest(BedrockRequest):
    """POST /model/{model}/converse and /converse-stream."""

    api = "converse"
    generates = True
    documented_fields = DOCUMENTED_FIELDS

    @cached_property
    def stream(self) -> bool:
        return self.path.endswith("-stream")

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        tools_by_call_id: dict[str, str | None] = {}
        items, lookup = list_of(self.fields.get("messages")), self.object_lookup
        return tuple(
            message for item in items for message in _messages(object_of(item), tools_by_call_id, lookup)
        )

    @cached_property
    def system(self) -> str | None:
        texts = [message.text for message in self.messages if message.role == "system"]
        blocks = list_of(self.fields.get("system"))
        texts[:0] = [text for block in blocks if (text := text_of(object_of(block).get("text"))) is not None]
        return "\n".join(texts) if texts else None

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        """The functions; a tool of the service is known by its name."""
        return tuple(
            tool
            for entry in list_of(object_of(self.fields.get("toolConfig")).get("tools"))
            if (tool := _tool(object_of(entry))) is not None
        )

    @cached_property
    def tool_choice(self) -> ToolChoice:
        """The choice. Converse has no word for no tool: Claude's own field does, which the model gets as it is."""
        own = object_of(self.fields.get("additionalModelRequestFields")).get("tool_choice")
        if object_of(own).get("type") == "none":
            return ToolChoice("none")
        choice = object_of(object_of(self.fields.get("toolConfig")).get("toolChoice"))
        name = text_of(object_of(choice.get("tool")).get("name"))
        if name is not None:
            return ToolChoice("named", (name,))
        return ToolChoice() if choice.get("any") is None else ToolChoice("any")

    @cached_property
    def response_format(self) -> Format:
        form = object_of(object_of(self.fields.get("outputConfig")).get("textFormat"))
        schema = object_of(object_of(form.get("structure")).get("jsonSchema"))
        if form.get("type") != "json_schema":
            return Format()
        try:
            return Format("schema", text_of(schema.get("name")), loads(text_of(schema.get("schema")) or ""))
        except JSONDecodeError:
            return Format()

    @cached_property
    def output_bounds(self) -> OutputBounds:
        config = object_of(self.fields.get("inferenceConfig"))
        most = config.get("maxTokens")
        stop = (text for text in list_of(config.get("stopSequences")) if type(text) is str)
        return OutputBounds(1, tuple(stop), truncated_count(most))

    @cached_property
    def input_tokens(self) -> int:
        top = "" if any(message.role == "system" for message in self.messages) else self.system or ""
        return estimate_input(self) + estimate(top)


def _tool(entry: dict[str, Json]) -> Tool | None:
    spec, own = object_of(entry.get("toolSpec")), text_of(object_of(entry.get("systemTool")).get("name"))
    name = text_of(spec.get("name"))
    if name is None:
        return None if own is None else Tool(own, kind="system")
    return Tool(name, object_of(spec.get("inputSchema")).get("json"), text_of(spec.get("description")))


def add_turn(turns: ReadTurns, item: Json, lookup: ObjectLookup) -> None:
    """Add the neutral messages of one message."""
    for message in _messages(object_of(item), turns.tools_by_call_id, lookup):
        turns.add(message)


def _messages(
    item: dict[str, Json], tools_by_call_id: dict[str, str | None], lookup: ObjectLookup
) -> Iterator[Message]:
    """Yield the neutral messages of one message: its tool results, where it has any, and its other parts.
    `tools_by_call_id` are those so far; `lookup` finds those of earlier responses."""
    role = _ROLES.get(text_of(item.get("role")))
    if role is None:
        return
    blocks = [object_of(block) for block in list_of(item.get("content"))]
    results = [
        part
        for block in blocks
        for part in _result(object_of(block.get("toolResult")), tools_by_call_id, lookup)
    ]
    others = [part for block in blocks for part in _parts(block, tools_by_call_id)]
    if results:
        yield Message("tool", tuple(results))
    if others or not results:
        yield Message(role, tuple(others))


def _result(
    result: dict[str, Json], tools_by_call_id: dict[str, str | None], lookup: ObjectLookup
) -> Iterator[MessagePart]:
    """Yield the result of a tool, and its media."""
    if not result:
        return
    id, blocks = text_of(result.get("toolUseId")), list(map(object_of, list_of(result.get("content"))))
    texts = [block["text"] for block in blocks if type(block.get("text")) is str]
    texts += [dumps(block["json"]).decode() for block in blocks if block.get("json") is not None]
    name = None if id is None else tools_by_call_id.get(id) or lookup.tool_by_call_id(id)
    yield ResultPart(id, name, "\n".join(texts), result.get("status") == "error")
    yield from (
        _MEDIA[kind] for block in blocks for kind in block.keys() & _MEDIA.keys() if block[kind] is not None
    )


def _parts(block: dict[str, Json], tools_by_call_id: dict[str, str | None]) -> Iterator[MessagePart]:
    """Yield the part of a block that is not a tool's result."""
    kind, value = _first_member(block)
    fields = object_of(value)
    match kind:
        case "text" if type(value) is str:
            yield TextPart(value)
        case "image" | "audio" | "document" | "video":
            yield _MEDIA[kind]
        case "toolUse":
            call = CallPart(
                text_of(fields.get("toolUseId")), text_of(fields.get("name")), fields.get("input")
            )
            if call.id is not None:
                tools_by_call_id[call.id] = call.name
            yield call
        case "reasoningContent":
            yield ThinkingPart(text_of(object_of(fields.get("reasoningText")).get("text")) or "")
        case "guardContent" if type(object_of(fields.get("text")).get("text")) is str:
            yield TextPart(fields["text"]["text"])
        case "citationsContent":
            texts = [object_of(entry).get("text") for entry in list_of(fields.get("content"))]
            yield TextPart("".join(text for text in texts if type(text) is str))
        case "toolResult" | "cachePoint":
            pass
        case _:
            yield OtherPart(kind)


def _first_member(block: dict[str, Json]) -> tuple[str, Json]:
    """Return the name and the value of the first member that is not null."""
    for name, value in block.items():
        if value is not None:
            return name, value
    return "", None


def is_converse_body(body: Mapping[str, Json]) -> bool:
    """Return whether a field is Converse's, or its messages have blocks without a type."""
    if "inferenceConfig" in body or "toolConfig" in body:
        return True
    blocks = [block for turn in objects(body.get("messages")) for block in objects(turn.get("content"))]
    return any("type" not in block for block in blocks)


# --- writing -------------------------------------------------------------------------------------


def model_path(model: str | None, call: str) -> str:
    """Return the path of a call; the model's id is encoded as a segment, as botocore does."""
    return f"/model/{quote(model or DEFAULT_MODEL, safe='')}/{call}"


def build_request(request: NeutralRequest) -> WireRequest:
    config = without_empty({"maxTokens": request.max_tokens, "stopSequences": list(request.stop)})
    none = request.tool_choice is not None and request.tool_choice.mode == "none"
    body = without_empty(
        {
            "system": None if request.system is None else [{"text": request.system}],
            "toolConfig": _tool_config(request.tools, request.tool_choice),
            "outputConfig": _output_config(request.response_format),
            "inferenceConfig": config or None,
            "additionalModelRequestFields": {"tool_choice": {"type": "none"}} if none else None,
            "messages": [_turn(turn) for turn in request.turns],
        }
    )
    call = "converse-stream" if request.stream else "converse"
    return WireRequest(model_path(request.model, call), request.headers(), body)


def _turn(turn: dict[str, Json]) -> Json:
    """Return a turn; a text becomes a block."""
    content = turn.get("content")
    return {**turn, "content": [{"text": content}]} if isinstance(content, str) else turn


def _tool_config(tools: tuple[Tool, ...], choice: ToolChoice | None) -> Json:
    if not tools:
        return None
    specs = [
        without_empty(
            {"name": tool.name, "description": tool.description, "inputSchema": {"json": tool_schema(tool)}}
        )
        for tool in tools
    ]
    config: dict[str, Json] = {"tools": [{"toolSpec": spec} for spec in specs]}
    if choice is not None and choice.mode == "named":
        config["toolChoice"] = {"tool": {"name": choice.names[0]}}
    elif choice is not None and choice.mode != "none":
        config["toolChoice"] = {choice.mode: {}}
    return config


def _output_config(format_: Format | None) -> Json:
    """Return the format; Converse only has schemas, as texts."""
    if format_ is None or format_.kind != "schema":
        return None
    schema = without_empty({"name": format_.name, "schema": dumps(format_.schema).decode()})
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
